package server_test

import (
	"bufio"
	"encoding/pem"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// The word for how well a server is known is Debian's Postfix's, at each level of smtp_tls_security_level.
func TestTLSLogOut(t *testing.T) {
	f := smtptest.NewServer(t)
	trust := f.UseTLS()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	leaf := f.Config.TLSConfig.Certificates[0].Leaf
	require.NoError(t, os.WriteFile(dir+"/ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), 0o644))
	print, _ := clientcert.Fingerprints(leaf, "sha256")
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	line := regexp.MustCompile(`(\w+ TLS connection established to \S+: TLSv1\.3) with cipher \w+ \(\d+/\d+ bits\) key-exchange (\S+) (server-signature \S+ \S+ server-digest \S+)`)
	for _, params := range [][]string{
		{"smtp_tls_security_level=may"},
		{"smtp_tls_security_level=may", "smtp_tls_CAfile=" + dir + "/ca.pem"},
		{"smtp_tls_security_level=encrypt"},
		{"smtp_tls_security_level=secure", "smtp_tls_CAfile=" + dir + "/ca.pem", "smtp_tls_secure_cert_match=" + trust.ServerName},
		{"smtp_tls_security_level=fingerprint", "smtp_tls_fingerprint_digest=sha256", "smtp_tls_fingerprint_cert_match=" + print},
	} {
		params = append(params, "compatibility_level=3.6", "relayhost=["+host+"]:"+port, "smtp_tls_loglevel=1", "myhostname=mail.example.test")
		theirs := peers.Postfix(t, strings.Join(params, "\n")+"\nsmtpd_relay_restrictions = permit_mynetworks, reject\n", nil)
		ours := start(t, params...)
		said := map[string]string{}
		for name, addr := range map[string]string{"theirs": theirs.SMTP, "ours": ours.s.Addrs("smtp_listen")[0].String()} {
			before := len(f.Messages())
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
			y := &typist{t, c, bufio.NewReader(c)}
			y.until("220 ")
			y.say("EHLO c.test", "250 ")
			y.say("MAIL FROM:<alice@example.test>", "250 ")
			y.say("RCPT TO:<x@far.test>", "250 ")
			y.say("DATA", "354 ")
			y.say("Subject: s\r\n\r\nx\r\n.", "250 ")
			y.say("QUIT", "221 ")
			require.NoError(t, c.Close())
			sent(t, f, before+1)
			file := theirs.Dir + "/maillog"
			if name == "ours" {
				file = ours.dir + "/mail.log"
			}
			require.Eventually(t, func() bool {
				b, err := os.ReadFile(file)
				m := line.FindStringSubmatch(string(b))
				if err != nil || m == nil {
					return false
				}
				said[name] = m[1] + " " + m[3]
				return true
			}, 10*time.Second, 20*time.Millisecond, "%v %s", params, name)
		}
		require.Equal(t, said["theirs"], said["ours"], params)
		theirs.Stop()
		ours.end()
	}
}
