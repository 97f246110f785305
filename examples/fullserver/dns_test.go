package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

// dns asks a name server, for the domains and keys of a main.cf.
func TestDNS(t *testing.T) {
	dir := t.TempDir()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+"/key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(dir+"/keys", []byte("example.org 2026 key.pem\n"), 0o600))
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mail.example.org\nvirtual_mailbox_domains = example.org, hash:/nonexistent\nsubmissions_listen = :465\npop3s_listen = :995\nimap_listen = 127.0.0.1:143\nwebmails_listen = :443\ndkim_key_table = "+dir+"/keys\n"), 0o600))
	ns, err := nameserver.Start(mailauthtest.MustParse("mail.example.org A 192.0.2.25\n192.0.2.25 PTR mail.example.org\nexample.org MX 10 mail.example.org\nexample.org TXT v=spf1 mx -all\n_dmarc.example.org TXT v=DMARC1; p=reject\n"))
	require.NoError(t, err)
	defer ns.Close()
	status, out, errs := command(t, "", "-c", file, "dns", "-server", ns.Addr)
	require.Equal(t, 1, status, errs)
	require.Contains(t, out, "MISSING  2026._domainkey.example.org TXT")
	require.Contains(t, out, "should be: _submissions._tcp.example.org. SRV 0 1 465 mail.example.org.")
	require.Contains(t, out, "Records that matter and are not right: 1.")
	status, out, errs = command(t, "", "-c", file, "dns", "-zone", "-l", "vi", "-ip", "192.0.2.25", "example.org")
	require.Zero(t, status, errs)
	require.Contains(t, out, "example.org. MX 10 mail.example.org.\t; thư gửi tới tên miền thì đến đâu\n")
	require.Contains(t, out, "\n_submissions._tcp.example.org. SRV 0 1 465 mail.example.org.\t")
	require.Contains(t, out, "\n_pop3s._tcp.example.org. SRV 10 1 995 mail.example.org.\t", "who has both reads by IMAP (RFC 6186 section 3.4)")
	require.Contains(t, out, "\n_autodiscover._tcp.example.org. SRV 0 1 443 mail.example.org.\t")
	require.Contains(t, out, "\nautoconfig.example.org. CNAME mail.example.org.\t; nơi chương trình thư hỏi cách kết nối\n")
	require.NotContains(t, out, "_imap.", "which only this machine reaches")
	status, _, errs = command(t, "", "-o", "myhostname=mail.example.org", "dns")
	require.Equal(t, 2, status)
	require.Contains(t, errs, "name those that you mean")
}
