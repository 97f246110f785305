package seal_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/seal"
	"github.com/buuta/mail/mime/pgpmime"
	"github.com/buuta/mail/mime/smime"
	"github.com/stretchr/testify/require"
)

// person has a key of each kind, in files: NAME.pem and NAME.asc with the private ones, NAME.crt and NAME.pub without.
type person struct {
	pair   smime.KeyPair
	entity *openpgp.Entity
}

func newPerson(t *testing.T, dir, address string, end time.Time) person {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: address}, EmailAddresses: []string{address}, NotBefore: time.Now().Add(-time.Hour), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	e, err := openpgp.NewEntity(address, "", address, nil)
	require.NoError(t, err)
	name, _, _ := strings.Cut(address, "@")
	write := func(ext string, b []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+ext), b, 0o600))
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(".crt", cert)
	write(".pem", append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), cert...))
	for ext, serialize := range map[string]func(io.Writer) error{".pub": e.Serialize, ".asc": func(w io.Writer) error { return e.SerializePrivate(w, nil) }} {
		var b bytes.Buffer
		w, err := armor.Encode(&b, "PGP KEY", nil)
		require.NoError(t, err)
		require.NoError(t, serialize(w))
		require.NoError(t, w.Close())
		write(ext, b.Bytes())
	}
	return person{smime.KeyPair{Certificate: c, Key: key}, e}
}

type table map[string]string

func (m table) Find(_ context.Context, key string) (string, bool, error) {
	if key == "broken@far.test" {
		return "", false, errors.New("the table is broken")
	}
	v, ok := m[key]
	return v, ok, nil
}

// sent is what goes on.
type sent struct {
	to   []string
	text []byte
}

type world struct {
	*seal.Gateway
	t      *testing.T
	sent   []sent
	logged []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.Gateway = &seal.Gateway{Keys: &seal.Keys{}, Now: time.Now, Log: func(text string) { w.logged = append(w.logged, text) },
		DKIM: func(io.Reader) (string, error) { return "DKIM-Signature: new\r\n", nil },
		Next: mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, r io.Reader) error {
			b, err := io.ReadAll(r)
			s := sent{text: b}
			for _, rc := range env.Recipients {
				s.to = append(s.to, rc.Address)
			}
			w.sent = append(w.sent, s)
			return err
		})}
	return w
}

const letter = "DKIM-Signature: old;\r\n a=b\r\nFrom: Alice <alice@here.test>\r\nTo: x@far.test\r\nSubject: plan\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nlúc trưa\r\n"

// deliver hands a message over and returns the replies.
func (w *world) deliver(from string, origin mail.Origin, text string, to ...string) []string {
	w.t.Helper()
	ctx := context.Background()
	w.sent = nil
	tx, err := w.Begin(ctx, from, &mail.MailOptions{Origin: origin})
	require.NoError(w.t, err)
	defer tx.Abort()
	replies := make([]string, len(to))
	for i, r := range to {
		if err := tx.Recipient(ctx, r, &mail.RcptOptions{}); err != nil {
			replies[i] = mail.ReplyOf(err).String()
		}
	}
	if err := tx.Body(ctx, strings.NewReader(text)); err != nil {
		return []string{mail.ReplyOf(err).String()}
	}
	results, err := tx.Commit(ctx)
	require.NoError(w.t, err)
	j := 0
	for i := range to {
		if replies[i] == "" {
			replies[i] = results[j].Reply.String()
			require.Equal(w.t, to[i], results[j].Recipient)
			j++
		}
	}
	return replies
}

