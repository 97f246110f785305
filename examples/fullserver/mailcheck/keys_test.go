package mailcheck_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(dir+"/"+name, []byte(content), 0o600))
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(ed)
	require.NoError(t, err)
	write("ed.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	write("rsa.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})))
	write("text", "hello")

	write("keys", "# domain selector file\n\nexample.com 2025 rsa.pem\nEXAMPLE.com.\t2026  "+dir+"/ed.pem\nexample.org 1 ed.pem\n")
	k, err := mailcheck.OpenKeys(dir + "/keys")
	require.NoError(t, err)
	for from, want := range map[string]string{
		"a@example.com": "2025 2026", "a@b.c.example.com": "2025 2026", "a@example.org": "1", "a@example.net": "", "a@com": "",
		"a@example.com, b@example.org": "", "a@example.com, b@EXAMPLE.com": "2025 2026", "nobody": "",
	} {
		f, err := k.Sign(strings.NewReader("From: " + from + "\r\n\r\n"))
		require.NoError(t, err)
		var got []string
		for _, word := range strings.Fields(f) {
			if s, ok := strings.CutPrefix(word, "s="); ok {
				got = append(got, strings.TrimSuffix(s, ";"))
			}
		}
		require.Equal(t, want, strings.Join(got, " "), from)
	}
	for line, want := range map[string]string{
		"example.com 1":               "want a domain, a selector and a file",
		"example.com 1 missing":       "no such file",
		"example.com 1 text":          "no PEM",
		"example.com 1 cert.pem":      "no private key",
		"exa;mple.com 1 ed.pem":       "no domain or selector",
		"example.com a..b ed.pem":     "no domain or selector",
		"example.com 1 ed.pem and so": "want a domain",
	} {
		write("keys", "example.org 1 ed.pem\n"+line+"\n")
		err := k.Reload()
		require.ErrorContains(t, err, "keys, line 2: ", line)
		require.ErrorContains(t, err, want, line)
	}
	f, err := k.Sign(strings.NewReader("From: a@example.com\r\n\r\n"))
	require.NoError(t, err)
	require.NotEmpty(t, f, "what can't be read anew changes nothing")
	_, err = mailcheck.OpenKeys(dir + "/nothing")
	require.ErrorIs(t, err, os.ErrNotExist)
}
