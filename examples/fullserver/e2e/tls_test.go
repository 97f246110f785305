package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTLSPrograms: STARTTLS and TLS from the start in every protocol, with programs that check the certificate: the server's own
// self-signed one, given to them to trust.
func TestTLSPrograms(t *testing.T) {
	need(t, "curl", "msmtp", "mpop", "mbsync", "openssl")
	ports := freePorts(t, 3)
	smtps, imaps, pop3s := ports[0], ports[1], ports[2]
	s := start(t, 1, "myhostname", "localhost", "mynetworks", "192.0.2.0/24", "disable_plaintext_auth", "yes",
		"submissions_listen", smtps, "imaps_listen", imaps, "pop3s_listen", pop3s)
	trust := filepath.Join(t.TempDir(), "cert.pem") // the file of the server has its key too
	require.NoError(t, os.WriteFile(trust, []byte(run(t, nil, "openssl", "x509", "-in", s.dir+"/tls.pem")), 0o600))
	message := filepath.Join(t.TempDir(), "m")
	require.NoError(t, os.WriteFile(message, []byte("Subject: over TLS\r\n\r\nx\r\n"), 0o600))
	local := func(addr string) string { return "localhost:" + port(addr) }
	curl := func(args ...string) string {
		return run(t, nil, "curl", append([]string{"-sS", "-4", "--cacert", trust, "-u", "u0@example.test:secret0"}, args...)...)
	}

	for _, url := range []string{"smtps://" + local(smtps), "smtp://" + local(s.submission)} {
		curl("--ssl-reqd", "--url", url, "--mail-from", "u0@example.test", "--mail-rcpt", "u0@example.test", "--upload-file", message)
	}
	for _, url := range []string{"imaps://" + local(imaps), "imap://" + local(s.imap)} {
		require.Contains(t, curl("--ssl-reqd", url+"/INBOX;MAILINDEX=2"), "Subject: over TLS")
	}
	for _, url := range []string{"pop3s://" + local(pop3s), "pop3://" + local(s.pop3)} {
		require.Contains(t, curl("--ssl-reqd", url+"/2"), "Subject: over TLS")
	}
	_, err := try(t, nil, "curl", "-sS", "-4", "--ssl-reqd", "imap://"+local(s.imap)+"/")
	require.Error(t, err, "who doesn't trust the certificate is not connected")

	dir := t.TempDir()
	conf := func(name, text string, args ...any) string {
		require.NoError(t, os.WriteFile(dir+"/"+name, fmt.Appendf(nil, text, args...), 0o600))
		return dir + "/" + name
	}
	for i, way := range []struct{ port, starttls string }{{port(smtps), "off"}, {port(s.submission), "on"}} {
		c := conf(fmt.Sprint("msmtprc", i), "account default\nhost localhost\nport %s\nfrom u0@example.test\nauth plain\nuser u0@example.test\npassword secret0\n"+
			"tls on\ntls_starttls %s\ntls_trust_file %s\n", way.port, way.starttls, trust)
		run(t, []byte("Subject: over TLS\n\nx\n"), "msmtp", "-C", c, "u0@example.test")
	}
	require.Len(t, s.maildir("u0"), 4)
	for i, way := range []struct{ port, starttls string }{{port(pop3s), "off"}, {port(s.pop3), "on"}} {
		c := conf(fmt.Sprint("mpoprc", i), "account default\nhost localhost\nport %s\nuser u0@example.test\npassword secret0\nkeep on\n"+
			"tls on\ntls_starttls %s\ntls_trust_file %s\nuidls_file %s/uidls%d\ndelivery mbox %s/mbox%d\n", way.port, way.starttls, trust, dir, i, dir, i)
		run(t, nil, "mpop", "-C", c)
		b, err := os.ReadFile(fmt.Sprintf("%s/mbox%d", dir, i))
		require.NoError(t, err)
		require.Contains(t, string(b), "Subject: over TLS")
	}
	for i, way := range []struct{ port, kind string }{{port(imaps), "IMAPS"}, {port(s.imap), "STARTTLS"}} {
		c := conf(fmt.Sprint("mbsyncrc", i), "IMAPAccount s\nHost localhost\nPort %s\nUser u0@example.test\nPass secret0\nSSLType %s\nCertificateFile %s\n\n"+
			"IMAPStore far\nAccount s\n\nMaildirStore near\nPath %[4]s/\nInbox %[4]s/box%[5]d\n\nChannel c\nFar :far:\nNear :near:\nCreate Near\nSync Pull\nSyncState %[4]s/state%[5]d\n",
			way.port, way.kind, trust, dir, i)
		run(t, nil, "mbsync", "-c", c, "c")
		require.Len(t, append(readFolder(t, fmt.Sprintf("%s/box%d/new", dir, i)), readFolder(t, fmt.Sprintf("%s/box%d/cur", dir, i))...), 4)
	}
}
