package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// The first thing that must work: a message goes in by SMTP and comes out by IMAP and POP3.
func TestInAndOut(t *testing.T) {
	r := start(t)
	m := r.dial("smtp_listen")
	require.Equal(t, "220 mail.example.test ESMTP", m.until("220 "))
	require.Contains(t, m.say("EHLO c.test", "250 "), "STARTTLS")
	require.Contains(t, m.mail("alice@example.test"), "250 2.0.0 Ok: queued as ")
	require.Contains(t, m.mail("Alice@localhost"), "250 2.0.0 Ok: queued as ", "mydestination leads to the same mailbox")
	m.say("QUIT", "221 ")

	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	require.Contains(t, i.say("b SELECT INBOX", "b OK"), "* 2 EXISTS")
	require.Contains(t, i.say("c FETCH 1 BODY[]", "c OK"), "Subject: Xin chào\n")
	i.say("d LOGOUT", "d OK")

	p := r.dial("pop3_listen")
	p.until("+OK")
	p.say("USER alice@example.test", "+OK")
	p.say("PASS secret", "+OK 2 messages", "+OK")
	require.Contains(t, p.say("RETR 1", "."), "Delivered-To: alice@example.test")
	p.say("QUIT", "+OK")
	r.logged(`postfix/smtpd\[\d+\]: disconnect from localhost\[127\.0\.0\.1\] ehlo=1 mail=2 rcpt=2 data=2 quit=1 commands=8\n`)
	r.logged(`dovecot: imap-login: Login: user=<alice@example\.test>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, secured, session=<[^>]+>\n`)
	r.logged(`dovecot: imap\(alice@example\.test\)<[^>]+>: Disconnected: Logged out in=\d+ out=\d+ `)
	r.logged(`dovecot: pop3\(alice@example\.test\)<[^>]+>: Disconnected: Logged out top=0/0, retr=1/\d+, del=0/2, size=\d+\n`)

	// Stopped and started again it has everything still, UIDs too.
	uids := func() string {
		i := r.dial("imap_listen")
		i.until("* OK")
		i.say("a LOGIN alice secret", "a OK")
		defer i.say("c LOGOUT", "c OK")
		return i.say("b STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)", "b OK")
	}
	before := uids()
	r.end()
	r.run(base(r.dir)...)
	require.Equal(t, before, uids())
}

