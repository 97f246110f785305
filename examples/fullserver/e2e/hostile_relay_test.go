package e2e

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHostileRelay: every way of writing an address elsewhere that has ever opened a relay, from a stranger; none is accepted,
// nothing is queued, and nobody gets a bounce.
func TestHostileRelay(t *testing.T) {
	s := start(t, 2, elsewhere...)
	for _, to := range [][]string{
		{"<b@elsewhere.test>", "b@elsewhere.test", "<B@ELSEWHERE.TEST>", "<b@elsewhere.test.>", "<postmaster@elsewhere.test>", `<"b"@elsewhere.test>`, "<b@[192.0.2.99]>", "<b@[IPv6:2001:db8::99]>"},
		{"<@example.test:b@elsewhere.test>", "<@a.test,@example.test:b@elsewhere.test>", "<@:b@elsewhere.test>", "<@example.test>", "<@example.test:>", "<u0@example.test:b@elsewhere.test>"},
		{"<b%elsewhere.test@example.test>", "<b%elsewhere.test>", "<b%elsewhere.test@[127.0.0.1]>", "<b%elsewhere.test%example.test@localhost>", "<b%elsewhere.test@>"},
		{"<elsewhere.test!b>", "<elsewhere.test!b@example.test>", "<example.test!elsewhere.test!b>", "<@example.test:elsewhere.test!b@localhost>"},
		{`<"b@elsewhere.test">`, `<"b@elsewhere.test"@example.test>`, `<"b@elsewhere.test"@[127.0.0.1]>`, `<b\@elsewhere.test@example.test>`, `<b@elsewhere.test@example.test>`, `<"b\@elsewhere.test"@localhost>`},
		{"<u0@example.test> <b@elsewhere.test>", "<u0@example.test,b@elsewhere.test>", "<u0@example.test>,<b@elsewhere.test>", "<u0;b@elsewhere.test>", "<(u0@example.test)b@elsewhere.test>", "<u0@example.test\tb@elsewhere.test>", "<u0@example.test> ORCPT=rfc822;x+0D+0ARCPT"},
		{"<u0@127.0.0.1>", "<u0@2130706433>", "<u0@[127.1]>", "<u0@[0x7f.1]>", "<u0@example.test\x00.elsewhere.test>", "<u0@example.test\r.elsewhere.test>", "<u0@\u202eexample.test>", "<u0@example.test\u3002elsewhere.test>"},
	} {
		d := dial(t, s.smtp)
		d.smtp("")
		d.smtp("EHLO client.example.org")
		require.Regexp(t, `^250 `, d.smtp("MAIL FROM:<victim@far.test> SMTPUTF8"))
		for _, a := range to {
			require.Regexp(t, `^5\d\d `, d.smtp("RCPT TO:"+a), "%q", a)
		}
		require.Regexp(t, `^(503|554) 5\.5\.1 `, d.smtp("DATA"), "nobody is left to send to")
	}
	// Who claims to be one of us, or nobody, is a stranger all the same.
	for _, from := range []string{"<>", "<u0@example.test>", "<postmaster@example.test>", "<root@localhost>", "u0", "<@example.test:u0@example.test>"} {
		d := dial(t, s.smtp)
		d.smtp("")
		d.smtp("EHLO example.test")
		d.smtp("MAIL FROM:" + from)
		require.Regexp(t, `^554 5\.7\.1 .*Relay access denied`, d.smtp("RCPT TO:<b@elsewhere.test>"), from)
		require.Regexp(t, `^5`, d.smtp("ETRN elsewhere.test"), from)
		require.NotContains(t, d.smtp("XCLIENT ADDR=127.0.0.1 LOGIN=u0"), "220 ")
	}
	// LMTP has no way out, whoever calls; submission has no way in without a name.
	l := dial(t, s.lmtp)
	l.smtp("")
	l.smtp("LHLO localhost")
	l.smtp("MAIL FROM:<a@example.org>")
	require.Regexp(t, `^550 5\.1\.1 `, l.smtp("RCPT TO:<b@elsewhere.test>"))
	b := dial(t, s.submission)
	b.smtp("")
	b.smtp("EHLO client.example.org")
	require.Regexp(t, `^530 5\.7\.0 `, b.smtp("MAIL FROM:<u0@example.test>"))
	for _, who := range []string{"u1@example.test\x00u0@example.test\x00secret0", "\x00u0@example.test\x00", "\x00\x00", "\x00u0@example.test\x00secret0\x00", "\x00nobody@example.test\x00secret0"} {
		require.Regexp(t, `^5\d\d 5\.`, b.smtp("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte(who))), "%q", who)
	}
	require.Zero(t, s.count(2))
	require.NotRegexp(t, `qmgr\[\d+\]: [0-9A-F]+: from=`, s.log())
	require.NotContains(t, s.log(), "notification")
}

// TestHostileLog: nothing that a stranger says begins a line of the log, moves the cursor or breaks its UTF-8.
func TestHostileLog(t *testing.T) {
	s := start(t, 1, elsewhere...)
	evil := "x\r\nNov 22 11:00:00 mail postfix/smtpd[1]: FORGED\x1b[2J\x07\u0085\u2028\xff"
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<\"a\u2028\u0085FORGED\"@example.org> SMTPUTF8")
	d.smtp("RCPT TO:<\"\u2028FORGED\u0085\"@elsewhere.test>")
	d.smtp("RCPT TO:<u0@example.test>")
	d.smtp("DATA")
	require.Regexp(t, `^250 `, d.smtp("Message-ID: <a\x1b[2J\x07\u2028FORGED\xff>\r\nSubject: x\r\n\r\nx\r\n."))
	d.smtp("AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00FORGED\x1b\u2028\x00x")))
	for _, c := range []string{"HELO ", "FORGED", "VRFY ", "ETRN "} {
		n := dial(t, s.smtp)
		n.smtp("")
		n.send(c + evil + "\r\n")
		n.line()
	}
	i := dialIMAP(t, s)
	i.send(fmt.Sprintf("t LOGIN {%d+}\r\n%s {1+}\r\nx\r\n", len(evil), evil))
	i.line()
	i = dialIMAP(t, s)
	i.imap("AUTHENTICATE PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00FORGED\x1b\u2028>, rip=192.0.2.66\x00x")))
	p := dial(t, s.pop3)
	p.line()
	p.pop3("USER FORGED>,\u2028rip=192.0.2.66")
	p.pop3("PASS x")
	s.stop()
	log := s.log()
	require.Contains(t, log, "FORGED")
	require.NotRegexp(t, "[\\x00-\\x09\\x0b-\\x1f\\x7f\u0080-\u009f\u2028\u2029\ufffd]", log)
	require.NotRegexp(t, `(?m)^Nov 22 11:00:00 mail postfix/smtpd\[1\]`, log)
	require.NotRegexp(t, `(?m)^[^A-Z]`, log)
	require.NotContains(t, log, ">, rip=192.0.2.66", "a name that ends its field")
	require.NotContains(t, log, "secret0")
}

