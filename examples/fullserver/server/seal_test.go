package server_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// A user's mail is signed on its way out and encrypted to who has a key, as OpenSSL reads it; mail to a recipient whose key is lost waits.
func TestSeal(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is not there: run .ci/deps")
		}
		t.Skip("openssl is not there: run .ci/deps")
	}
	dir := t.TempDir()
	openssl := func(stdin string, args ...string) string {
		t.Helper()
		c := exec.Command("openssl", args...)
		c.Dir, c.Stdin = dir, strings.NewReader(stdin)
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	for _, name := range []string{"alice@example.test", "x@far.test"} {
		file, _, _ := strings.Cut(name, "@")
		openssl("", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", file+".key", "-out", file+".crt", "-subj", "/CN="+name, "-addext", "subjectAltName=email:"+name, "-addext", "extendedKeyUsage=emailProtection")
	}
	key, err := os.ReadFile(dir + "/alice.key")
	require.NoError(t, err)
	crt, err := os.ReadFile(dir + "/alice.crt")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+"/alice.pem", append(crt, key...), 0o600))
	f := smtptest.NewServer(t)
	r := start(t, "relayhost=["+strings.Replace(f.Addr(), ":", "]:", 1), "seal_sign_maps=inline:{alice@example.test=smime:"+dir+"/alice.pem}", "seal_encrypt_maps=inline:{ {x@far.test = smime:"+dir+"/x.crt} {@lost.test = smime:"+dir+"/none} }")
	const text = "From: alice@example.test\r\nSubject: plan\r\n\r\nat noon\r\n"
	r.send("alice@example.test", "y@far.test", text)
	m := sent(t, f, 1)[0]
	require.Contains(t, openssl(string(m.Data), "cms", "-verify", "-CAfile", "alice.crt", "-purpose", "any"), "at noon")
	r.send("alice@example.test", "x@far.test", text)
	m = sent(t, f, 2)[1]
	require.NotContains(t, string(m.Data), "at noon")
	inner := openssl(string(m.Data), "cms", "-decrypt", "-recip", "x.crt", "-inkey", "x.key")
	require.Contains(t, openssl(inner, "cms", "-verify", "-CAfile", "alice.crt", "-purpose", "any"), "at noon")
	r.send("alice@example.test", "z@lost.test", text)
	r.logged(`warning: the key for z@lost\.test can't be used: stat .*/none: no such file or directory\n`)
	r.logged(`to=<z@lost\.test>, .*dsn=4\.7\.5, status=deferred \(the key for z@lost\.test can't be used\)`)
	require.Len(t, f.Messages(), 2)
}
