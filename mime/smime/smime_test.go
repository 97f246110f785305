package smime_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/smime"
)

// identity is a person with certificate and key, issued by the tests' authority.
type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

type authority struct {
	cert              *x509.Certificate
	key               crypto.Signer
	alice, bob, carol identity // RSA, RSA, ECDSA
}

// world has Alice and Bob with RSA and Carol with ECDSA.
var world = sync.OnceValue(func() *authority {
	return newAuthority(func(n int64) (crypto.Signer, error) {
		if n == 4 {
			return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}
		return rsa.GenerateKey(rand.Reader, 2048)
	})
})

// smallWorld is quick to make and has the same keys in every process, for fuzzing.
var smallWorld = sync.OnceValue(func() *authority {
	return newAuthority(func(n int64) (crypto.Signer, error) {
		return ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(n).FillBytes(make([]byte, 32)))
	})
})

func newAuthority(makeKey func(n int64) (crypto.Signer, error)) *authority {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	issue := func(name string, serial int64, pub any, parent *x509.Certificate, key crypto.Signer, ca bool) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement,
			IsCA:     ca, BasicConstraintsValid: true,
		}
		if ca {
			c.KeyUsage = x509.KeyUsageCertSign
		} else {
			c.SubjectKeyId = []byte("id of " + name)
			c.EmailAddresses = []string{name + "@example.test"}
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		}
		if parent == nil {
			parent = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, key)
		must(err)
		out, err := x509.ParseCertificate(der)
		must(err)
		return out
	}
	person := func(name string, n int64, w *authority) identity {
		key, err := makeKey(n)
		must(err)
		return identity{issue(name, n, key.Public(), w.cert, w.key, false), key}
	}
	w := &authority{}
	var err error
	w.key, err = makeKey(1)
	must(err)
	w.cert = issue("Authority", 1, w.key.Public(), nil, w.key, true)
	w.alice, w.bob, w.carol = person("alice", 2, w), person("bob", 3, w), person("carol", 4, w)
	return w
}

func (w *authority) verifier() *smime.Verifier {
	pool := x509.NewCertPool()
	pool.AddCert(w.cert)
	return &smime.Verifier{Roots: pool}
}

func signerOf(i identity) *smime.Signer { return &smime.Signer{Certificate: i.cert, Key: i.key} }

func decrypterOf(ids ...identity) *smime.Decrypter {
	var pairs []smime.KeyPair
	for _, i := range ids {
		pairs = append(pairs, smime.KeyPair{Certificate: i.cert, Key: i.key})
	}
	return &smime.Decrypter{Keys: smime.Keys(pairs...), Verifier: world().verifier()}
}

// letter is what a program hands over to be signed.
func letter(t testing.TB) string {
	t.Helper()
	b := &mime.Builder{
		From: []mime.Address{{Name: "Alice", Mailbox: "alice", Host: "example.test"}}, To: []mime.Address{{Mailbox: "bob", Host: "example.test"}},
		Subject: "Thư ngỏ", Text: "Xin chào Bob,\nFrom here on: trailing blank \n-- \nAlice\n", HTML: "<p>Xin chào",
		Attachments: []mime.File{{Filename: "x.bin", Content: strings.NewReader("\x00\x01\r\n\n\r")}},
	}
	var out bytes.Buffer
	_, err := b.WriteTo(&out)
	require.NoError(t, err)
	return out.String()
}

// entityOf is the part of a message that is signed: the Content-* fields and the body.
func entityOf(msg string) string {
	head, body, _ := strings.Cut(msg, "\r\n\r\n")
	var out strings.Builder
	keep := false
	for line := range strings.Lines(head + "\r\n") {
		if line[0] != ' ' && line[0] != '\t' {
			keep = strings.HasPrefix(line, "Content-")
		}
		if keep {
			out.WriteString(line)
		}
	}
	return out.String() + "\r\n" + body
}

func sign(t testing.TB, s *smime.Signer, opaque bool, msg string) string {
	t.Helper()
	var out bytes.Buffer
	f := s.Sign
	if opaque {
		f = s.SignOpaque
	}
	require.NoError(t, f(&out, strings.NewReader(msg)))
	for line := range strings.Lines(out.String()) {
		require.True(t, strings.HasSuffix(line, "\r\n"), "%q", line)
	}
	return out.String()
}

func verify(t testing.TB, v *smime.Verifier, msg string) *smime.Signed {
	t.Helper()
	s, err := v.Verify(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	return s
}

func encrypt(t testing.TB, e *smime.Encrypter, msg string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, e.Encrypt(&out, strings.NewReader(msg)))
	return out.String()
}

func decrypt(d *smime.Decrypter, msg string) (*smime.Decrypted, error) {
	return d.Decrypt(strings.NewReader(msg), int64(len(msg)))
}

