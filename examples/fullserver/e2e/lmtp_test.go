package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLMTP: RFC 2033 section 4.2, one reply for each recipient after the message.
func TestLMTP(t *testing.T) {
	need(t, "python3", "smtp-source")
	s := start(t, 2, "message_size_limit", "100000")
	out := run(t, nil, "python3", "-c", `
import smtplib, sys
host, port = sys.argv[1].rsplit(":", 1)
s = smtplib.LMTP(host, int(port)); print(s.ehlo("client.example.org")[0])
print(s.sendmail("a@example.org", ["u0@example.test", "nobody@example.test", "u1@example.test"], "Subject: x\r\n\r\nx\r\n"))
s.quit()`, s.lmtp)
	require.Regexp(t, `(?s)^250\n\{'nobody@example\.test': \(550, b'5\.1\.1 `, out)
	require.Len(t, s.maildir("u0"), 1)
	require.Len(t, s.maildir("u1"), 1)

	run(t, nil, "smtp-source", "-L", "-s", "5", "-m", "50", "-r", "1", "-f", sender, "-t", "u1@example.test", s.lmtp)
	require.Len(t, s.maildir("u1"), 51)

	d := dial(t, s.lmtp)
	d.smtp("")
	require.Regexp(t, `^5`, d.smtp("EHLO client.example.org"), "RFC 2033 section 4.1: HELO and EHLO are not LMTP")
	d.smtp("LHLO client.example.org")
	d.smtp("MAIL FROM:<a@example.org>")
	require.Regexp(t, `^550 5\.1\.1`, d.smtp("RCPT TO:<far@elsewhere.test>"), "final delivery only")
}