// Users' mail is signed with the key that is theirs, and by no trick with another's.
func TestSign(t *testing.T) {
	dir := t.TempDir()
	alice := newPerson(t, dir, "alice@here.test", time.Now().Add(time.Hour))
	w := newWorld(t)
	roots := x509.NewCertPool()
	roots.AddCert(alice.pair.Certificate)
	for _, kind := range []string{"smime:" + dir + "/alice.pem", "pgp:" + dir + "/alice.asc"} {
		for _, key := range []string{"alice@here.test", "@here.test"} {
			w.Sign = table{key: kind}
			require.Equal(t, []string{"250 2.0.0 Ok", "250 2.0.0 Ok"}, w.deliver("Alice@here.test", mail.OriginLocal, letter, "x@far.test", "y@far.test"))
			require.Len(t, w.sent, 1)
			got := w.sent[0].text
			require.True(t, bytes.HasPrefix(got, []byte("DKIM-Signature: new\r\nFrom:")), "%s", got)
			require.NotContains(t, string(got), "old;")
			if strings.HasPrefix(kind, "smime") {
				s, err := (&smime.Verifier{Roots: roots}).Verify(bytes.NewReader(got), int64(len(got)))
				require.NoError(t, err)
				require.True(t, s.Good(), "%+v", s.Signatures)
			} else {
				s, err := (&pgpmime.Verifier{Keys: openpgp.EntityList{alice.entity}}).Verify(bytes.NewReader(got), int64(len(got)))
				require.NoError(t, err)
				require.True(t, s.Good(), "%+v", s.Signatures)
			}
		}
		for name, tt := range map[string]struct {
			from   string
			origin mail.Origin
			text   string
		}{
			"another user with her name":  {"bob@here.test", mail.OriginLocal, letter},
			"a stranger with her address": {"alice@here.test", mail.OriginVerified, letter},
			"two authors":                 {"alice@here.test", mail.OriginLocal, strings.Replace(letter, "<alice@here.test>", "<alice@here.test>, bob@here.test", 1)},
			"already signed":              {"alice@here.test", mail.OriginLocal, "From: alice@here.test\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"},
			"already encrypted":           {"alice@here.test", mail.OriginLocal, "From: alice@here.test\r\nContent-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\n\r\nx\r\n"},
			"a report":                    {"", mail.OriginLocal, letter},
		} {
			require.Equal(t, []string{"250 2.0.0 Ok"}, w.deliver(tt.from, tt.origin, tt.text, "x@far.test"), name)
			require.Equal(t, tt.text, string(w.sent[0].text), name)
		}
	}
	for _, bad := range []string{"smime:" + dir + "/none", "smime:" + dir + "/alice.crt", "pgp:" + dir + "/alice.pub", "gpg:x", dir + "/alice.pem"} {
		w.Sign = table{"alice@here.test": bad}
		require.Equal(t, []string{"451 4.7.5 the key to sign with for alice@here.test can't be used"}, w.deliver("alice@here.test", mail.OriginLocal, letter, "x@far.test"), bad)
		require.Empty(t, w.sent)
	}
}