// TestHostileLoop: a relay that leads back here ends after hopcount_limit Received fields (RFC 5321 section 6.3) with one notification,
// and where the notification loops too, with none: no mail about mail about mail.
func TestHostileLoop(t *testing.T) {
	s := start(t, 1)
	s.kill()
	s.args = append(s.args, "-o", "relayhost="+bracketed(s.smtp), "-o", "hopcount_limit=10")
	s.startAgain()
	for _, from := range []string{"u0@example.test", "victim@far.test", ""} {
		d := dial(t, s.smtp)
		d.smtp("")
		d.smtp("EHLO client.example.org")
		d.smtp("MAIL FROM:<" + from + ">")
		d.smtp("RCPT TO:<round@elsewhere.test>")
		d.smtp("DATA")
		require.Regexp(t, `^250 `, d.smtp("Subject: round\r\n\r\nx\r\n."))
	}
	eventually(t, time.Minute, func() error { return match(`(?s)(status=bounced .*Error: too many hops.*){4}`, s.log()) })
	eventually(t, time.Minute, func() error {
		left, _ := filepath.Glob(s.dir + "/queue/*/*[^.][^l][^o][^g]") // the log of what came and is done stays for a while
		if len(left) > 0 {
			return fmt.Errorf("still in the queue: %q", left)
		}
		return nil
	})
	require.Len(t, s.maildir("u0"), 1)
	require.Equal(t, 2, strings.Count(s.log(), "sender non-delivery notification: "))
	require.Less(t, strings.Count(s.log(), "status=sent"), 45)
}