func TestSign(t *testing.T) {
	w, msg := world(), letter(t)
	for _, who := range []identity{w.alice, w.carol} {
		for _, opaque := range []bool{false, true} {
			signed := sign(t, signerOf(who), opaque, msg)
			s := verify(t, w.verifier(), signed)
			require.True(t, s.Whole)
			require.Len(t, s.Signatures, 1)
			g := s.Signatures[0]
			require.NoError(t, g.Err)
			require.True(t, g.Valid)
			require.Equal(t, who.cert.EmailAddresses, g.Addresses)
			require.Equal(t, who.cert.EmailAddresses[0] == "alice@example.test", g.MatchesFrom, "the letter is from Alice")
			require.Equal(t, g.MatchesFrom, s.Good())
			require.WithinDuration(t, time.Now(), g.Time, time.Minute)
			require.Equal(t, entityOf(msg), string(s.Content), "what is signed is the entity octet by octet")
			require.Nil(t, s.Header)

			ix, err := mime.BuildIndex(strings.NewReader(signed), int64(len(signed)), nil)
			require.NoError(t, err)
			require.Empty(t, ix.Problems)
			require.Equal(t, "Thư ngỏ", mime.DecodeText(ix.Root.Envelope.Subject.Value), "the header stays outside")
			if opaque {
				require.Equal(t, "signed-data", ix.Root.Param("smime-type"))
			} else {
				require.Equal(t, "sha-256", ix.Root.Param("micalg"), "RFC 8551 section 3.5.3.2")
				require.Equal(t, "application/pkcs7-signature", ix.Root.Param("protocol"))
			}
		}
	}
}

// A message whose lines end in LF, as files on Unix, signs and verifies the same.
func TestLineEnds(t *testing.T) {
	w, msg := world(), letter(t)
	lf := strings.ReplaceAll(msg, "\r\n", "\n")
	signed := sign(t, signerOf(w.alice), false, lf)
	require.Equal(t, entityOf(msg), string(verify(t, w.verifier(), signed).Content))
	s := verify(t, w.verifier(), strings.ReplaceAll(signed, "\r\n", "\n"))
	require.True(t, s.Good())
	require.Equal(t, entityOf(msg), string(s.Content))
}

// Every octet counts: a flipped one anywhere in the signed part is found.
func TestChanged(t *testing.T) {
	w := world()
	signed := sign(t, signerOf(w.alice), false, letter(t))
	s := verify(t, w.verifier(), signed)
	start := strings.Index(signed, string(s.Content))
	require.Positive(t, start)
	for i := start; i < start+len(s.Content); i += 7 {
		b := []byte(signed)
		if b[i] == '\r' || b[i] == '\n' {
			continue // a change of line ends changes the structure, or is made good by the canonical form
		}
		b[i] ^= 0x02
		got, err := w.verifier().Verify(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			require.False(t, got.Good(), "octet %d", i)
			require.False(t, got.Signatures[0].Valid)
		}
	}
}

func TestTrust(t *testing.T) {
	w := world()
	signed := sign(t, signerOf(w.alice), false, letter(t))
	v := w.verifier()
	v.Roots = x509.NewCertPool()
	g := verify(t, v, signed).Signatures[0]
	require.ErrorAs(t, g.Err, &x509.UnknownAuthorityError{})
	require.True(t, g.Valid, "known to be hers, but nobody vouches for her")

	v = w.verifier()
	v.Time = time.Now().Add(48 * time.Hour)
	var expired x509.CertificateInvalidError
	require.ErrorAs(t, verify(t, v, signed).Signatures[0].Err, &expired)
	require.Equal(t, x509.Expired, expired.Reason)

	s := signerOf(w.alice)
	s.Certificate = w.bob.cert // somebody else's certificate with one's own key
	var out bytes.Buffer
	require.NoError(t, s.Sign(&out, strings.NewReader(letter(t))))
	g = verify(t, w.verifier(), out.String()).Signatures[0]
	require.Error(t, g.Err)
	require.False(t, g.Valid)
}

// What stands beside a signed part is not signed.
func TestNotWhole(t *testing.T) {
	w := world()
	signed := sign(t, signerOf(w.alice), false, letter(t))
	_, part, _ := strings.Cut(signed, "MIME-Version: 1.0\r\n")
	list := "From: alice@example.test\r\nContent-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n" + part +
		"\r\n--list\r\nContent-Type: text/plain\r\n\r\nA footer.\r\n--list--\r\n"
	s := verify(t, w.verifier(), list)
	require.NoError(t, s.Signatures[0].Err)
	require.False(t, s.Whole)
	require.False(t, s.Good())

	forwarded := "From: eve@example.test\r\nContent-Type: message/rfc822\r\n\r\n" + signed
	_, err := w.verifier().Verify(strings.NewReader(forwarded), int64(len(forwarded)))
	require.ErrorIs(t, err, smime.ErrNotSigned, "an attached message is another message")
}

