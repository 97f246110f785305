package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBadSMTP: each mistake gets its reply, and the session goes on.
func TestBadSMTP(t *testing.T) {
	s := start(t, 2, "message_size_limit", "100000")
	d := dial(t, s.smtp)
	d.smtp("")
	for _, x := range [][2]string{
		{"MAIL FROM:<a@example.org>", `^503 5\.5\.1 .*HELO|^250 2\.1\.0`}, // smtpd_helo_required is off in Postfix
		{"EHLO client.example.org", `^250`},
		{"FROB", `^500 5\.5\.2 Error: command not recognized|^502 5\.5\.2`},
		{strings.Repeat("x", 5000), `^500 5\.5\.2 Error: `},
		{"RCPT TO:<u1@example.test>", `^503 5\.5\.1 Error: need MAIL command`},
		{"DATA", `^503 5\.5\.1 Error: need`},
		{"MAIL FROM:<a b@example.org>", `^501 5\.`},
		{"MAIL FROM:<a@example.org", `^501 5\.`},
		{"MAIL TO:<a@example.org>", `^501 5\.5\.4 Syntax: MAIL FROM:<address>`},
		{"MAIL FROM:<a\x00b@example.org>", `^50[01] 5\.`},
		{"MAIL FROM:<a@example.org> SIZE=100001", `^552 5\.3\.4 `},
		{"MAIL FROM:<a@example.org> FOO=BAR", `^555 5\.5\.4 `},
		{"MAIL FROM:<a@example.org>", `^250 2\.1\.0 Ok`},
		{"MAIL FROM:<b@example.org>", `^503 5\.5\.1 Error: nested MAIL command`},
		{"RCPT TO:<>", `^501 5\.1\.3 `},
		{"DATA", `^(503|554) 5\.5\.1 `},
		{"RCPT TO:<u1@example.test>", `^250 2\.1\.5 Ok`},
	} {
		require.Regexp(t, x[1], d.smtp(x[0]), "%.60q", x[0])
	}
	d = dial(t, s.smtp) // the error limit is near on the first
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<a@example.org>")
	d.smtp("RCPT TO:<u1@example.test>")
	require.Regexp(t, `^354 `, d.smtp("DATA"))
	require.Regexp(t, `^552 5\.3\.4 `, d.smtp(strings.Repeat("0123456789\r\n", 10_000)+"."), "too large only while it comes")
	require.Regexp(t, `^250 `, d.smtp("NOOP"))
	require.Zero(t, s.count(2))
}

// TestVanish: a client that goes away in the middle of a message leaves nothing behind.
func TestVanish(t *testing.T) {
	s := start(t, 2, "relayhost", "[127.0.0.1]:9")
	for _, to := range []string{"u1@example.test", "far@elsewhere.test"} {
		for _, bdat := range []bool{false, true} {
			d := dial(t, s.smtp)
			d.smtp("")
			d.smtp("EHLO client.example.org")
			d.smtp("MAIL FROM:<a@example.org>")
			require.Regexp(t, `^250 `, d.smtp("RCPT TO:<"+to+">"))
			if bdat {
				d.send("BDAT 1000 LAST\r\nSubject: half")
			} else {
				d.smtp("DATA")
				d.send("Subject: half\r\n\r\nhalf of it\r\n")
			}
			d.c.Close()
		}
	}
	eventually(t, time.Minute, func() error { return match(`(?s)(lost connection after.*){4}`, s.log()) })
	require.Zero(t, s.count(2))
	left := 0
	filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if b, _ := os.ReadFile(path); strings.Contains(string(b), "Subject: half") {
				left++
				t.Log("left behind: ", path)
			}
		}
		return nil
	})
	require.Zero(t, left)
}

// TestBadIMAP: RFC 9051 section 7.1.3, BAD for what is no command, and the session goes on.
func TestBadIMAP(t *testing.T) {
	s := start(t, 1)
	d := dialIMAP(t, s)
	for _, x := range [][2]string{
		{"FROB", `^t BAD `},
		{"SELECT INBOX", `^t (BAD|NO) `},
		{"LOGIN u0@example.test", `^t BAD `},
		{"LOGIN {100000000}", `^(\* BAD .*\|)?t (BAD|NO) `},
		{"LOGIN u0@example.test secret0", `t OK `},
		{"SELECT Nowhere", `^t NO (\[NONEXISTENT\] )?`},
		{"FETCH 1 FLAGS", `^t BAD `},
		{"SELECT INBOX", `t OK \[READ-WRITE\]`},
		{"FETCH 1:* (FROB)", `^t BAD `},
		{"FETCH 0 FLAGS", `^t BAD `},
		{"STORE 1 FLAGS (\\Frob", `^t BAD `},
		{"SEARCH FROB", `^t BAD `},
		{"FETCH 1 " + strings.Repeat("(", 500), `^t BAD `},
		{"NOOP \x00", `^t BAD `},
		{"CREATE \"a\xff\"", `^t (BAD|NO) `},
		{"NOOP", `t OK `},
	} {
		require.Regexp(t, x[1], d.imap(x[0]), "%.60q", x[0])
	}
	d.send("t APPEND INBOX {99999999999}\r\n")
	require.Regexp(t, `^t (NO|BAD) .*(TOOBIG|too|large|literal)`, d.line(), "a literal beyond message_size_limit is not asked for")
	require.Regexp(t, `t OK `, d.imap("NOOP"))
}

// TestBadPOP3: RFC 1939 section 3, -ERR and the session goes on.
func TestBadPOP3(t *testing.T) {
	s := start(t, 1)
	d := dial(t, s.pop3)
	d.line()
	for _, x := range [][2]string{
		{"FROB", `^-ERR`},
		{"STAT", `^-ERR`},
		{"PASS x", `^-ERR`},
		{strings.Repeat("x", 5000), `^-ERR`},
		{"USER u0@example.test", `^\+OK`},
		{"PASS wrong", `^-ERR`},
		{"USER u0@example.test", `^\+OK`},
		{"PASS secret0", `^\+OK`},
		{"RETR 1", `^-ERR`},
		{"RETR -1", `^-ERR`},
		{"RETR 99999999999999999999", `^-ERR`},
		{"TOP 1", `^-ERR`},
		{"NOOP\x00", `^-ERR`},
		{"NOOP", `^\+OK`},
		{"QUIT", `^\+OK`},
	} {
		require.Regexp(t, x[1], d.pop3(x[0]), "%.60q", x[0])
	}
}
