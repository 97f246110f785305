package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestIMAPCommands drives every command of the ground floor with Python's imaplib.
func TestIMAPCommands(t *testing.T) {
	need(t, "python3")
	s := start(t, 1)
	python(t, "imap_commands.py", s.imap, "u0@example.test", "secret0")
}

// TestIdle: RFC 2177, new mail is told at once to a client that waits, without its asking.
func TestIdle(t *testing.T) {
	s := start(t, 1)
	d := dialIMAP(t, s)
	require.Contains(t, d.imap("LOGIN u0@example.test secret0"), "t OK")
	require.Contains(t, d.imap("SELECT INBOX"), "* 0 EXISTS")
	d.send("t IDLE\r\n")
	require.Regexp(t, `^\+`, d.line())
	for n := 1; n <= 5; n++ {
		m := dial(t, s.smtp)
		m.smtp("")
		m.smtp("HELO client.example.org")
		m.smtp("MAIL FROM:<>")
		m.smtp("RCPT TO:<u0@example.test>")
		m.smtp("DATA")
		began := time.Now()
		require.Regexp(t, `^250 `, m.smtp("Subject: push\r\n\r\nx\r\n."))
		for {
			if l := d.line(); l == fmt.Sprintf("* %d EXISTS", n) {
				break
			} else {
				require.True(t, strings.HasPrefix(l, "* "), l)
			}
		}
		require.Less(t, time.Since(began), 5*time.Second)
	}
	d.send("DONE\r\n")
	for !strings.HasPrefix(d.line(), "t OK") {
	}
}

// TestTwoSessions: what one session does, the other learns, in an order that keeps sequence numbers true (RFC 9051 section 7.5.1).
func TestTwoSessions(t *testing.T) {
	s := start(t, 1)
	a, b := dialIMAP(t, s), dialIMAP(t, s)
	for _, d := range []*dialogue{a, b} {
		require.Contains(t, d.imap("LOGIN u0@example.test secret0"), "t OK")
	}
	for range 3 {
		a.send("t APPEND INBOX {15}\r\n")
		require.Regexp(t, `^\+`, a.line())
		a.send("Subject: x\r\n\r\nx\r\n")
		require.Regexp(t, `^t OK`, a.line())
	}
	a.imap("SELECT INBOX")
	require.Contains(t, b.imap("SELECT INBOX"), "* 3 EXISTS")
	require.Regexp(t, `\* 2 FETCH \(.*\\Deleted.*\$Work`, a.imap(`STORE 2 +FLAGS (\Deleted $Work)`))
	require.Regexp(t, `\* 2 FETCH \(.*\\Deleted.*\$Work`, b.imap("NOOP"))
	require.Contains(t, a.imap("EXPUNGE"), "* 2 EXPUNGE")
	require.NotRegexp(t, `\* \d+ EXPUNGE`, b.imap("FETCH 1:3 FLAGS"), "no EXPUNGE while a FETCH is answered")
	require.Contains(t, b.imap("NOOP"), "* 2 EXPUNGE")
	require.Contains(t, b.imap("UID SEARCH ALL"), "* SEARCH 1 3")
}
