package interop_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// stage is what the programs send to: our server in the clear with STARTTLS, with TLS from the start, and by LMTP.
type stage struct {
	open, closed, lmtp *catcher
	dir, ca            string
}

func newStage(t *testing.T) *stage {
	id := newIdentity(t)
	s := &stage{
		open:   catch(t, id, false, nil),
		closed: catch(t, id, true, func(s *smtp.Server) { s.RequireAuth = true }),
		lmtp:   catch(t, id, false, func(s *smtp.Server) { s.LMTP = true }),
		dir:    folder(t),
	}
	s.ca = filepath.Join(s.dir, "ca.pem")
	write(t, s.ca, id.cert)
	return s
}

// file writes a letter for a program to read.
func (s *stage) file(t *testing.T, l letter, unix bool) string {
	path := filepath.Join(s.dir, l.id)
	text := l.text
	if unix {
		text = l.unix()
	}
	write(t, path, text)
	return path
}

// ok runs a program that must succeed.
func (s *stage) ok(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	out, status := run(t, s.dir, stdin, name, args...)
	require.Zero(t, status, "%s", out)
	return out
}

// came asserts that a letter is there as it was sent, once.
func came(t *testing.T, c *catcher, l letter, to ...string) caught {
	t.Helper()
	got := c.wait(t, l)
	same(t, l.text, got.data)
	require.Equal(t, sender, got.From)
	require.Equal(t, to, addresses(got.Recipients))
	return got
}

func TestSwaks(t *testing.T) {
	s := newStage(t)
	common := func(c *catcher, l letter, args ...string) []string {
		return append([]string{"--server", "127.0.0.1", "--port", c.port, "--helo", "swaks.example", "--from", sender,
			"--data", "@" + s.file(t, l, true)}, args...)
	}
	login := []string{"--auth-user", caughtUser, "--auth-password", caughtPassword}
	for name, w := range map[string]struct {
		c        *catcher
		args     []string
		protocol string
	}{
		"plain":          {s.open, nil, "ESMTP"},
		"HELO":           {s.open, []string{"--protocol", "SMTP"}, "SMTP"},
		"pipelined":      {s.open, []string{"--pipeline"}, "ESMTP"},
		"STARTTLS":       {s.open, []string{"--tls"}, "ESMTPS"},
		"AUTH PLAIN":     {s.open, append(login, "--tls", "--auth", "PLAIN"), "ESMTPSA"},
		"AUTH LOGIN":     {s.open, append(login, "--tls", "--auth", "LOGIN", "--pipeline"), "ESMTPSA"},
		"TLS":            {s.closed, append(login, "--tls-on-connect", "--auth", "PLAIN"), "ESMTPSA"},
		"LMTP":           {s.lmtp, []string{"--protocol", "LMTP"}, "LMTP"},
		"LMTP, STARTTLS": {s.lmtp, append(login, "--protocol", "LMTP", "--tls", "--auth", "PLAIN"), "LMTPSA"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLetter(20 << 10)
			s.ok(t, "", "swaks", append(common(w.c, l, "--to", "b@example.test,c@example.test"), w.args...)...)
			got := w.c.wait(t, l)
			require.Equal(t, w.protocol, got.protocol)
			require.Equal(t, "swaks.example", got.hello)
			require.Equal(t, sender, got.From)
			require.Equal(t, []string{"b@example.test", "c@example.test"}, addresses(got.Recipients))
			require.Equal(t, strings.HasSuffix(w.protocol, "A"), got.user == caughtUser)
			// swaks takes the end of what it is given, a lone dot, for its own end of the message.
			same(t, strings.TrimRight(l.text, ".\r\n"), strings.TrimRight(got.data, ".\r\n"))
		})
	}

	// A wrong password: swaks says 28.
	l := newLetter(0)
	out, status := run(t, s.dir, "", "swaks", common(s.open, l, "--to", "b@example.test", "--tls", "--auth", "PLAIN", "--auth-user", caughtUser, "--auth-password", "no")...)
	require.Equal(t, 28, status, out)
	require.Contains(t, out, "535 5.7.8")
	// One recipient is refused, the other is not; swaks says 24 only when all are.
	out = s.ok(t, "", "swaks", common(s.open, l, "--to", "refused@example.test,b@example.test")...)
	require.Contains(t, out, "550 5.1.1 No such user here")
	require.Equal(t, []string{"b@example.test"}, addresses(s.open.wait(t, l).Recipients))
	out, status = run(t, s.dir, "", "swaks", common(s.open, l, "--to", "refused@example.test")...)
	require.Equal(t, 24, status, out)
	// LMTP's replies, each for its recipient.
	out, _ = run(t, s.dir, "", "swaks", common(s.lmtp, newLetter(0), "--protocol", "LMTP", "--to", "b@example.test,full@example.test,c@example.test")...)
	require.Contains(t, out, "552 5.2.2 The mailbox is full")
}