// "Receiving agents MUST check that the address in the From or Sender header field […] matches" (RFC 8550 section 3); the
// From is what people see, and there must be no doubt which it is.
func TestMatchesFrom(t *testing.T) {
	w := world()
	for from, want := range map[string]bool{
		"From: alice@example.test":                            true,
		"From: Alice <ALICE@EXAMPLE.TEST>":                    true,
		"From: alice@example.test, eve@example.test":          false,
		"From: alice@example.test\r\nFrom: eve@example.test":  false,
		"From: \"alice@example.test\" <eve@example.test>":     false,
		"Sender: alice@example.test\r\nFrom: eve@example.net": false,
		"X: y": false,
	} {
		signed := sign(t, signerOf(w.alice), false, from+"\r\nContent-Type: text/plain\r\n\r\nhello\r\n")
		s := verify(t, w.verifier(), signed)
		require.NoError(t, s.Signatures[0].Err)
		require.Equal(t, want, s.Signatures[0].MatchesFrom, from)
	}
}

// RFC 9788: the header inside is the one to believe.
func TestProtectedHeader(t *testing.T) {
	w := world()
	signer := signerOf(w.alice)
	signer.ProtectHeader = true
	signed := sign(t, signer, false, letter(t))
	s := verify(t, w.verifier(), signed)
	require.True(t, s.Good())
	require.Equal(t, "Thư ngỏ", s.Header.Text("Subject"))
	require.Equal(t, "alice@example.test", s.Header.Addresses("From")[0].Addr())

	// Whoever changes the header outside fools nobody: Good says that From is another, Header has the true Subject.
	forged := strings.Replace(strings.Replace(signed, "From: Alice <alice@example.test>", "From: Alice <eve@example.net>", 1), "Subject: ", "Subject: urgent ", 1)
	s = verify(t, w.verifier(), forged)
	require.NoError(t, s.Signatures[0].Err)
	require.False(t, s.Good())
	require.Equal(t, "Thư ngỏ", s.Header.Text("Subject"))

	e := &smime.Encrypter{To: []*x509.Certificate{w.bob.cert}, ProtectHeader: true, Signer: signerOf(w.alice)}
	sealed := encrypt(t, e, letter(t))
	m, err := mime.Read(strings.NewReader(sealed))
	require.NoError(t, err)
	require.Equal(t, "[...]", m.Subject, "RFC 9788 section 3.2.1")
	d, err := decrypt(decrypterOf(w.bob), sealed)
	require.NoError(t, err)
	require.Equal(t, "Thư ngỏ", d.Header.Text("Subject"))
	require.True(t, d.Signed.Good())
	require.False(t, d.Header.Has("HP-Outer"))
	require.Contains(t, string(d.Content), "\r\nHP-Outer: Subject: [...]\r\n")
	require.Contains(t, string(d.Content), "hp=cipher")
}

func TestEncrypt(t *testing.T) {
	w, msg := world(), letter(t)
	all := []*x509.Certificate{w.alice.cert, w.bob.cert, w.carol.cert}
	for _, e := range []*smime.Encrypter{
		{To: all}, {To: all, Signer: signerOf(w.alice)}, {To: all, Signer: signerOf(w.alice), Compatible: true},
	} {
		sealed := encrypt(t, e, msg)
		require.NotContains(t, sealed, "chào")
		ix, err := mime.BuildIndex(strings.NewReader(sealed), int64(len(sealed)), nil)
		require.NoError(t, err)
		kind := "authEnveloped-data" // RFC 8551 section 3.4
		if e.Compatible {
			kind = "enveloped-data"
		}
		require.Equal(t, kind, ix.Root.Param("smime-type"))
		for _, who := range []identity{w.alice, w.bob, w.carol} {
			d, err := decrypt(decrypterOf(who), sealed)
			require.NoError(t, err)
			require.Equal(t, entityOf(msg), string(d.Content))
			require.True(t, d.Authenticated)
			if e.Signer != nil {
				require.True(t, d.Signed.Good())
			} else {
				require.Nil(t, d.Signed)
			}
		}
		_, err = decrypt(decrypterOf(), sealed)
		require.ErrorIs(t, err, smime.ErrNoKey)
	}
}

// CBC can't tell whether a message was changed: without a signature inside nothing of it is shown.
func TestUnauthenticated(t *testing.T) {
	w, msg := world(), letter(t)
	sealed := encrypt(t, &smime.Encrypter{To: []*x509.Certificate{w.bob.cert}, Compatible: true}, msg)
	d := decrypterOf(w.bob)
	_, err := decrypt(d, sealed)
	require.ErrorIs(t, err, smime.ErrUnauthenticated)
	d.AllowUnauthenticated = true
	got, err := decrypt(d, sealed)
	require.NoError(t, err)
	require.False(t, got.Authenticated)
	require.Equal(t, entityOf(msg), string(got.Content))
}

