package pgpmime_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
)

// gnupg is GnuPG with a home of its own.
type gnupg struct {
	testing.TB
	*peers.GnuPG
}

func newGnuPG(t *testing.T) *gnupg { t.Helper(); return &gnupg{t, peers.NewGnuPG(t)} }

// key makes a key in GnuPG and returns it with its private part.
func (g *gnupg) key(user, algorithm string) *openpgp.Entity {
	g.Helper()
	g.Run("", "--quick-gen-key", user, algorithm, "default", "never")
	if e := g.export(user); algorithm == "future-default" {
		return e
	} else {
		g.Run("", "--quick-add-key", fingerprint(e), algorithm, "encr", "never")
	}
	return g.export(user)
}

func (g *gnupg) export(user string) *openpgp.Entity {
	g.Helper()
	list, err := openpgp.ReadKeyRing(strings.NewReader(g.Run("", "--export-secret-keys", user)))
	require.NoError(g, err)
	require.Len(g, list, 1)
	return list[0]
}

// add gives a key of ours to GnuPG.
func (g *gnupg) add(e *openpgp.Entity) {
	g.Helper()
	var b bytes.Buffer
	require.NoError(g, e.SerializePrivate(&b, nil))
	g.Run(b.String(), "--import")
}

func partsOf(t testing.TB, msg string) (first, second string) {
	t.Helper()
	ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
	require.NoError(t, err)
	require.Len(t, ix.Root.Parts, 2)
	a, b := ix.Root.Parts[0].Span(), ix.Root.Parts[1].Body
	return msg[a.Offset:a.End()], msg[b.Offset:b.End()]
}

// What we sign and encrypt, GnuPG verifies and decrypts.
func TestGnuPGReads(t *testing.T) {
	g, w, msg := newGnuPG(t), world(), letter(t)
	g.add(w.alice)
	g.add(w.bob)
	content, sig := partsOf(t, sign(t, &pgpmime.Signer{Key: w.alice}, msg))
	status := g.Run("", "--status-fd", "1", "--verify", g.File("sig.asc", sig), g.File("content", content))
	require.Contains(t, status, "GOODSIG")
	require.Contains(t, status, "alice@example.test")
	_, err := g.Try("", "--verify", g.File("sig.asc", sig), g.File("content", content+"\r\n"))
	require.Error(t, err)

	for _, signer := range []*openpgp.Entity{nil, w.alice} {
		_, data := partsOf(t, encrypt(t, &pgpmime.Encrypter{To: ring(w.bob), Sign: signer}, msg))
		require.Equal(t, entityOf(msg), g.Run(data, "--decrypt"))
		if signer != nil {
			require.Contains(t, g.Run(data, "--status-fd", "1", "-o", filepath.Join(g.Home, "out"), "--decrypt"), "GOODSIG")
		}
	}
}

// What GnuPG signs and encrypts, we verify and decrypt, with the keys that it makes.
func TestGnuPGWrites(t *testing.T) {
	g, msg := newGnuPG(t), letter(t)
	content := entityOf(msg)
	for _, algorithm := range []string{"rsa2048", "future-default"} {
		key := g.key("Alice <alice@example.test>", algorithm)
		for _, how := range []string{"--no-textmode", "--textmode"} {
			sig := g.Run(content, "--armor", "-u", "alice@example.test", how, "--detach-sign")
			signed := "From: alice@example.test\r\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=b\r\n\r\n--b\r\n" +
				content + "\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n" + sig + "\r\n--b--\r\n"
			s := verify(t, &pgpmime.Verifier{Keys: ring(key)}, signed)
			require.NoError(t, s.Signatures[0].Err, algorithm+how)
			require.True(t, s.Good())
			require.Equal(t, content, string(s.Content))
			require.False(t, verify(t, &pgpmime.Verifier{Keys: ring(key)}, strings.Replace(signed, "--b\r\nContent-Type: multipart/mixed", "--b\r\nContent-Type: multipart/Mixed", 1)).Good())
		}
		weak := g.Run(content, "--armor", "-u", "alice@example.test", "--digest-algo", "SHA1", "--weak-digest", "MD5", "--detach-sign")
		signed := "From: alice@example.test\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" +
			content + "\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n" + weak + "\r\n--b--\r\n"
		if s := verify(t, &pgpmime.Verifier{Keys: ring(key)}, signed); strings.HasPrefix(algorithm, "rsa") {
			require.ErrorIs(t, s.Signatures[0].Err, pgpmime.ErrWeakDigest)
		}

		for _, args := range [][]string{
			{}, {"-u", "alice@example.test", "--sign"}, {"--compress-algo", "zlib"}, {"--hidden-recipient", "alice@example.test"}, {"--compress-algo", "none", "--cipher-algo", "AES128"},
		} {
			args = append([]string{"--armor", "-r", "alice@example.test", "--encrypt"}, args...)
			data := g.Run(content, args...)
			sealed := "From: alice@example.test\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\n" +
				"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" + data + "\r\n--b--\r\n"
			d, err := decrypt(&pgpmime.Decrypter{Keys: ring(key)}, sealed)
			require.NoError(t, err, strings.Join(args, " "))
			require.Equal(t, content, string(d.Content))
			if len(args) > 4 && args[len(args)-1] == "--sign" {
				require.True(t, d.Signed.Good())
			} else {
				require.Nil(t, d.Signed)
			}
			sealed = strings.ReplaceAll(sealed, "\r\n", "\n")
			_, err = decrypt(&pgpmime.Decrypter{Keys: ring(key)}, sealed)
			require.NoError(t, err)
		}

		// Without integrity protection, as in the last century.
		data := g.Run(content, "--armor", "-r", "alice@example.test", "--rfc2440", "--disable-mdc", "--encrypt")
		sealed := "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\n" +
			"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" + data + "\r\n--b--\r\n"
		if _, err := decrypt(&pgpmime.Decrypter{Keys: ring(key)}, sealed); algorithm == "rsa2048" {
			t.Logf("without MDC: %v", err)
		}
		g.Run("", "--delete-secret-and-public-key", fingerprint(key))
	}
}

func fingerprint(e *openpgp.Entity) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range e.PrimaryKey.Fingerprint {
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