func TestCurl(t *testing.T) {
	s := newStage(t)
	send := func(c *catcher, l letter, args ...string) []string {
		return append([]string{"-sS", "--mail-from", sender, "--upload-file", s.file(t, l, false), "--cacert", s.ca}, args...)
	}
	login := []string{"--user", caughtUser + ":" + caughtPassword}
	for name, w := range map[string]struct {
		c        *catcher
		scheme   string
		args     []string
		protocol string
		size     int
	}{
		"plain":      {s.open, "smtp", nil, "ESMTP", 0},
		"5 MiB":      {s.open, "smtp", nil, "ESMTP", 5 << 20},
		"STARTTLS":   {s.open, "smtp", []string{"--ssl-reqd"}, "ESMTPS", 0},
		"AUTH PLAIN": {s.open, "smtp", append(login, "--ssl-reqd", "--login-options", "AUTH=PLAIN"), "ESMTPSA", 0},
		"AUTH LOGIN": {s.open, "smtp", append(login, "--ssl-reqd", "--login-options", "AUTH=LOGIN"), "ESMTPSA", 0},
		"TLS":        {s.closed, "smtps", append(login, "--sasl-ir"), "ESMTPSA", 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLetter(w.size)
			s.ok(t, "", "curl", send(w.c, l, append(w.args, "--mail-rcpt", "b@example.test", "--mail-rcpt", "c@example.test",
				"--url", w.scheme+"://localhost:"+w.c.port+"/curl.example")...)...)
			got := came(t, w.c, l, "b@example.test", "c@example.test")
			require.Equal(t, w.protocol, got.protocol)
			require.Equal(t, "curl.example", got.hello)
			require.EqualValues(t, len(l.text), got.Options.Size)
		})
	}
	l := newLetter(0)
	s.ok(t, "", "curl", send(s.open, l, "--mail-rcpt-allowfails", "--mail-rcpt", "refused@example.test", "--mail-rcpt", "b@example.test", "--url", "smtp://localhost:"+s.open.port+"/curl.example")...)
	came(t, s.open, l, "b@example.test")
	out, status := run(t, s.dir, "", "curl", send(s.open, newLetter(11<<20), "--mail-rcpt", "b@example.test", "--url", "smtp://localhost:"+s.open.port+"/curl.example")...)
	require.NotZero(t, status)
	require.Contains(t, out, "552", "SIZE= is more than the server takes")
	l = newLetter(0)
	s.ok(t, "", "curl", send(s.open, l, "--mail-rcpt", "thư@example.test", "--url", "smtp://localhost:"+s.open.port+"/curl.example")...)
	require.True(t, came(t, s.open, l, "thư@example.test").Options.UTF8)
	// Commands beside mail.
	out = s.ok(t, "", "curl", "-sS", "--url", "smtp://localhost:"+s.open.port, "--request", "NOOP")
	require.Contains(t, out, "250 ")
}

func TestMsmtp(t *testing.T) {
	s := newStage(t)
	login := []string{"--user=" + caughtUser, "--passwordeval=echo '" + caughtPassword + "'"}
	for name, w := range map[string]struct {
		c        *catcher
		args     []string
		protocol string
	}{
		"plain":      {s.open, []string{"--tls=off"}, "ESMTP"},
		"STARTTLS":   {s.open, []string{"--tls=on", "--tls-starttls=on"}, "ESMTPS"},
		"AUTH PLAIN": {s.open, append(login, "--tls=on", "--tls-starttls=on", "--auth=plain"), "ESMTPSA"},
		"AUTH LOGIN": {s.open, append(login, "--tls=on", "--tls-starttls=on", "--auth=login"), "ESMTPSA"},
		"TLS":        {s.closed, append(login, "--tls=on", "--tls-starttls=off", "--auth=on"), "ESMTPSA"},
		"LMTP":       {s.lmtp, []string{"--protocol=lmtp", "--tls=off"}, "LMTP"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLetter(100 << 10)
			args := append([]string{"--host=localhost", "--port=" + w.c.port, "--domain=msmtp.example", "--tls-trust-file=" + s.ca, "--from=" + sender}, w.args...)
			s.ok(t, l.unix(), "msmtp", append(args, "b@example.test", "c@example.test")...)
			got := came(t, w.c, l, "b@example.test", "c@example.test")
			require.Equal(t, w.protocol, got.protocol)
			require.Equal(t, "msmtp.example", got.hello)
		})
	}
	l := newLetter(0)
	s.ok(t, l.unix(), "msmtp", "--host=localhost", "--port="+s.open.port, "--from="+sender, "--tls=off", "--dsn-notify=success,failure", "--dsn-return=headers", "b@example.test")
	got := came(t, s.open, l, "b@example.test")
	require.Equal(t, mail.NotifySuccess|mail.NotifyFailure, got.Recipients[0].Options.Notify)
	require.Equal(t, mail.ReturnHeaders, got.Options.Return)
	out, status := run(t, s.dir, l.unix(), "msmtp", "--host=localhost", "--port="+s.open.port, "--from="+sender, "--tls=off", "refused@example.test")
	require.NotZero(t, status)
	require.Contains(t, out, "No such user here")
	out, status = run(t, s.dir, l.unix(), "msmtp", "--host=localhost", "--port="+s.lmtp.port, "--protocol=lmtp", "--from="+sender, "--tls=off", "b@example.test", "full@example.test")
	require.NotZero(t, status)
	require.Contains(t, out, "The mailbox is full")
}

