package smime_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/smime"
)

// openssl is the program in a folder with everybody's certificates and keys.
type openssl struct {
	testing.TB
	dir string
}

func newOpenSSL(t *testing.T) *openssl {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is missing")
		}
		t.Skip("openssl is missing")
	}
	w, o := world(), &openssl{t, t.TempDir()}
	o.file("ca.pem", pemOf("CERTIFICATE", w.cert.Raw))
	for name, i := range map[string]identity{"alice": w.alice, "bob": w.bob, "carol": w.carol} {
		key, err := x509.MarshalPKCS8PrivateKey(i.key)
		require.NoError(t, err)
		o.file(name+".pem", pemOf("CERTIFICATE", i.cert.Raw))
		o.file(name+".key", pemOf("PRIVATE KEY", key))
	}
	return o
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (o *openssl) file(name, content string) string {
	require.NoError(o, os.WriteFile(filepath.Join(o.dir, name), []byte(content), 0o600))
	return name
}

func (o *openssl) run(args ...string) string {
	o.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(o, cmd.Run(), "openssl %s: %s", strings.Join(args, " "), stderr.String())
	return stdout.String()
}

// What we sign, OpenSSL verifies.
func TestOpenSSLVerifies(t *testing.T) {
	o, w, msg := newOpenSSL(t), world(), letter(t)
	for _, who := range []identity{w.alice, w.carol} {
		for _, opaque := range []bool{false, true} {
			o.file("msg.eml", sign(t, signerOf(who), opaque, msg))
			require.Equal(t, entityOf(msg), o.run("cms", "-verify", "-in", "msg.eml", "-CAfile", "ca.pem", "-purpose", "smimesign"))
			require.Equal(t, entityOf(msg), o.run("smime", "-verify", "-in", "msg.eml", "-CAfile", "ca.pem"))
		}
	}
}

