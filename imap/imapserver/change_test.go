package imapserver_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
)

// RFC 9051 section 6.4.6.
func TestStore(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	f.login("INBOX").dialogue(`
		C: A003 STORE 2:3 +FLAGS (\Deleted)
		S: * 2 FETCH (UID 2 FLAGS (\Deleted \Recent))
		S: * 3 FETCH (UID 3 FLAGS (\Deleted \Recent))
		S: A003 OK STORE completed.
		C: b STORE 2 -FLAGS \Deleted
		S: * 2 FETCH (UID 2 FLAGS (\Recent))
		S: b OK STORE completed.
		A keyword is announced before it is first used.
		C: c STORE 2 FLAGS \Seen $Forwarded Work
		S: * FLAGS (\Seen \Answered \Flagged \Deleted \Draft $Forwarded Work)
		S: * OK [PERMANENTFLAGS (\Seen \Answered \Flagged \Deleted \Draft $Forwarded Work \*)] Flags permitted.
		S: * 2 FETCH (UID 2 FLAGS (\Seen \Recent $Forwarded Work))
		S: c OK STORE completed.
		C: d UID STORE 1:2 +FLAGS.SILENT (\Answered)
		S: d OK UID STORE completed.
		C: e UID STORE 2 FLAGS ()
		S: * 2 FETCH (UID 2 FLAGS (\Recent))
		S: e OK UID STORE completed.
		C: f STORE 1 +FLAGS (\Recent)
		S: f BAD [PARSE] Flag "\Recent" can't be changed
		C: g STORE 1 FLOGS (\Seen)
		S: g BAD FLAGS, +FLAGS or -FLAGS expected
		C: h STORE 9 FLAGS (\Seen)
		S: h BAD No message with that number
		C: i UID STORE 9 FLAGS (\Seen)
		S: i OK UID STORE completed.
		C: j STORE 1 FLAGS
		S: j BAD …`)
}

// RFC 7162 section 3.1.3: UNCHANGEDSINCE.
func TestStoreUnchangedSince(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p := f.login("INBOX")
	p.dialogue(`
		C: a STORE 2 +FLAGS (\Flagged)
		S: * 2 FETCH (UID 2 FLAGS (\Flagged \Recent))
		S: a OK STORE completed.
		C: b STORE 1:3 (UNCHANGEDSINCE 2) +FLAGS.SILENT (\Deleted)
		S: * OK [HIGHESTMODSEQ 3] Highest.
		S: * 1 FETCH (UID 1 MODSEQ (4))
		S: * 3 FETCH (UID 3 MODSEQ (4))
		S: b OK [MODIFIED 2] Conditional STORE failed for some.
		"the server MUST include the MODSEQ … 0 … for which no message passes"
		C: c UID STORE 1 (UNCHANGEDSINCE 0) +FLAGS (\Seen)
		S: * 1 FETCH (UID 1 FLAGS (\Deleted \Recent) MODSEQ (4))
		S: c OK [MODIFIED 1] Conditional STORE failed for some.
		C: d NOOP
		S: d OK NOOP completed.
		C: e STORE 1 (FOO 1) +FLAGS (\Seen)
		S: e BAD Unknown STORE modifier`)
}

// RFC 9051 section 6.4.3, 6.4.9 and 7.5.1.
func TestExpunge(t *testing.T) {
	f := newFixture(t, nil)
	for range 8 {
		f.add("INBOX", simple)
	}
	p := f.login("INBOX")
	p.do("a STORE 3,4,7,8 +FLAGS.SILENT (\\Deleted)")
	p.dialogue(`
		C: b UID EXPUNGE 7
		S: * 7 EXPUNGE
		S: b OK UID EXPUNGE completed.
		C: c EXPUNGE
		S: * 7 EXPUNGE
		S: * 4 EXPUNGE
		S: * 3 EXPUNGE
		S: c OK EXPUNGE completed.
		C: d FETCH 1:* UID
		S: * 1 FETCH (UID 1)
		S: * 2 FETCH (UID 2)
		S: * 3 FETCH (UID 5)
		S: * 4 FETCH (UID 6)
		S: d OK FETCH completed.
		RFC 9051 section 6.4.1: CLOSE "permanently removes all messages that have the \Deleted flag set … No untagged
		EXPUNGE responses are sent".
		C: e STORE 1 +FLAGS.SILENT (\Deleted)
		S: e OK STORE completed.
		C: f CLOSE
		S: f OK CLOSE completed.
		C: g STATUS INBOX (MESSAGES)
		S: * STATUS INBOX (MESSAGES 3)
		S: g OK STATUS completed.`)
}

// RFC 9051 section 6.4.7 and 6.4.8, RFC 4315 section 3 (COPYUID).
func TestCopyMove(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple, simple)
	p := f.login("INBOX")
	p.dialogue(`
		C: a COPY 2:4 MEETING
		S: a NO [TRYCREATE] Mailbox does not exist.
		C: b CREATE MEETING
		S: b OK [MAILBOXID (…)] CREATE completed.
		C: c COPY 2:4 MEETING
		S: c OK [COPYUID 1002 2:4 1:3] COPY completed.
		C: d UID COPY 99 MEETING
		S: d OK UID COPY completed.
		C: e UID MOVE 1,3 MEETING
		S: * OK [COPYUID 1002 1,3 4:5] Moved.
		S: * 3 EXPUNGE
		S: * 1 EXPUNGE
		S: e OK UID MOVE completed.
		C: f MOVE 1 nowhere
		S: f NO [TRYCREATE] Mailbox does not exist.
		C: g STATUS MEETING (MESSAGES UIDNEXT)
		S: * STATUS MEETING (MESSAGES 5 UIDNEXT 6)
		S: g OK STATUS completed.
		C: h EXAMINE INBOX
		S: * FLAGS …
		S: …
		S: * 2 EXISTS
		S: …
		S: …
		S: …
		S: …
		S: …
		S: …
		S: h OK …
		C: i MOVE 1 MEETING
		S: i NO [NOPERM] Mailbox is read-only.`)
}

