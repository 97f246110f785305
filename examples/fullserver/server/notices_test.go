package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// far is a server elsewhere that refuses whoever is called "nobody" or "full".
func far(t *testing.T) (*smtptest.Server, string) {
	f := smtptest.NewServer(t)
	for _, to := range []string{"nobody@far.test", "nobody@report.test"} {
		f.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: to, Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user")})
	}
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	return f, "relayhost=[" + host + "]:" + port
}

// send sends a message over an SMTP connection of its own.
func (r *running) send(from, to, text string) string {
	r.t.Helper()
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<"+from+">", "250 ")
	if reply := m.say("RCPT TO:<"+to+">", "250 ", "4", "5"); !strings.HasPrefix(reply, "250 ") {
		return reply
	}
	m.say("DATA", "354 ")
	reply := m.say(text+".", "250 ", "4", "5")
	m.say("QUIT", "221 ")
	return reply
}

// inbox waits until a user has n messages and returns them.
func (r *running) inbox(user, password string, n int) string {
	r.t.Helper()
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN "+user+" "+password, "a OK")
	require.Eventually(r.t, func() bool {
		return strings.Contains(i.say("b STATUS INBOX (MESSAGES)", "b OK"), fmt.Sprintf("(MESSAGES %d)", n))
	}, 20*time.Second, 10*time.Millisecond, "%s has no %d messages", user, n)
	i.say("c SELECT INBOX", "c OK")
	all := i.say("d FETCH 1:* BODY.PEEK[]", "d OK")
	i.say("e LOGOUT", "e OK")
	return all
}

// A sender hears in the language that his message names, or else the site's; the postmaster, who is told of what notify_classes
// says, in the site's.
func TestLanguagesOfReports(t *testing.T) {
	_, relay := far(t)
	r := start(t, relay, "notify_classes=bounce", "bounce_notice_recipient=bob@example.test", "notice_language=vi")
	for _, field := range []string{"", "Content-Language: vi", "Accept-Language: de, en;q=0.8, vi;q=0.2", "Accept-Language: tlh", "Content-Language: en-AU"} {
		if field != "" {
			field += "\r\n"
		}
		r.send("alice@example.test", "nobody@far.test", "Subject: x\r\n"+field+"\r\nprivate\r\n")
	}
	all := r.inbox("alice", "secret", 5)
	require.Equal(t, 2, strings.Count(all, "Subject: Undelivered Mail Returned to Sender"))
	require.Equal(t, 3, strings.Count(all, "\nN=E1=BA=BFu c=E1=BA=A7n "), "Nếu cần")
	require.Equal(t, 5, strings.Count(all, "private"))
	copies := r.inbox("bob@example.test", "geheim", 5)
	require.NotContains(t, copies, "private", "a letter is not the postmaster's to read")
	require.NotContains(t, copies, "Postmaster Copy: Undelivered Mail", "the site's language")
	require.Equal(t, 5, strings.Count(copies, "Final-Recipient: rfc822; nobody@far.test"))
}

// bounce_template_file has the words in place of ours; it is read again at SIGHUP, and one that is wrong keeps a server from starting,
// but none from running.
func TestBounceTemplateFile(t *testing.T) {
	_, relay := far(t)
	file := t.TempDir() + "/bounce.cf"
	write := func(subject string) {
		require.NoError(t, os.WriteFile(file, []byte("failure_template = <<EOF\nSubject: "+subject+"\n\nIt is $myhostname of $mydomain; $maximal_queue_lifetime_days days.\nEOF\n"), 0o600))
	}
	write("One")
	r := start(t, relay, "bounce_template_file="+file, "maximal_queue_lifetime=3d")
	r.send("alice@example.test", "nobody@far.test", "Accept-Language: vi\r\n\r\nx\r\n")
	all := r.inbox("alice", "secret", 1)
	require.Contains(t, all, "Subject: One\n")
	require.Contains(t, all, "It is mail.example.test of example.test; 3 days.")
	write("Two")
	r.s.Reload()
	r.send("alice@example.test", "nobody@far.test", "x: x\r\n\r\nx\r\n")
	require.Contains(t, r.inbox("alice", "secret", 2), "Subject: Two\n")
	require.NoError(t, os.WriteFile(file, []byte("failure_template = <<EOF\n"), 0o600))
	r.s.Reload()
	r.logged(`postfix/master\[\d+\]: warning: bounce_template_file: .*bounce\.cf: notice: line 1: no line "EOF" ends failure_template`)
	r.send("alice@example.test", "nobody@far.test", "x: x\r\n\r\nx\r\n")
	require.Equal(t, 2, strings.Count(r.inbox("alice", "secret", 3), "Subject: Two\n"))
	for _, param := range []string{"bounce_template_file=" + file, "bounce_template_file=/nonexistent", "bounce_notice_recipient=a b", "2bounce_notice_recipient=@", "double_bounce_sender=", "delay_notice_recipient=<a@b>"} {
		dir := t.TempDir()
		users(t, dir, "alice:{PLAIN}secret\n")
		_, err := server.Open(load(t, append(base(dir), param)...), server.Options{})
		require.Regexp(t, "^command line: "+strings.Split(param, "=")[0]+": .*(is no address|no such file|ends failure_template)", err.Error())
	}
}

