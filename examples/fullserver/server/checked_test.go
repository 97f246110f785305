package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// TestOutgoingChecksArePostfixs: smtp_header_checks and their like make of a message on its way out what Postfix's smtp(8) makes of it, and leave the one that
// stays here alone. Tables are asked before smtp_generic_maps.
func TestOutgoingChecksArePostfixs(t *testing.T) {
	const checks = `smtp_header_checks = regexp:{ {/^X-Secret:/ IGNORE}, {/^X-Strip:/ STRIP gone}, {/^Subject: (.*)/ REPLACE Subject: [out] $$1}, {/^X-Pre:/ PREPEND X-Before: 1}, {/^X-Warn:/ WARN seen}, {/^X-Reject:/ REJECT no}, {/^X-Hold:/ HOLD}, {/^X-Info:/ INFO}, {/^From:/ REPLACE From: <replaced@inside.test>}, {/^X-Nothing:/ NOSUCH} }
smtp_mime_header_checks = regexp:{ {/^Content-Type: text/plain; (name=)secret.txt/ REPLACE Content-Type: text/plain; $${1}x.txt} }
smtp_nested_header_checks = regexp:{ {/^X-Inner:/ IGNORE} }
smtp_body_checks = regexp:{ {/^password/ REPLACE (left out)}, {/^gone/ IGNORE} }
smtp_generic_maps = inline:{ {replaced@inside.test = shown@out.test} }
`
	const message = "Subject: hello\r\nFrom: <s@mail.example.test>\r\nTo: <x@far.test>\r\nMessage-Id: <1@mail.example.test>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nX-Secret: a\r\n b\r\nX-Strip: a\r\nX-Pre: a\r\nX-Warn: a\r\nX-Reject: a\r\nX-Hold: a\r\nX-Info: a\r\n" +
		"X-Nothing: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\nContent-Type: text/plain; name=secret.txt\r\n\r\npassword: 123\r\ngone\r\nstays\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nX-Inner: y\r\nSubject: inner\r\n\r\ngone too\r\nkept\r\n--b--\r\n"
	dialogue := "EHLO c.test|MAIL FROM:<s@mail.example.test>|RCPT TO:<x@far.test>|DATA|" + message + "."
	mine := func(data []byte) (out []string) {
		for line := range strings.Lines(string(data)) {
			out = append(out, strings.TrimRight(line, "\r\n"))
		}
		for i, line := range out { // what comes before the message's own is the server's
			if strings.HasPrefix(line, "Subject:") {
				return out[i:]
			}
		}
		return out
	}
	cf := strings.Replace(both, "192.0.2.0/24", "127.0.0.0/8", 1) + checks
	f1, relay1 := far(t)
	m := peers.Postfix(t, cf+"header_checks =\n"+strings.Replace(relay1, "=", " = ", 1)+"\n", nil)
	replies := speak(m.SMTP, dialogue)
	require.Contains(t, replies[len(replies)-1], "250 2.0.0 Ok")
	theirs := mine(sent(t, f1, 1)[0].Data)

	f2, relay2 := far(t)
	params := []string{relay2, "smtpd_sasl_auth_enable=no", "virtual_alias_maps=inline:{ {all@alias.test = alice@example.test x@far.test} }"}
	for line := range strings.Lines(without(cf, "virtual_alias_maps")) {
		params = append(params, strings.TrimSuffix(line, "\n"))
	}
	r := start(t, params...)
	replies = speak(r.s.Addrs("smtp_listen")[0].String(), strings.Replace(dialogue, "x@far.test>|", "all@alias.test>|", 1))
	require.Contains(t, replies[len(replies)-1], "250 2.0.0 Ok")
	require.Equal(t, theirs, mine(sent(t, f2, 1)[0].Data))
	here := r.inbox("alice@example.test", "secret", 1)
	require.Contains(t, here, "X-Secret: a")
	require.Contains(t, here, "password: 123")
	for _, line := range []string{`replace: header Subject: hello: Subject: \[out\] hello`, `warning: header X-Warn: a: seen`, `warning: unsupported command in smtp_header_checks map: REJECT no`, `warning: unsupported command in smtp_header_checks map: NOSUCH`} {
		r.logged(`postfix/smtp\[\d+\]: ` + line)
	}
}

// A table that fails means that mail waits, and goes as it should when the table is there again.
func TestOutgoingChecksFail(t *testing.T) {
	f, relay := far(t)
	r := start(t, relay, "mynetworks=127.0.0.0/8", "smtp_header_checks=fail:x", "minimal_backoff_time=1000s", "maximal_backoff_time=1000s")
	r.send("alice@example.test", "x@far.test", note)
	r.logged(`to=<x@far\.test>, .*status=deferred`)
	require.Empty(t, f.Messages())
}

// home_mailbox: who has a home has his mailbox there, the others where they had it; mail_location goes before it.
func TestHomeMailbox(t *testing.T) {
	for _, location := range []bool{false, true} {
		dir, home := t.TempDir(), t.TempDir()
		users(t, dir, "alice:{PLAIN}secret::::"+home+"\nbob:{PLAIN}geheim\n")
		r := &running{t: t, dir: dir}
		params := append(base(dir), "home_mailbox=Maildir/")
		if location {
			params = append(params, "mail_location=maildir:"+dir+"/boxes/%u")
		}
		r.run(params...)
		r.send("s@far.test", "alice@localhost", note)
		r.send("s@far.test", "bob@localhost", note)
		require.Contains(t, r.inbox("alice", "secret", 1), "Subject: note")
		require.Contains(t, r.inbox("bob", "geheim", 1), "Subject: note")
		alice, bob := home+"/Maildir", dir+"/mail/example.test/bob"
		if location {
			alice, bob = dir+"/boxes/alice@example.test", dir+"/boxes/bob@example.test"
		}
		for _, box := range []string{alice, bob} {
			found, err := filepath.Glob(box + "/*/*.*")
			require.NoError(t, err)
			require.NotEmpty(t, found, box)
		}
		_, err := os.Stat(home + "/Maildir")
		require.Equal(t, location, os.IsNotExist(err))
		r.end()
	}
}

// What this server can't do of these is said with what to do instead.
func TestMailboxMistakes(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\n")
	for param, want := range map[string]string{
		"home_mailbox=mbox": "home_mailbox: mailboxes are Maildirs here: write mbox/ for one",
		"mailbox_command=/usr/lib/dovecot/dovecot-lda -f $USER": "mailbox_command: dovecot-lda delivers to Dovecot's mailboxes, which are this server's own by now: take the line out",
		"mailbox_transport_maps=hash:" + dir + "/none":          "mailbox_transport_maps: " + dir + "/none: open: no such file or directory",
		"smtp_header_checks=regexp:" + dir + "/none":            "smtp_header_checks: " + dir + "/none: open: no such file or directory",
	} {
		_, err := server.Open(load(t, append(base(dir), param)...), server.Options{})
		require.ErrorContains(t, err, want)
	}
}

// smtputf8_enable = no: it isn't offered, and not taken.
func TestWithoutSMTPUTF8(t *testing.T) {
	r := start(t, "smtputf8_enable=no")
	m := r.dial("smtp_listen")
	m.until("220 ")
	require.NotContains(t, m.say("EHLO c.test", "250 "), "SMTPUTF8")
	require.Equal(t, "555 5.5.4 Unsupported option: SMTPUTF8", m.say("MAIL FROM:<s@far.test> SMTPUTF8", "2", "5"))
	m.say("QUIT", "221 ")
}