// RFC 9051 section 6.3.12, RFC 3502, RFC 7888, RFC 4315 section 3 (APPENDUID).
func TestAppend(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.MessageSize = 100 })
	p := f.login("")
	p.dialogue(`
		C: a APPEND nowhere {10}
		S: a NO [TRYCREATE] Mailbox does not exist.
		C: b APPEND INBOX (\Seen $Work) "17-Jul-1996 02:44:25 -0700" {12}
		S: + OK
		C: Subject: x
		C: 
		S: b OK [APPENDUID 1001 1] APPEND completed.
		Too large: refused before it is sent …
		C: c APPEND INBOX {101}
		S: c NO [TOOBIG] Message is larger than 100 octets.`)
	// … and dropped when it comes without asking (RFC 7888 section 4).
	p.send("d APPEND INBOX {150+}\r\n" + strings.Repeat("x", 150) + "\r\n")
	require.Equal(t, "d NO [TOOBIG] Message is larger than 100 octets.", p.line())
	p.send("e APPEND INBOX {3+}\r\na\r\n (\\Seen) ~{2+}\r\nb\x00\r\n")
	require.Equal(t, "e OK [APPENDUID 1001 2:3] APPEND completed.", p.line())
	p.send("f APPEND INBOX {3+}\r\na\x00b\r\n")
	require.Equal(t, "f NO [CANNOT] Message holds NUL, which needs a binary literal.", p.line())
	p.send("g APPEND INBOX (\\Foo) {3+}\r\nabc\r\n")
	require.Equal(t, `g BAD [PARSE] Flag "\Foo" can't be changed`, p.line())
	p.send("h APPEND INBOX {3+}\r\nabcX\r\n")
	require.Contains(t, p.line(), "h BAD [PARSE] ")
	p.send("i APPEND INBOX \"99-Jul-1996 02:44:25 -0700\" {3+}\r\nabc\r\n")
	require.Equal(t, "i BAD [PARSE] Bad date and time", p.line())
	p.send("j APPEND INBOX UTF8 (~{3+}\r\nabc)\r\n")
	require.Equal(t, "j BAD UTF8=ACCEPT has not been enabled", p.line())
	p.do("k ENABLE UTF8=ACCEPT")
	p.send("l APPEND INBOX UTF8 (~{3+}\r\nabc)\r\n")
	require.Equal(t, "l OK [APPENDUID 1001 4] APPEND completed.", p.line())
	p.do("m EXAMINE INBOX")
	require.Equal(t, []string{`* 1 FETCH (FLAGS (\Seen $Work) INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[] {12}`,
		"Subject: x", ")"}, p.do("n FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])"))
}

// A message that ends early leaves nothing behind.
func TestAppendVanish(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.send("a APPEND INBOX {1000+}\r\nSubject: x\r\n")
	_ = p.Close()
	q := f.login("")
	require.Equal(t, []string{"* STATUS INBOX (MESSAGES 0 UIDNEXT 1)"}, q.do("b STATUS INBOX (MESSAGES UIDNEXT)"))
}

func TestOverQuota(t *testing.T) {
	f := newFixture(t, nil)
	f.store.Quota = 700
	f.add("INBOX", simple)
	p := f.login("INBOX")
	p.send("a APPEND INBOX {500+}\r\n" + strings.Repeat("x", 500) + "\r\n")
	require.Equal(t, "a NO [OVERQUOTA] Quota exceeded.", p.line())
	p.dialogue(`
		C: b COPY 1 INBOX
		S: * 2 EXISTS
		S: * 2 RECENT
		S: b OK [COPYUID 1001 1 2] COPY completed.
		C: c COPY 1 INBOX
		S: c NO [OVERQUOTA] Quota exceeded.`)
}

// A full disk is no bug: what can be done is what a full quota asks for, and the operator reads of it in the log.
func TestDiskFull(t *testing.T) {
	var log strings.Builder
	f := newFixture(t, func(s *imapserver.Server) { s.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	f.store.Fail = func(op string) error {
		if op == "Commit" {
			return &fs.PathError{Op: "write", Path: "/mail/x", Err: syscall.ENOSPC}
		}
		return nil
	}
	p := f.login("INBOX")
	p.dialogue(`
		C: a APPEND INBOX {1+}
		C: x
		S: a NO [OVERQUOTA] Not enough disk space.
		C: b NOOP
		S: b OK NOOP completed.`)
	require.Contains(t, log.String(), "/mail/x")
}

// Internal text stays inside, and one failure doesn't end the session.
func TestStoreFailure(t *testing.T) {
	f := newFixture(t, nil)
	failing := false
	f.store.Fail = func(op string) error {
		switch {
		case failing && (op == "SetFlags" || op == "Changes"):
			return errors.New("disk 7 in rack 3")
		case failing && op == "Commit":
			return mail.ErrLimit
		}
		return nil
	}
	f.add("INBOX", simple)
	p := f.login("INBOX")
	failing = true
	p.dialogue(`
		C: a STORE 1 +FLAGS (\Seen)
		S: a NO [SERVERBUG] Internal error, see the server's log.
		C: b APPEND INBOX {1+}
		C: x
		S: b NO [LIMIT] Limit reached.`)
	failing = false
	require.Len(t, p.do("c STORE 1 +FLAGS (\\Seen)"), 1)
	_, err := f.box("INBOX").State(context.Background())
	require.NoError(t, err)
}