// What can't be returned goes to the postmaster where notify_classes says so, and the loop ends there.
func TestDoubleBounces(t *testing.T) {
	_, relay := far(t)
	r := start(t, relay, "notify_classes=2bounce, resource", "2bounce_notice_recipient=bob@example.test", "double_bounce_sender=db")
	r.send("nobody@report.test", "nobody@far.test", "Subject: lost\r\n\r\nwhat was to be said\r\n")
	all := r.inbox("bob@example.test", "geheim", 1)
	require.Contains(t, all, "Return-Path: <db@mail.example.test>\n")
	require.Contains(t, all, "Subject: Postmaster Copy: Undelivered Mail\n")
	require.Contains(t, all, "what was to be said", "the bounce, and in it the message")
	r.logged(`postfix/bounce\[\d+\]: [0-9A-F]+: postmaster non-delivery notification: [0-9A-F]+\n`)

	// The postmaster is not there either.
	r = start(t, relay, "notify_classes=bounce", "2bounce_notice_recipient=nobody@far.test", "bounce_notice_recipient=nobody@far.test")
	r.send("nobody@report.test", "nobody@far.test", "Subject: lost\r\n\r\nx\r\n")
	r.logged(`postfix/bounce\[\d+\]: [0-9A-F]+: postmaster non-delivery notification: [0-9A-F]+\n`)
	require.Eventually(t, func() bool { return r.waiting() == 0 }, time.Minute, 10*time.Millisecond, "it ends")
}

// control returns what does the command "queue" as an operator does, and returns what it has printed.
func (r *running) control(t *testing.T) func(words ...string) string {
	return func(words ...string) string {
		t.Helper()
		var out bytes.Buffer
		require.Zero(t, queuecmd.Run(t.Context(), r.dir, r.dir+"/queue", "queue", words, strings.NewReader(""), &out, &out), out.String())
		return out.String()
	}
}

// waiting is how many messages are in the queue.
func (r *running) waiting() int {
	var out, errs bytes.Buffer
	require.Zero(r.t, queuecmd.Run(r.t.Context(), r.dir, r.dir+"/queue", "postqueue", []string{"-j"}, strings.NewReader(""), &out, &errs), errs.String())
	return strings.Count(out.String(), "\n")
}

// Delays are told to the sender after delay_warning_time and, with notify_classes' delay, to the postmaster; then the message is returned
// when maximal_queue_lifetime is over, and a report that can't be delivered goes when bounce_queue_lifetime is.
func TestDelaysAndLifetimes(t *testing.T) {
	f, relay := far(t)
	f.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "later@far.test", Reply: smtp.NewReply(450, smtp.EnhancedCode{4, 2, 0}, "Come again")})
	f.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "later@report.test", Reply: smtp.NewReply(450, smtp.EnhancedCode{4, 2, 0}, "Come again")})
	params := []string{relay, "minimal_backoff_time=1s", "maximal_backoff_time=1s", "queue_run_delay=1s", "bounce_queue_lifetime=0",
		"notify_classes=delay", "delay_notice_recipient=bob@example.test", "delay_warning_time=1s"}
	r := start(t, params...)
	r.send("alice@example.test", "later@far.test", "Subject: slow\r\n\r\nx\r\n")
	r.send("later@report.test", "nobody@far.test", "Subject: lost\r\n\r\nx\r\n")
	all := r.inbox("alice", "secret", 1)
	require.Contains(t, all, "Subject: Delayed Mail (still being retried)\n")
	require.Contains(t, all, "Will-Retry-Until: ")
	require.Contains(t, r.inbox("bob@example.test", "geheim", 1), "Subject: Postmaster Warning: Delayed Mail\n")
	r.logged(`from=<>, status=expired, returned to sender\n`)
	r.end()
	r.run(append(append(base(r.dir), params...), "maximal_queue_lifetime=1s")...)
	require.Contains(t, r.inbox("alice", "secret", 2), "Subject: Undelivered Mail Returned to Sender\n")
	r.logged(`from=<alice@example\.test>, status=expired, returned to sender\n`)
	require.Eventually(t, func() bool { return r.waiting() == 0 }, time.Minute, 10*time.Millisecond)
}

