package webmail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/mime/smime"
)

// authority makes a certificate authority and a signer with a certificate of it.
func authority(t *testing.T, address string) (*x509.CertPool, *smime.Signer) {
	t.Helper()
	issue := func(c, parent *x509.Certificate, pub, key any) *x509.Certificate {
		c.SerialNumber, c.NotBefore, c.NotAfter, c.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), true
		der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, key)
		require.NoError(t, err)
		out, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return out
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{Subject: pkix.Name{CommonName: "Authority"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root := issue(ca, ca, rootKey.Public(), rootKey)
	cert := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "Signer"}, EmailAddresses: []string{address}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement,
		SubjectKeyId: []byte("signer"), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}}, root, key.Public(), rootKey)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool, &smime.Signer{Certificate: cert, Key: key}
}

// What is signed or encrypted is said to be so, and signatures of S/MIME are checked: who signed, whether it is the sender, and whether anything was changed.
func TestProtection(t *testing.T) {
	roots, bob := authority(t, "bob@example.test")
	_, stranger := authority(t, "bob@example.test")
	f := newFixture(t, func(c *webmail.Config) { c.SMIMERoots = roots })
	plain := func(from string) string {
		return "From: " + from + "\r\nTo: alice@example.test\r\nSubject: Hợp đồng\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nXin ch=C3=A0o <b>pwn</b>\r\n"
	}
	made := func(write func(w *bytes.Buffer) error) string {
		t.Helper()
		var b bytes.Buffer
		require.NoError(t, write(&b))
		return strings.ReplaceAll(b.String(), "\r\n", "\n")
	}
	signed := func(s *smime.Signer, from string) string {
		return made(func(w *bytes.Buffer) error { return s.Sign(w, strings.NewReader(plain(from))) })
	}
	good := signed(bob, "bob@example.test")
	opaque := made(func(w *bytes.Buffer) error { return bob.SignOpaque(w, strings.NewReader(plain("bob@example.test"))) })
	for i, tt := range []struct{ text, want, not string }{
		{good, "Signed by bob@example.test. The message is as it was signed.", "notice bad"},
		{strings.Replace(good, "Xin ch", "Xin Ch", 1), "The signature does not fit", "Signed by"},
		{signed(bob, "eve@example.test"), "Signed by bob@example.test, who is not the sender", "as it was signed"},
		{signed(stranger, "bob@example.test"), "nobody whom this server trusts confirms that the signer is bob@example.test", "notice bad"},
		{opaque, "Signed by bob@example.test. The message is as it was signed.", "<b>pwn"},
		{opaque[:len(opaque)-200] + "\n", "notice bad", "Signed by"},
		{made(func(w *bytes.Buffer) error {
			return (&smime.Encrypter{To: []*x509.Certificate{bob.Certificate}}).Encrypt(w, strings.NewReader(plain("bob@example.test")))
		}), "Encrypted. A program that has your key can read it", "Signed"},
		{"From: bob@example.test\nContent-Type: multipart/mixed; boundary=mm\n\n--mm\n" + good[strings.Index(good, "Content-Type: multipart/signed"):] + "\n--mm\nContent-Type: text/plain\n\nfooter\n--mm--\n",
			"A part of this message was signed by bob@example.test", "as it was signed"},
		{"From: bob@example.test\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256; boundary=bb\n\n--bb\nContent-Type: text/plain\n\nx\n--bb\nContent-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n--bb--\n",
			"The signature does not fit", "Signed by"},
		{"From: bob@example.test\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=bb\n\n--bb\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--bb\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n--bb--\n",
			"Encrypted. A program", "Signed"},
		{"From: bob@example.test\nContent-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nabc\n", "Encrypted. A program", "Signed"},
		{message(1), "Hi number 1", "class=\"notice"},
	} {
		f.add("INBOX", tt.text)
		if i == 0 {
			f.login()
		}
		f.get(fmt.Sprintf("/mail/INBOX/%d", i+1))
		require.Contains(t, f.page, tt.want, i)
		require.NotContains(t, f.page, tt.not, i)
		if i == 4 {
			require.Contains(t, f.page, "Xin chào &lt;b&gt;pwn", "the text within the signature is shown")
		}
	}
}
