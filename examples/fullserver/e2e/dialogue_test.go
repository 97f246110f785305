package e2e

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTextbookDialogue is the exchange as it stands in the teaching material, typed through telnet, and its lines in the log.
func TestTextbookDialogue(t *testing.T) {
	need(t, "telnet")
	s := start(t, 1, "myhostname", "ubuntu.localdomain", "mydomain", "localdomain",
		"smtpd_banner", "$myhostname ESMTP Postfix (Ubuntu)", "relayhost", "[127.0.0.1]:9")
	out := telnet(t, s.smtp, "helo trunghq.com", "MAIL FROM:trunghq@ubuntu.localdomain", "RCPT TO:haquoctrung@gmail.com", "DATA",
		"Subject:Thu gui thu tu telnet\n\nDay la mot buc thu gui tu telnet\n.", "quit")
	_, out, _ = strings.Cut(out, "Escape character is '^]'.\n")
	out = strings.ReplaceAll(out, "\r", "")
	require.Regexp(t, `^220 ubuntu\.localdomain ESMTP Postfix \(Ubuntu\)
250 ubuntu\.localdomain
250 2\.1\.0 Ok
250 2\.1\.5 Ok
354 End data with <CR><LF>\.<CR><LF>
250 2\.0\.0 Ok: queued as [0-9A-F]{6,}
221 2\.0\.0 Bye
`, out)
	for _, line := range []string{
		`postfix/smtpd\[\d+\]: connect from localhost\[127\.0\.0\.1\]`,
		`postfix/smtpd\[\d+\]: [0-9A-F]{6,}: client=localhost\[127\.0\.0\.1\]`,
		`postfix/cleanup\[\d+\]: [0-9A-F]{6,}: message-id=<`,
		`postfix/qmgr\[\d+\]: [0-9A-F]{6,}: from=<trunghq@ubuntu\.localdomain>, size=\d+, nrcpt=1 \(queue active\)`,
		`postfix/smtpd\[\d+\]: disconnect from localhost\[127\.0\.0\.1\] helo=1 mail=1 rcpt=1 data=1 quit=1 commands=5`,
		`postfix/smtp\[\d+\]: [0-9A-F]{6,}: to=<haquoctrung@gmail\.com>, relay=none, delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, dsn=4\.4\.1, status=deferred \(connect to 127\.0\.0\.1\[127\.0\.0\.1\]:9: Connection refused\)`,
	} {
		eventually(t, time.Minute, func() error {
			return match(line, s.log())
		})
	}
}

// dialogue is a connection on which a test types and reads lines.
type dialogue struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *dialogue {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return &dialogue{t, c, bufio.NewReader(c)}
}

// startTLS turns the connection to TLS; the certificate is the server's own, so there is nobody to ask about it.
func (d *dialogue) startTLS() {
	d.t.Helper()
	c := clientTLS(d.c)
	require.NoError(d.t, c.Handshake())
	d.c, d.r = c, bufio.NewReader(c)
}

func clientTLS(c net.Conn) *tls.Conn { return tls.Client(c, &tls.Config{InsecureSkipVerify: true}) }

func (d *dialogue) line() string {
	d.t.Helper()
	s, err := d.r.ReadString('\n')
	require.NoError(d.t, err)
	return strings.TrimRight(s, "\r\n")
}

func (d *dialogue) send(raw string) {
	d.t.Helper()
	_, err := d.c.Write([]byte(raw))
	require.NoError(d.t, err)
}

// smtp sends a command, unless it is "", and returns the reply's lines joined by "|".
func (d *dialogue) smtp(cmd string) string {
	d.t.Helper()
	if cmd != "" {
		d.send(cmd + "\r\n")
	}
	var lines []string
	for {
		l := d.line()
		lines = append(lines, l)
		if len(l) < 4 || l[3] != '-' {
			return strings.Join(lines, "|")
		}
	}
}

// imap sends a command with a tag and returns all lines up to its tagged one, joined by "|".
func (d *dialogue) imap(cmd string) string {
	d.t.Helper()
	d.send("t " + cmd + "\r\n")
	var lines []string
	for {
		l := d.line()
		lines = append(lines, l)
		if strings.HasPrefix(l, "t ") {
			return strings.Join(lines, "|")
		}
	}
}

// pop3 sends a command and returns the first line of its answer.
func (d *dialogue) pop3(cmd string) string {
	d.t.Helper()
	d.send(cmd + "\r\n")
	return d.line()
}