// soft_bounce: nothing is refused for good, and nothing returned.
func TestSoftBounces(t *testing.T) {
	_, relay := far(t)
	r := start(t, relay, "soft_bounce=yes", "minimal_backoff_time=1s", "maximal_queue_lifetime=0")
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<alice@example.test>", "250 ")
	require.Equal(t, "450 4.1.1 <nobody@example.test>: Recipient address rejected: User unknown in virtual mailbox table", m.say("RCPT TO:<nobody@example.test>", "450 ", "5"))
	require.Contains(t, m.say("VRFY nobody@example.test", "450 ", "5"), "450 4.1.1 ")
	m.say("DATA", "554 ") // of a command's order
	r.send("alice@example.test", "nobody@far.test", "Subject: x\r\n\r\nx\r\n")
	r.logged(`to=<nobody@far\.test>, relay=.*, dsn=5\.1\.1, status=SOFTBOUNCE \(host .* said: 550 5\.1\.1 No such user \(in reply to RCPT TO command\)\)`)
	require.Equal(t, 1, r.waiting())
	loops := strings.Repeat("Received: by x.test; Thu, 26 Nov 2026 00:00:00 +0000\r\n", 60)
	require.Contains(t, r.send("alice@example.test", "bob@example.test", loops+"\r\nx\r\n"), "454 4.4.0 Error: too many hops")
}

// A pause is an operator's, who says so with "queue pause": mail for the domain is taken and waits, also after a restart.
func TestPausedDomain(t *testing.T) {
	f, relay := far(t)
	r := start(t, relay)
	control := r.control(t)
	require.Equal(t, "queue: far.test: paused\n", control("pause", "far.test"))
	r.send("alice@example.test", "there@far.test", "Subject: x\r\n\r\nx\r\n")
	r.logged(`to=<there@far\.test>, relay=none, .*, dsn=4\.3\.2, status=deferred \(451 4\.3\.2 delivery to this domain is paused\)`)
	r.end()
	r.run(append(base(r.dir), relay)...)
	require.Equal(t, "far.test\n", control("paused"))
	require.Empty(t, f.Messages())
	require.Equal(t, "queue: far.test: resumed, 1 message due\n", control("resume", "far.test"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := f.Wait(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "there@far.test", got[0].Recipients[0].Address)
}

var queueID = regexp.MustCompile(`queued as ([0-9A-Za-z]+)`)

// Pace and names are what main.cf says.
func TestScheduling(t *testing.T) {
	f, relay := far(t)
	r := start(t, relay, "smtp_destination_rate_delay=1s", "enable_long_queue_ids=yes")
	begun := time.Now()
	for range 3 {
		require.Regexp(t, `^[0-9A-Za-z]{14,}$`, queueID.FindStringSubmatch(r.send("alice@example.test", "x@far.test", "x: x\r\n\r\nx\r\n"))[1])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := f.Wait(ctx, 3)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
	r.end()
	r.run(append(base(r.dir), "queue_minfree=1024T")...)
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<alice@example.test>", "250 ")
	m.say("RCPT TO:<x@far.test>", "250 ")
	m.say("DATA", "354 ")
	require.Equal(t, "452 4.3.1 Insufficient system storage", m.say("x: x\r\n\r\nx\r\n.", "4", "2"))
}