// Postfix's load generator: many sessions at once, one message a connection and many, SMTP and LMTP.
func TestSmtpSource(t *testing.T) {
	s := newStage(t)
	for name, w := range map[string]struct {
		c    *catcher
		args []string
	}{
		"SMTP":            {s.open, nil},
		"SMTP, reused":    {s.open, []string{"-d"}},
		"LMTP":            {s.lmtp, []string{"-L"}},
		"LMTP, reused":    {s.lmtp, []string{"-L", "-d"}},
		"many recipients": {s.open, []string{"-r", "20", "-d"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.c.forget()
			s.ok(t, "", "smtp-source", append(w.args, "-s", "8", "-m", "100", "-l", "20000", "-f", sender, "-t", "b@example.test", "-M", "source.example", "inet:127.0.0.1:"+w.c.port)...)
			require.Eventually(t, func() bool { return len(w.c.all()) == 100 }, patience, tick, "%d of 100 have come", len(w.c.all()))
			for _, m := range w.c.all() {
				require.Equal(t, sender, m.From)
				require.Equal(t, "source.example", m.hello)
				require.GreaterOrEqual(t, len(m.data), 20000)
				require.Contains(t, m.data, "Message-Id: <")
				if name == "many recipients" {
					require.Len(t, m.Recipients, 20)
				}
			}
		})
	}
}

const pythonScript = `
import smtplib, ssl, sys
host, open_, closed, lmtp, ca, user, password, letter = sys.argv[1:]
text = open(letter, "rb").read()
context = ssl.create_default_context(cafile=ca)

c = smtplib.SMTP(host, int(open_), local_hostname="python.example")
assert c.ehlo()[0] == 250 and c.has_extn("smtputf8") and c.has_extn("chunking"), c.esmtp_features
c.starttls(context=context)
c.login(user, password)
refused = c.sendmail("sender@client.example", ["b@example.test", "refused@example.test"], text,
    mail_options=["BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=QQ+2B1"], rcpt_options=["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;old+2Bname@example.test"])
assert list(refused) == ["refused@example.test"] and refused["refused@example.test"][0] == 550, refused
assert c.verify("b@example.test")[0] == 252
assert c.noop()[0] == 250 and c.rset()[0] == 250
try:
    c.sendmail("sender@client.example", ["refused@example.test"], text)
    raise SystemExit("accepted")
except smtplib.SMTPRecipientsRefused:
    pass
assert c.quit()[0] == 221

for mechanism in ["auth_plain", "auth_login"]:
    with smtplib.SMTP_SSL(host, int(closed), local_hostname="python.example", context=context) as c:
        try:
            c.sendmail("sender@client.example", ["b@example.test"], text)
            raise SystemExit("accepted without AUTH")
        except smtplib.SMTPSenderRefused as e:
            assert e.smtp_code == 530, e
        c.user, c.password = user, "wrong"
        try:
            c.auth(mechanism[5:].upper(), getattr(c, mechanism))
            raise SystemExit("wrong password accepted")
        except smtplib.SMTPAuthenticationError as e:
            assert e.smtp_code == 535, e
        c.password = password
        c.auth(mechanism[5:].upper(), getattr(c, mechanism))
        assert c.sendmail("sender@client.example", ["b@example.test", "c@example.test"], text) == {}

with smtplib.LMTP(host, int(lmtp), local_hostname="python.example") as c:
    assert c.sendmail("sender@client.example", ["b@example.test"], text) == {}
`

func TestSmtplib(t *testing.T) {
	s := newStage(t)
	l := newLetter(200 << 10)
	s.ok(t, pythonScript, "python3", "-", "localhost", s.open.port, s.closed.port, s.lmtp.port, s.ca, caughtUser, caughtPassword, s.file(t, l, false))
	got := came(t, s.open, l, "b@example.test")
	require.Equal(t, "UTF8SMTPSA", got.protocol)
	require.Equal(t, "python.example", got.hello)
	require.Equal(t, mail.Body8BitMIME, got.Options.Body)
	require.Equal(t, mail.ReturnHeaders, got.Options.Return)
	require.Equal(t, "QQ+1", got.Options.EnvelopeID)
	require.Equal(t, mail.NotifySuccess|mail.NotifyDelay, got.Recipients[0].Options.Notify)
	require.Equal(t, "rfc822;old+name@example.test", got.Recipients[0].Options.OriginalRecipient)
	for _, m := range s.closed.all() {
		same(t, l.text, m.data)
		require.Equal(t, caughtUser, m.user)
	}
	require.Len(t, s.closed.all(), 2)
	require.Equal(t, "LMTP", came(t, s.lmtp, l, "b@example.test").protocol)
	require.Len(t, s.open.all(), 1, fmt.Sprint(s.open.all()[1:]))
}
