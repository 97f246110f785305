package e2e

import (
	"encoding/base64"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func match(re, s string) error {
	if regexp.MustCompile(re).MatchString(s) {
		return nil
	}
	return fmt.Errorf("%s does not match\n%s", re, s[max(0, len(s)-3000):])
}

// elsewhere makes every client of the server a stranger.
var elsewhere = []string{"mynetworks", "192.0.2.0/24"}

// TestRelayAccess: strangers reach local users only.
func TestRelayAccess(t *testing.T) {
	s := start(t, 2, elsewhere...)
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	require.Regexp(t, `^250 2\.1\.0 `, d.smtp("MAIL FROM:<a@example.org>"))
	require.Equal(t, "554 5.7.1 <b@elsewhere.test>: Relay access denied", d.smtp("RCPT TO:<b@elsewhere.test>"))
	require.Equal(t, "550 5.1.1 <nobody@example.test>: Recipient address rejected: User unknown in virtual mailbox table", d.smtp("RCPT TO:<nobody@example.test>"))
	require.Equal(t, "250 2.1.5 Ok", d.smtp("RCPT TO:<u1@example.test>"))
	require.Equal(t, "250 2.1.5 Ok", d.smtp("RCPT TO:<U0@EXAMPLE.TEST>"), "domains have no case, nor do our users")
	for _, trick := range []string{"<b%elsewhere.test@example.test>", "<@example.test:b@elsewhere.test>", `<"b@elsewhere.test"@example.test>`, "<elsewhere.test!b@example.test>"} {
		require.Regexp(t, `^5`, d.smtp("RCPT TO:"+trick), trick)
	}
	require.Regexp(t, `^354 `, d.smtp("DATA"))
	require.Regexp(t, `^250 2\.0\.0 Ok: queued as `, d.smtp("Subject: x\r\n\r\nx\r\n."))
	require.Len(t, s.maildir("u0"), 1)
	require.Len(t, s.maildir("u1"), 1)
	for _, b := range s.maildir("u1") {
		require.Contains(t, string(b), "Received: from client.example.org (localhost [127.0.0.1])\r\n\tby mail.example.test")
	}
	require.NoError(t, match(`NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: 554 5\.7\.1 <b@elsewhere\.test>: Relay access denied; from=<a@example\.org> to=<b@elsewhere\.test> proto=ESMTP helo=<client\.example\.org>`, s.log()))
}

// sink is a foreign mail host: Postfix's smtp-sink.
func sink(t *testing.T, args ...string) (addr string) {
	t.Helper()
	need(t, "smtp-sink")
	addr = freePorts(t, 1)[0]
	cmd := exec.Command("smtp-sink", append(append([]string{"-u", "nobody"}, args...), addr, "100")...)
	out := &screen{}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	eventually(t, time.Minute, func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	})
	return addr
}

// bracketed writes an address as relayhost wants a host whose MX is not to be asked for.
func bracketed(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	return "[" + host + "]:" + port
}

// TestAuthenticatedRelay: who has authenticated over TLS may send anywhere, and it goes to relayhost.
func TestAuthenticatedRelay(t *testing.T) {
	need(t, "swaks")
	far := sink(t)
	s := start(t, 1, append(elsewhere, "relayhost", bracketed(far), "disable_plaintext_auth", "yes")...)
	for _, mech := range []string{"PLAIN", "LOGIN"} {
		out := run(t, nil, "swaks", "--server", s.submission, "--tls", "--auth", mech, "--auth-user", "u0@example.test", "--auth-password", "secret0",
			"--from", "u0@example.test", "--to", "far@elsewhere.test", "--helo", "client.example.org")
		id := regexp.MustCompile(`queued as ([0-9A-F]{6,})`).FindStringSubmatch(out)
		require.NotNil(t, id, out)
		eventually(t, time.Minute, func() error {
			return match(id[1]+`: to=<far@elsewhere\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, dsn=2\.0\.0, status=sent \(250 2\.0\.0 Ok\)(.|\n)*qmgr\[\d+\]: `+id[1]+`: removed`, s.log())
		})
		require.NoError(t, match(id[1]+`: client=localhost\[127\.0\.0\.1\], sasl_method=`+mech+`, sasl_username=u0@example\.test`, s.log()))
	}
	out, err := try(t, nil, "swaks", "--server", s.submission, "--tls", "--auth", "PLAIN", "--auth-user", "u0@example.test", "--auth-password", "wrong",
		"--from", "u0@example.test", "--to", "far@elsewhere.test")
	require.Error(t, err)
	require.Contains(t, out, "535 5.7.8 Error: authentication failed")

	d := dial(t, s.submission)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<u0@example.test>")
	require.Regexp(t, `^5`, d.smtp("RCPT TO:<u0@example.test>"), "submission is for those who have authenticated")
}