// Each recipient with a key has a copy that nobody else can read; the others get the message as it is; what can't be encrypted waits.
func TestEncrypt(t *testing.T) {
	dir := t.TempDir()
	x, y := newPerson(t, dir, "x@far.test", time.Now().Add(time.Hour)), newPerson(t, dir, "y@far.test", time.Now().Add(time.Hour))
	newPerson(t, dir, "old@far.test", time.Now().Add(-time.Minute))
	alice := newPerson(t, dir, "alice@here.test", time.Now().Add(time.Hour))
	w := newWorld(t)
	w.Sign = table{"alice@here.test": "smime:" + dir + "/alice.pem"}
	w.Encrypt = table{"x@far.test": "smime:" + dir + "/x.crt", "y@far.test": "pgp:" + dir + "/y.pub", "old@far.test": "smime:" + dir + "/old.crt", "@strict.test": "pgp:" + dir + "/none"}
	require.Equal(t, []string{"250 2.0.0 Ok", "250 2.0.0 Ok", "250 2.0.0 Ok", "451 4.7.5 the key for old@far.test can't be used", "451 4.7.5 the key for a@strict.test can't be used", "451 4.7.5 the key for broken@far.test can't be used", "250 2.0.0 Ok"},
		w.deliver("alice@here.test", mail.OriginLocal, letter, "X@far.test", "y@far.test", "z@far.test", "old@far.test", "a@strict.test", "broken@far.test", "q@far.test"))
	require.Contains(t, strings.Join(w.logged, "\n"), "warning: the key for old@far.test can't be used: "+dir+"/old.crt: the certificate has expired on ")
	require.Len(t, w.sent, 3)
	for i, to := range [][]string{{"X@far.test"}, {"y@far.test"}, {"z@far.test", "q@far.test"}} {
		require.Equal(t, to, w.sent[i].to)
		require.True(t, bytes.HasPrefix(w.sent[i].text, []byte("DKIM-Signature: new\r\nFrom: Alice")))
		require.Equal(t, i == 2, bytes.Contains(w.sent[i].text, []byte("l=C3=BAc")), "%s", w.sent[i].text)
	}
	d, err := (&smime.Decrypter{Keys: smime.Keys(x.pair), Verifier: &smime.Verifier{Roots: pool(alice)}}).Decrypt(bytes.NewReader(w.sent[0].text), int64(len(w.sent[0].text)))
	require.NoError(t, err)
	require.True(t, d.Authenticated)
	require.True(t, d.Signed.Good())
	require.Contains(t, string(d.Content), "l=C3=BAc tr=C6=B0a")
	p, err := (&pgpmime.Decrypter{Keys: openpgp.EntityList{y.entity}}).Decrypt(bytes.NewReader(w.sent[1].text), int64(len(w.sent[1].text)))
	require.NoError(t, err)
	require.Contains(t, string(p.Content), "l=C3=BAc tr=C6=B0a")

	// Anybody's mail is encrypted, without a signature too; a report as well; what is encrypted already stays.
	require.Equal(t, []string{"250 2.0.0 Ok"}, w.deliver("", mail.OriginUnknown, letter, "x@far.test"))
	require.NotContains(t, string(w.sent[0].text), "trưa")
	done := string(w.sent[0].text)
	require.Equal(t, []string{"250 2.0.0 Ok"}, w.deliver("bob@here.test", mail.OriginLocal, done, "y@far.test"))
	require.Equal(t, done, string(w.sent[0].text))

	// A key that has been renewed counts at once; a message that can't be held in memory goes nowhere.
	newPerson(t, dir, "old@far.test", time.Now().Add(time.Hour))
	require.Equal(t, []string{"250 2.0.0 Ok"}, w.deliver("bob@here.test", mail.OriginLocal, letter, "old@far.test"))
	w.Size = 10
	require.Equal(t, []string{"552 5.3.4 message is too large to be signed or encrypted"}, w.deliver("bob@here.test", mail.OriginLocal, letter, "x@far.test"))
	require.Empty(t, w.sent)
	require.Equal(t, []string{"250 2.0.0 Ok"}, w.deliver("bob@here.test", mail.OriginLocal, letter, "z@far.test"), "nothing to do for it")
}

func pool(p person) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(p.pair.Certificate)
	return roots
}

// Files with something else in them are refused, with the reason.
func TestBadKeys(t *testing.T) {
	dir := t.TempDir()
	newPerson(t, dir, "a@x.test", time.Now().Add(time.Hour))
	newPerson(t, dir, "b@x.test", time.Now().Add(time.Hour))
	a, err := os.ReadFile(dir + "/a.pem")
	require.NoError(t, err)
	crt, err := os.ReadFile(dir + "/b.crt")
	require.NoError(t, err)
	key, _ := pem.Decode(a)
	for name, tt := range map[string]struct{ text, want string }{
		"junk":       {"hello", "has no certificate in PEM"},
		"large":      {strings.Repeat("x", 2<<20), "is larger than any key"},
		"another's":  {string(pem.EncodeToMemory(key)) + string(crt), "the private key is not the first certificate's"},
		"passphrase": {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n" + string(crt), "the private key has a passphrase"},
	} {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(tt.text), 0o600))
		_, err := (&seal.Keys{}).Get("smime:"+file, time.Now())
		require.ErrorContains(t, err, tt.want, name)
		_, err = (&seal.Keys{}).Get("pgp:"+file, time.Now())
		require.Error(t, err)
	}
}