// Users send from addresses whose mail they get, however those are spelt, and from no others, unless the site lets them.
func TestSendersAreOnesOwn(t *testing.T) {
	login := "AUTH PLAIN " + plain("alice", "secret")
	r := start(t)
	m := r.dial("submission_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say(login, "235 ")
	for from, want := range map[string]string{
		"alice@example.test": "250 ", "Alice@localhost": "250 ", "alice": "250 ", "": "250 ",
		"bob@example.test":             "553 5.7.1 <bob@example.test>: Sender address rejected: not owned by user alice@example.test",
		"nobody@example.test":          "553 5.7.1 <nobody@example.test>: Sender address rejected: not owned by user alice@example.test",
		"alice@elsewhere.test":         "553 5.7.1 <alice@elsewhere.test>: Sender address rejected: not owned by user alice@example.test",
		"bob@[127.0.0.1]":              "553 5.7.1 <bob@[127.0.0.1]>: Sender address rejected: not owned by user alice@example.test",
		`"bob@example.test"@localhost`: "553 5.7.1 <bob@example.test@localhost>: Sender address rejected: not owned by user alice@example.test",
	} {
		m.say("MAIL FROM:<"+from+">", "250 ")
		m.say("RCPT TO:<bob@example.test>", want)
		m.say("RSET", "250 ")
	}
	r.end()
	r.run(append(base(r.dir), "virtual_transport=lmtp:inet:127.0.0.1:1", "smtpd_reject_unlisted_recipient=no")...) // where another program has the mailboxes
	m = r.dial("submission_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say(login, "235 ")
	for from, want := range map[string]string{"alice@example.test": "250 ", "bob@example.test": "553 "} {
		m.say("MAIL FROM:<"+from+">", "250 ")
		m.say("RCPT TO:<bob@example.test>", want)
		m.say("RSET", "250 ")
	}
	r.end()
	r.run(append(base(r.dir), "smtpd_sender_restrictions=")...)
	m = r.dial("submission_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say(login, "235 ")
	m.say("MAIL FROM:<boss@elsewhere.test>", "250 ")
	m.say("RCPT TO:<bob@example.test>", "250 ")
}

// What is compressed on disk comes out as it went in, also after compression was switched off; POP3's unique-ids are as the site wants them.
func TestCompressed(t *testing.T) {
	for method, magic := range map[string]string{"gz": "\x1f\x8b", "zstd": "\x28\xb5\x2f\xfd"} {
		r := start(t, "zlib_save="+method, "zlib_save_level=9", "pop3_uidl_format=%f")
		m := r.dial("smtp_listen")
		m.until("220 ")
		m.say("EHLO c.test", "250 ")
		require.Contains(t, m.mail("alice@example.test"), "250 2.0.0 Ok: queued as ")
		m.say("QUIT", "221 ")
		for range 2 {
			files, err := filepath.Glob(r.dir + "/mail/example.test/alice/*/*,S=*")
			require.NoError(t, err)
			require.Len(t, files, 1)
			b, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(string(b), magic))
			p := r.dial("pop3_listen")
			p.until("+OK")
			p.say("USER alice@example.test", "+OK")
			p.say("PASS secret", "+OK 1 messages", "+OK")
			name, _, _ := strings.Cut(filepath.Base(files[0]), ":")
			p.say("UIDL 1", "+OK 1 "+name)
			require.Contains(t, p.say("RETR 1", "."), "Subject: Xin chào\n")
			p.say("QUIT", "+OK")
			r.end()
			r.run(append(base(r.dir), "pop3_uidl_format=%f")...)
		}
	}
}

// RFC 4314: what one user shares another finds, reads and may not write; it is still shared after a restart.
func TestSharedMailbox(t *testing.T) {
	r := start(t)
	login := func(user, password string) *typist {
		i := r.dial("imap_listen")
		i.until("* OK")
		i.say("a LOGIN "+user+" "+password, "a OK")
		return i
	}
	a := login("alice", "secret")
	a.say("b CREATE Projects", "b OK")
	a.say("c APPEND Projects {3+}\r\nabc", "c OK")
	a.say("d SETACL Projects bob@example.test lr", "d OK")
	a.say("e LOGOUT", "e OK")
	for range 2 {
		b := login("bob", "geheim")
		require.Contains(t, b.say(`f LIST "" Users/*`, "f OK"), "Users/alice@example.test/Projects")
		require.Contains(t, b.say("g SELECT Users/alice@example.test/Projects", "g OK"), "* 1 EXISTS")
		require.Contains(t, b.say("h FETCH 1 BODY[]", "h OK"), "abc")
		require.Contains(t, b.say("i APPEND Users/alice@example.test/Projects {3+}\r\nabc", "i NO"), "NOPERM")
		b.say("j LOGOUT", "j OK")
		r.end()
		r.run(base(r.dir)...)
	}
}

func TestLMTPOverASocket(t *testing.T) {
	r := start(t)
	l := r.dial("lmtp_listen")
	l.until("220 ")
	l.say("LHLO c.test", "250 ")
	l.say("MAIL FROM:<s@far.test>", "250 ")
	l.say("RCPT TO:<alice@example.test>", "250 ")
	l.say("RCPT TO:<carol@example.test>", "550 5.1.1 ")
	l.say("RCPT TO:<bob@example.test>", "250 ")
	l.say("DATA", "354 ")
	l.say("Subject: x\r\n\r\nx\r\n.", "250 2.0.0 ")
	l.until("250 2.0.0 ")
	l.say("QUIT", "221 ")
	r.logged(`dovecot: lmtp\(bob@example\.test\)<[0-9A-F]+>: msgid=, size=\d+: saved mail to INBOX\n`)
	r.logged(`dovecot: lmtp: RCPT from local rejected: 550 5\.1\.1 <carol@example\.test>`)
	// A second start finds the socket of the first answered, and leaves it alone.
	_, err := server.Open(load(t, "data_directory="+r.dir, "lmtp_listen=unix:"+r.dir+"/lmtp"), server.Options{})
	require.ErrorContains(t, err, "lmtp_listen: unix:"+r.dir+"/lmtp: address already in use")
	l = r.dial("lmtp_listen")
	l.until("220 ")
}

// Every protocol starts TLS, and begins with it where it should.
func TestTLS(t *testing.T) {
	r := start(t)
	for param, hello := range map[string]string{"submissions_listen": "220 ", "imaps_listen": "* OK", "pop3s_listen": "+OK"} {
		r.dial(param).until(hello)
	}
	m := r.dial("submission_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("STARTTLS", "220 ")
	m.startTLS()
	require.Contains(t, m.say("EHLO c.test", "250 "), "AUTH PLAIN LOGIN")
	m.say("AUTH PLAIN "+plain("alice", "secret"), "235 ")
	m.mailFrom("alice@example.test", "bob@example.test")
	r.logged(`postfix/submission/smtpd\[\d+\]: [0-9A-F]+: client=localhost\[127\.0\.0\.1\], sasl_method=PLAIN, sasl_username=alice@example\.test\n`)
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a STARTTLS", "a OK")
	i.startTLS()
	i.say("b LOGIN bob geheim", "b OK")
	p := r.dial("pop3_listen")
	p.until("+OK")
	p.say("STLS", "+OK")
	p.startTLS()
	p.say("USER bob", "+OK")
	p.say("PASS geheim", "+OK")
}

// Wrong passwords are told to the log in the words that its readers look for.
func TestWrongPasswords(t *testing.T) {
	r := start(t)
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("AUTH PLAIN "+plain("alice", "x"), "535 5.7.8 ")
	r.logged(`warning: localhost\[127\.0\.0\.1\]: SASL PLAIN authentication failed: authentication failure, sasl_username=alice\n`)
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice x", "a NO [AUTHENTICATIONFAILED]")
	i.say(`b LOGIN "eve>, rip=192.0.2.1, session=<" x`, "b NO")
	i.say("c LOGOUT", "c OK")
	r.logged(`dovecot: imap-login: Disconnected: Logged out \(auth failed, 2 attempts in \d+ secs\): user=<eve\?, rip=192\.0\.2\.1, session=\?>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, secured, session=<[^>]+>\n`)
	p := r.dial("pop3_listen")
	p.until("+OK")
	p.say("USER nobody", "+OK")
	p.say("PASS x", "-ERR [AUTH]")
	p.say("QUIT", "+OK")
	r.logged(`dovecot: pop3-login: Disconnected: Logged out \(auth failed, 1 attempts in \d+ secs\): user=<nobody>`)
}

// What no mailbox can have comes back as a report, through the queue and the local transport.
func TestBounce(t *testing.T) {
	r := start(t, "relayhost=[127.0.0.1]:1", "minimal_backoff_time=1s", "maximal_queue_lifetime=0")
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<alice@example.test>", "250 ")
	m.say("RCPT TO:<x@far.test>", "250 ")
	m.say("DATA", "354 ")
	m.say("Subject: x\r\n\r\nx\r\n.", "250 ")
	r.logged(`postfix/smtp\[\d+\]: [0-9A-F]+: to=<x@far\.test>, relay=none, delay=[\d.]+, delays=[\d./]+, dsn=4\.4\.1, status=deferred \(connect to 127\.0\.0\.1\[127\.0\.0\.1\]:1: Connection refused\)`)
	r.logged(`postfix/bounce\[\d+\]: [0-9A-F]+: sender non-delivery notification: [0-9A-F]+\n`)
	r.logged(`postfix/virtual\[\d+\]: [0-9A-F]+: to=<alice@example\.test>, relay=virtual, .*status=sent \(delivered to maildir\)`)
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	require.Contains(t, i.say("b SELECT INBOX", "b OK"), "* 1 EXISTS")
	require.Contains(t, i.say("c FETCH 1 BODY[]", "c OK"), "multipart/report")
}

func TestHealth(t *testing.T) {
	r := start(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	for _, url := range []string{"http://" + r.s.Addrs("http_listen")[0].String(), "https://" + r.s.Addrs("https_listen")[0].String()} {
		res, err := client.Get(url + "/healthz")
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "ok\n", string(b))
		res, err = client.Get(url + "/")
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, 404, res.StatusCode)
	}
}

func TestReload(t *testing.T) {
	r := start(t)
	require.NoError(t, os.Rename(r.dir+"/mail.log", r.dir+"/mail.log.1"))
	users(t, r.dir, "carol:{PLAIN}new\n")
	require.NoError(t, os.Remove(r.dir+"/tls.pem"))
	r.s.Reload()
	r.logged(`postfix/master\[\d+\]: warning: smtpd_tls_cert_file: .*no such file`)
	r.logged(`postfix/master\[\d+\]: reloaded\n`)
	require.Equal(t, []string{"carol@example.test"}, r.s.Users())
	i := r.dial("imaps_listen")
	i.until("* OK")
	i.say("a LOGIN carol new", "a OK")
}

// Sessions in the middle of something don't keep the server from ending, and are told.
func TestEndWithOpenSessions(t *testing.T) {
	r := start(t)
	m, i, p := r.dial("smtp_listen"), r.dial("imap_listen"), r.dial("pop3_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	i.say("b SELECT INBOX", "b OK")
	i.say("c IDLE", "+ ")
	p.until("+OK")
	r.end()
	require.Contains(t, m.line(), "421 4.")
	require.Contains(t, i.until("* BYE"), "* BYE")
	require.True(t, strings.HasSuffix(r.log(), "terminating\n"))
}

// Two servers that share everything but ports keep each other from the queue: the second says so and leaves.
func TestQueueInUse(t *testing.T) {
	r := start(t)
	_, err := server.Open(load(t, "data_directory="+r.dir, "smtp_listen=127.0.0.1:0"), server.Options{Stderr: &bytes.Buffer{}})
	require.ErrorContains(t, err, "queue_directory: ")
	require.ErrorContains(t, err, "locked by another process")
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "fullserver")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	os.WriteFile(filepath.Join(dir, "users"), []byte("alice@example.test:{PLAIN}secret\n"), 0o600)
	c, err := config.Load(config.Options{Overrides: []string{
		"myhostname=mail.example.test", "virtual_mailbox_domains=example.test", "data_directory=" + dir, "smtp_listen=127.0.0.1:0", "maillog_file=" + dir + "/log",
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := server.Open(c, server.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(len(s.Addrs("smtp_listen")), s.Users(), s.Serve(ctx, nil))
	// Output: 1 [alice@example.test] <nil>
}

// POP2 is there for lessons: the textbook's port 109, with its own line in the log, one maildrop with POP3's.
func TestPOP2(t *testing.T) {
	r := start(t)
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.mail("bob@example.test")
	p := r.dial("pop2_listen")
	p.until("+ POP2 mail.example.test")
	p.say("HELO bob geheim", "#1 ")
	q := r.dial("pop3_listen")
	q.until("+OK")
	q.say("USER bob", "+OK")
	q.say("PASS geheim", "-ERR [IN-USE]")
	p.say("READ", "=")
	p.say("RETR", "")
	p.say("ACKD", "=0")
	p.say("QUIT", "+ OK")
	r.logged(`dovecot: pop2-login: Login: user=<bob@example\.test>, method=PLAIN, rip=127\.0\.0\.1, lip=127\.0\.0\.1, secured, session=<[^>]+>\n`)
	r.logged(`dovecot: pop2\(bob@example\.test\)<[^>]+>: Disconnected: Logged out retr=1, del=1\n`)
}