// TestBounce: a host that says 5xx sends the message back as a delivery status notification (RFC 3464).
func TestBounce(t *testing.T) {
	need(t, "python3")
	far := sink(t, "-f", "RCPT")
	s := start(t, 2, "relayhost", bracketed(far))
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<u0@example.test> RET=HDRS ENVID=abc+2Bd")
	d.smtp("RCPT TO:<gone@elsewhere.test> NOTIFY=FAILURE ORCPT=rfc822;gone@old.test")
	d.smtp("DATA")
	require.Regexp(t, `^250 `, d.smtp("Subject: Thu\r\nMessage-ID: <m1@example.test>\r\n\r\nnot to come back\r\n."))
	var dsn string
	eventually(t, time.Minute, func() error {
		for _, b := range s.maildir("u0") {
			dsn = string(b)
			return nil
		}
		return fmt.Errorf("no notification yet")
	})
	// Python's email package, not ours, says what it is.
	out := run(t, []byte(dsn), "python3", "-c", `
import email, sys
m = email.message_from_binary_file(sys.stdin.buffer)
print(m.get_content_type(), m.get_param("report-type"), m["Return-Path"], m["Auto-Submitted"], "|")
parts = m.get_payload()
print(parts[1].get_content_type(), "|")
for block in parts[1].get_payload():
    for k, v in block.items(): print("%s: %s |" % (k.lower(), v))
print(parts[2].get_content_type(), "not to come back" in parts[2].as_string(), "<m1@example.test>" in parts[2].as_string())`)
	out = strings.Join(strings.Fields(out), " ")
	for _, want := range []string{
		`multipart/report delivery-status <> auto-replied`, `message/delivery-status \|`, `reporting-mta: dns; ?mail\.example\.test \|`,
		`original-envelope-id: abc\+d \|`, `original-recipient: rfc822; ?gone@old\.test \|`, `final-recipient: rfc822; ?gone@elsewhere\.test \|`,
		`action: failed \|`, `status: 5\.\d\.\d`, `diagnostic-code: smtp; ?5\d\d`, `text/rfc822-headers False True`,
	} {
		require.Regexp(t, want, out)
	}
	require.NoError(t, match(`status=bounced \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 5\d\d .* \(in reply to RCPT TO command\)\)`, s.log()))
	require.NoError(t, match(`sender non-delivery notification: [0-9A-F]{6,}`, s.log()))
}

// TestRetry: a host that says 4xx, or is not there, is tried again, also after a restart.
func TestRetry(t *testing.T) {
	addr := freePorts(t, 1)[0]
	s := start(t, 1, "relayhost", bracketed(addr), "minimal_backoff_time", "1s", "maximal_backoff_time", "2s", "queue_run_delay", "1s")
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<u0@example.test>")
	d.smtp("RCPT TO:<far@elsewhere.test>")
	d.smtp("DATA")
	require.Regexp(t, `^250 `, d.smtp("Subject: later\r\n\r\nx\r\n."))
	eventually(t, time.Minute, func() error { return match(`status=deferred \(connect to `, s.log()) })
	s.stop()
	s.startAgain()
	need(t, "smtp-sink")
	cmd := exec.Command("smtp-sink", "-u", "nobody", addr, "10")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	eventually(t, time.Minute, func() error { return match(`to=<far@elsewhere\.test>.*status=sent`, s.log()) })
}

// TestPlaintextAuth: RFC 4954 section 4 and Dovecot's disable_plaintext_auth. A connection from the machine itself counts as
// secured, so what a stranger sees is tested with the parts; here, that LOGIN works after STARTTLS in every protocol.
func TestPlaintextAuth(t *testing.T) {
	s := start(t, 1, "disable_plaintext_auth", "yes")
	i := dial(t, s.imap)
	i.line()
	require.Contains(t, i.imap("STARTTLS"), "t OK")
	i.startTLS()
	require.Regexp(t, `t OK `, i.imap("LOGIN u0@example.test secret0"))
	require.Regexp(t, `t NO \[AUTHENTICATIONFAILED\]`, dialIMAP(t, s).imap("LOGIN u0@example.test wrong"))

	p := dial(t, s.pop3)
	p.line()
	require.Regexp(t, `^\+OK`, p.pop3("STLS"))
	p.startTLS()
	require.Regexp(t, `^\+OK`, p.pop3("USER u0@example.test"))
	require.Regexp(t, `^\+OK`, p.pop3("PASS secret0"))

	m := dial(t, s.smtp)
	m.smtp("")
	require.Contains(t, m.smtp("EHLO client.example.org"), "STARTTLS")
	require.Regexp(t, `^220 `, m.smtp("STARTTLS"))
	m.startTLS()
	require.Contains(t, m.smtp("EHLO client.example.org"), "AUTH ")
	require.Regexp(t, `^235 2\.7\.0 `, m.smtp("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00u0@example.test\x00secret0"))))
}

func dialIMAP(t *testing.T, s *server) *dialogue {
	d := dial(t, s.imap)
	d.line()
	return d
}