// EFAIL: stolen ciphertext wrapped in parts of the attacker's own, and ciphertext that was changed.
func TestEFAIL(t *testing.T) {
	w := world()
	msg := letter(t)
	sealed := encrypt(t, &smime.Encrypter{To: []*x509.Certificate{w.bob.cert}}, msg)
	_, part, _ := strings.Cut(sealed, "MIME-Version: 1.0\r\n")
	wrapped := "From: eve@example.net\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/html\r\n\r\n<img src=\"http://eve.example/\r\n--x\r\n" + part + "\r\n--x\r\nContent-Type: text/html\r\n\r\n\">\r\n--x--\r\n"
	_, err := decrypt(decrypterOf(w.bob), wrapped)
	require.ErrorIs(t, err, smime.ErrNotWhole)
	attached := "From: eve@example.net\r\nContent-Type: message/rfc822\r\n\r\n" + sealed
	_, err = decrypt(decrypterOf(w.bob), attached)
	require.ErrorIs(t, err, smime.ErrNotWhole)

	head, body, _ := strings.Cut(sealed, "\r\n\r\n")
	lines := strings.Split(body, "\r\n")
	for i := range lines { // swap each line's first group for another
		if len(lines[i]) < 8 {
			continue
		}
		changed := append([]string(nil), lines...)
		changed[i] = lines[i][4:8] + lines[i][4:]
		if changed[i] == lines[i] {
			continue
		}
		got, err := decrypt(decrypterOf(w.bob), head+"\r\n\r\n"+strings.Join(changed, "\r\n"))
		if err == nil { // no change of the content: the structure around it isn't protected, and needn't be
			require.Equal(t, entityOf(msg), string(got.Content), "line %d", i)
			continue
		}
		require.Nil(t, got)
	}
}

func TestErrors(t *testing.T) {
	w, msg := world(), letter(t)
	v, d := w.verifier(), decrypterOf(w.bob)
	_, err := v.Verify(strings.NewReader(msg), int64(len(msg)))
	require.ErrorIs(t, err, smime.ErrNotSigned)
	_, err = decrypt(d, msg)
	require.ErrorIs(t, err, smime.ErrNotEncrypted)
	signed := sign(t, signerOf(w.alice), true, msg)
	_, err = decrypt(d, signed)
	require.ErrorIs(t, err, smime.ErrNotEncrypted)
	sealed := encrypt(t, &smime.Encrypter{To: []*x509.Certificate{w.bob.cert}}, msg)
	_, err = v.Verify(strings.NewReader(sealed), int64(len(sealed)))
	require.ErrorIs(t, err, smime.ErrNotSigned)
	for _, blob := range []string{"", "AAAA", "MIAGCSqGSIb3DQEHAqCAMIA="} {
		bad := "Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n" + blob
		_, err = v.Verify(strings.NewReader(bad), int64(len(bad)))
		require.ErrorIs(t, err, smime.ErrSyntax, blob)
		_, err = decrypt(d, bad)
		require.ErrorIs(t, err, smime.ErrSyntax, blob)
	}

	var out bytes.Buffer
	require.Error(t, (&smime.Signer{}).Sign(&out, strings.NewReader(msg)))
	require.Error(t, (&smime.Encrypter{}).Encrypt(&out, strings.NewReader(msg)))
	eight := "From: a@b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nthư\r\n"
	require.ErrorContains(t, signerOf(w.alice).Sign(&out, strings.NewReader(eight)), "7bit")
	require.NoError(t, signerOf(w.alice).SignOpaque(&out, strings.NewReader(eight)), "base64 carries it")
	s := signerOf(w.alice)
	s.Limits.Size = 100
	require.ErrorContains(t, s.Sign(&out, strings.NewReader(msg)), "limit")
	v.Limits.Size = 100
	_, err = v.Verify(strings.NewReader(signed), int64(len(signed)))
	require.ErrorContains(t, err, "limit")
}

func TestLimits(t *testing.T) {
	w := world()
	d := decrypterOf(w.bob)
	d.Limits.Recipients = 1
	_, err := decrypt(d, encrypt(t, &smime.Encrypter{To: []*x509.Certificate{w.alice.cert, w.bob.cert}}, letter(t)))
	require.ErrorIs(t, err, smime.ErrTooMany)
	s := signerOf(w.alice)
	s.Chain = []*x509.Certificate{w.cert}
	v := w.verifier()
	v.Limits.Certificates = 1
	signed := sign(t, s, false, letter(t))
	_, err = v.Verify(strings.NewReader(signed), int64(len(signed)))
	require.ErrorIs(t, err, smime.ErrTooMany)
}