// What OpenSSL signs, we verify.
func TestOpenSSLSigns(t *testing.T) {
	o, w, msg := newOpenSSL(t), world(), letter(t)
	content := entityOf(msg)
	o.file("content", content)
	o.file("unix", strings.ReplaceAll(content, "\r\n", "\n"))
	sign := func(args ...string) string {
		return o.run(append(args, "-from", "alice@example.test", "-to", "bob@example.test", "-subject", "hello", "-md", "sha256")...)
	}
	for name, signed := range map[string]string{
		"cms":                sign("cms", "-sign", "-binary", "-crlfeol", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"),
		"smime":              sign("smime", "-sign", "-binary", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"),
		"Unix line ends":     sign("smime", "-sign", "-in", "unix", "-signer", "alice.pem", "-inkey", "alice.key"),
		"opaque":             sign("cms", "-sign", "-binary", "-nodetach", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"),
		"opaque, stream":     sign("cms", "-sign", "-binary", "-nodetach", "-stream", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"),
		"opaque smime":       sign("smime", "-sign", "-binary", "-nodetach", "-indef", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"),
		"with issuer":        sign("cms", "-sign", "-binary", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key", "-certfile", "ca.pem"),
		"without attributes": sign("cms", "-sign", "-binary", "-noattr", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"),
	} {
		s := verify(t, w.verifier(), signed)
		require.NoError(t, s.Signatures[0].Err, name)
		require.True(t, s.Good(), name)
		require.Equal(t, content, string(s.Content), name)
		bad := strings.Replace(signed, "hello", "other", 1)
		require.True(t, verify(t, w.verifier(), bad).Good(), "the header is outside")
	}

	two := o.run("cms", "-sign", "-binary", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key", "-signer", "carol.pem", "-inkey", "carol.key", "-from", "carol@example.test")
	s := verify(t, w.verifier(), two)
	require.Len(t, s.Signatures, 2)
	for _, g := range s.Signatures {
		require.NoError(t, g.Err)
		require.Equal(t, g.Addresses[0] == "carol@example.test", g.MatchesFrom)
	}

	keyid := o.run("cms", "-sign", "-binary", "-keyid", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key")
	_, err := w.verifier().Verify(strings.NewReader(keyid), int64(len(keyid)))
	require.ErrorIs(t, err, smime.ErrUnsupported)
	pss := o.run("cms", "-sign", "-binary", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key", "-keyopt", "rsa_padding_mode:pss")
	require.Error(t, verify(t, w.verifier(), pss).Signatures[0].Err)

	without := o.run("cms", "-sign", "-binary", "-nocerts", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key")
	require.ErrorIs(t, verify(t, w.verifier(), without).Signatures[0].Err, smime.ErrNoCertificate)
	v := w.verifier()
	v.Certificates = []*x509.Certificate{w.bob.cert, w.alice.cert}
	require.NoError(t, verify(t, v, without).Signatures[0].Err)

	weak := o.run("cms", "-sign", "-binary", "-md", "sha1", "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key")
	require.ErrorIs(t, verify(t, w.verifier(), weak).Signatures[0].Err, smime.ErrWeakDigest)
}

// What we encrypt, OpenSSL decrypts.
func TestOpenSSLDecrypts(t *testing.T) {
	o, w, msg := newOpenSSL(t), world(), letter(t)
	all := []*x509.Certificate{w.alice.cert, w.bob.cert, w.carol.cert}
	for _, compatible := range []bool{false, true} {
		o.file("msg.eml", encrypt(t, &smime.Encrypter{To: all, Compatible: compatible}, msg))
		for _, who := range []string{"alice", "bob", "carol"} {
			require.Equal(t, entityOf(msg), o.run("cms", "-decrypt", "-in", "msg.eml", "-recip", who+".pem", "-inkey", who+".key"))
		}
	}
	o.file("old.eml", encrypt(t, &smime.Encrypter{To: []*x509.Certificate{w.alice.cert}, Compatible: true, Signer: signerOf(w.alice)}, msg))
	o.file("signed.eml", o.run("smime", "-decrypt", "-in", "old.eml", "-recip", "alice.pem", "-inkey", "alice.key"))
	require.Equal(t, entityOf(msg), o.run("cms", "-verify", "-in", "signed.eml", "-CAfile", "ca.pem"))
}

// What OpenSSL encrypts, we decrypt: by every cipher, key and form of BER that it has.
func TestOpenSSLEncrypts(t *testing.T) {
	o, w, msg := newOpenSSL(t), world(), letter(t)
	content := entityOf(msg)
	o.file("content", content)
	encrypt := func(args ...string) string {
		return o.run(append([]string{"cms", "-encrypt", "-binary", "-in", "content", "-from", "alice@example.test"}, args...)...)
	}
	for _, c := range []struct {
		name, sealed string
		who          identity
		auth         bool
	}{
		{"GCM, RSA", encrypt("-aes-256-gcm", "bob.pem"), w.bob, true},
		{"key identifier", encrypt("-aes-256-gcm", "-keyid", "bob.pem"), w.bob, true},
		{"key identifier, elliptic", encrypt("-aes-256-gcm", "-keyid", "carol.pem"), w.carol, true},
		{"GCM, 128", encrypt("-aes-128-gcm", "bob.pem"), w.bob, true},
		{"GCM, streamed", encrypt("-aes-256-gcm", "-stream", "bob.pem"), w.bob, true},
		{"GCM, elliptic", encrypt("-aes-256-gcm", "carol.pem"), w.carol, true},
		{"OAEP", encrypt("-aes-256-gcm", "-recip", "bob.pem", "-keyopt", "rsa_padding_mode:oaep"), w.bob, true},
		{"OAEP, SHA-256", encrypt("-aes-256-gcm", "-recip", "bob.pem", "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"), w.bob, true},
		{"elliptic, SHA-384", encrypt("-aes-128-gcm", "-recip", "carol.pem", "-keyopt", "ecdh_kdf_md:sha384"), w.carol, true},
		{"several", encrypt("-aes-256-gcm", "alice.pem", "carol.pem", "bob.pem"), w.bob, true},
		{"CBC", encrypt("-aes256", "bob.pem"), w.bob, false},
		{"CBC, streamed", encrypt("-aes-128-cbc", "-stream", "bob.pem"), w.bob, false},
		{"CBC, elliptic", encrypt("-aes-192-cbc", "carol.pem"), w.carol, false},
		{"Triple DES", encrypt("-des3", "bob.pem"), w.bob, false},
		{"smime", o.run("smime", "-encrypt", "-binary", "-aes256", "-in", "content", "bob.pem"), w.bob, false},
	} {
		d := decrypterOf(c.who)
		got, err := decrypt(d, c.sealed)
		if !c.auth {
			require.ErrorIs(t, err, smime.ErrUnauthenticated, c.name)
			d.AllowUnauthenticated = true
			got, err = decrypt(d, c.sealed)
		}
		require.NoError(t, err, c.name)
		require.Equal(t, content, string(got.Content), c.name)
		require.Equal(t, c.auth, got.Authenticated, c.name)
		require.Nil(t, got.Signed, c.name)
	}

	// Signed, then encrypted with CBC, as most programs send it: the signature vouches for the content.
	for _, form := range []string{"-binary", "-nodetach"} {
		o.file("signed", o.run("smime", "-sign", "-binary", form, "-in", "content", "-signer", "alice.pem", "-inkey", "alice.key"))
		sealed := o.run("smime", "-encrypt", "-binary", "-aes256", "-in", "signed", "-from", "alice@example.test", "bob.pem")
		got, err := decrypt(decrypterOf(w.bob), sealed)
		require.NoError(t, err)
		require.True(t, got.Signed.Good())
		require.True(t, got.Authenticated)
		require.Equal(t, content, string(got.Content))
	}
}
