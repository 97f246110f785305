package imapserver_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

func itoa(n int) string { return fmt.Sprint(n) }

// RFC 9051 section 7.5.1: "An EXPUNGE response MUST NOT be sent when no command is in progress, nor while responding to a
// FETCH, STORE, or SEARCH command." Section 5.2: unilateral updates.
func TestTwoSessions(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p, q := f.login("INBOX"), f.login("INBOX")
	q.do(`a STORE 2 +FLAGS (\Flagged $New)`)
	q.do(`b STORE 1 +FLAGS (\Deleted)`)
	q.do(`c EXPUNGE`)
	f.add("INBOX", simple)
	p.dialogue(`
		The message that is gone keeps its number, and the new one comes behind it.
		C: d FETCH 2 FLAGS
		S: * FLAGS (\Seen \Answered \Flagged \Deleted \Draft $New)
		S: * OK [PERMANENTFLAGS …
		S: * 2 FETCH (FLAGS (\Flagged \Recent $New))
		S: * 4 EXISTS
		S: * 4 RECENT
		S: * 2 FETCH (UID 2 FLAGS (\Flagged \Recent $New))
		S: d OK FETCH completed.
		RFC 5530 section 3: EXPUNGEISSUED
		C: e FETCH 1:2 FLAGS
		S: * 2 FETCH (FLAGS (\Flagged \Recent $New))
		S: e NO [EXPUNGEISSUED] Some of the messages no longer exist.
		C: f STORE 1 +FLAGS (\Seen)
		S: f NO [EXPUNGEISSUED] Some of the messages no longer exist.
		C: g SEARCH ALL
		S: * SEARCH 2 3 4
		S: g OK SEARCH completed.
		C: h COPY 1 INBOX
		S: * 1 EXPUNGE
		S: h NO [EXPUNGEISSUED] Some of the messages no longer exist.
		C: i FETCH 1 UID
		S: * 1 FETCH (UID 2)
		S: i OK FETCH completed.
		C: j NOOP
		S: j OK NOOP completed.`)
}

// UID commands may be told of expunges (RFC 9051 section 7.5.1: "UID FETCH, UID STORE, and UID SEARCH are different commands").
func TestExpungeDuringUID(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple)
	p := f.login("INBOX")
	_, err := f.box("INBOX").Expunge(context.Background(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	p.dialogue(`
		C: a UID FETCH 1:2 FLAGS
		S: * 2 FETCH (UID 2 FLAGS (\Recent))
		S: * 1 EXPUNGE
		S: a OK UID FETCH completed.`)
}

// RFC 7162 section 3.1.7: HIGHESTMODSEQ in STATUS is "the highest mod-sequence value of all messages in the mailbox", of the selected
// one too. A client that takes it for how far it knows that mailbox is right once the command has ended: what had happened by then
// has been told, whichever comes first.
func TestStatusOfSelected(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p, q := f.login(""), f.login("INBOX")
	p.do("a ENABLE QRESYNC")
	p.do("b SELECT INBOX")
	q.do(`a STORE 1 +FLAGS (\Flagged)`)
	q.do(`b STORE 2 +FLAGS (\Deleted)`)
	q.do("c EXPUNGE")
	f.add("INBOX", simple)
	lines := p.do("c STATUS INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)")
	status := statusRE.FindStringSubmatch(lines[0])
	require.NotNil(t, status, lines[0])
	require.Equal(t, []string{"* VANISHED 2", "* 3 EXISTS", "* 1 RECENT"}, lines[1:4])
	require.Contains(t, lines[4], `* 1 FETCH (UID 1 FLAGS (\Flagged) MODSEQ (`)
	require.Len(t, lines, 5)
	require.Empty(t, p.do("d NOOP"))
	require.Empty(t, p.do("e UID FETCH 1:* (FLAGS) (CHANGEDSINCE "+status[1]+" VANISHED)"))
}

var statusRE = regexp.MustCompile(`^\* STATUS INBOX \(MESSAGES 3 UIDNEXT 5 HIGHESTMODSEQ (\d+)\)$`)

// When the store has forgotten its changes, the session compares.
func TestTooOld(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p := f.login("INBOX")
	box := f.box("INBOX")
	_, err := box.Expunge(context.Background(), mail.UIDSetOf(2), nil)
	require.NoError(t, err)
	_, err = box.SetFlags(context.Background(), mail.UIDSetOf(3), mail.FlagChange{Flags: mail.Flags{System: mail.Seen}})
	require.NoError(t, err)
	f.add("INBOX", simple)
	f.store.ForgetChanges("alice", "INBOX")
	p.dialogue(`
		C: a NOOP
		S: * 2 EXPUNGE
		S: * 3 EXISTS
		S: * 3 RECENT
		S: * 2 FETCH (UID 3 FLAGS (\Seen \Recent))
		S: a OK NOOP completed.
		C: b NOOP
		S: b OK NOOP completed.`)
}

// A silent STORE hides the session's own change and not another's.
func TestSilentStore(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple)
	p := f.login("INBOX")
	_, err := f.box("INBOX").SetFlags(context.Background(), mail.UIDSetOf(1, 2), mail.FlagChange{Flags: mail.Flags{System: mail.Flagged}})
	require.NoError(t, err)
	p.dialogue(`
		C: a STORE 1 +FLAGS.SILENT (\Seen)
		S: * 2 FETCH (UID 2 FLAGS (\Flagged \Recent))
		S: a OK STORE completed.`)
}

// RFC 3501 section 2.3.2: \Recent: "This session is the first session to have been notified about this message".
func TestRecent(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	p := f.login("INBOX")
	q := f.login("")
	require.Contains(t, q.do("a SELECT INBOX"), "* 0 RECENT")
	f.add("INBOX", simple)
	require.Equal(t, []string{"* 2 EXISTS", "* 2 RECENT"}, p.do("b NOOP"))
	require.Equal(t, []string{"* 2 EXISTS", "* 0 RECENT"}, q.do("c NOOP"))
	require.Equal(t, []string{"* SEARCH 1 2"}, q.do("d SEARCH OLD"))
}

// RFC 7162 section 3.2: QRESYNC.
func TestQResync(t *testing.T) {
	f := newFixture(t, nil)
	for range 5 {
		f.add("INBOX", simple)
	}
	box := f.box("INBOX")
	p := f.login("INBOX")
	p.dialogue(`
		C: a SELECT INBOX (QRESYNC (1001 3))
		S: a BAD Unknown SELECT parameter
		C: b ENABLE QRESYNC
		S: * OK [HIGHESTMODSEQ 6] Highest.
		S: * ENABLED QRESYNC
		S: b OK ENABLE completed.
		C: c STORE 2 +FLAGS (\Deleted)
		S: * 2 FETCH (UID 2 FLAGS (\Deleted \Recent) MODSEQ (7))
		S: c OK STORE completed.
		C: d EXPUNGE
		S: * VANISHED 2
		S: d OK [HIGHESTMODSEQ 8] EXPUNGE completed.`)
	_, err := box.Expunge(context.Background(), mail.UIDSetOf(4), nil)
	require.NoError(t, err)
	_, err = box.SetFlags(context.Background(), mail.UIDSetOf(3), mail.FlagChange{Flags: mail.Flags{System: mail.Seen}})
	require.NoError(t, err)
	p.dialogue(`
		C: e NOOP
		S: * VANISHED 4
		S: * 2 FETCH (UID 3 FLAGS (\Seen \Recent) MODSEQ (10))
		S: e OK NOOP completed.
		Section 3.2.5.1: what happened since mod-sequence 6.
		C: f SELECT INBOX (QRESYNC (1001 6 1:5))
		S: * OK [CLOSED] Previous mailbox closed.
		S: * FLAGS …
		S: * OK [PERMANENTFLAGS …
		S: * 3 EXISTS
		S: * 0 RECENT
		S: * OK [UNSEEN 1] …
		S: * OK [UIDVALIDITY 1001] …
		S: * OK [UIDNEXT 6] …
		S: * OK [HIGHESTMODSEQ 10] …
		S: * OK [MAILBOXID (box-1)] …
		S: * VANISHED (EARLIER) 2,4
		S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (10))
		S: f OK [READ-WRITE] SELECT completed.
		Section 3.2.6.
		C: g UID FETCH 3:5 (FLAGS) (CHANGEDSINCE 6 VANISHED)
		S: * VANISHED (EARLIER) 4
		S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (10))
		S: g OK UID FETCH completed.
		RFC 6851 section 4.4: "If at least one message was moved, the server MUST send the updated per-mailbox modification
		sequence".
		C: g2 UID COPY 5 INBOX
		S: * 4 EXISTS
		S: * 1 RECENT
		S: g2 OK [COPYUID 1001 5 6] COPY completed.
		C: g3 MOVE 4 INBOX
		S: * OK [COPYUID 1001 6 7] Moved.
		S: * VANISHED 6
		S: * 4 EXISTS
		S: * 1 RECENT
		S: g3 OK [HIGHESTMODSEQ 13] MOVE completed.
		C: h UID FETCH 3:5 (FLAGS) (VANISHED)
		S: h BAD VANISHED needs CHANGEDSINCE
		C: i FETCH 1 (FLAGS) (CHANGEDSINCE 6 VANISHED)
		S: i BAD Unknown FETCH modifier`)
	// "a mod-sequence smaller than <minmodseq> … MUST behave as if it was requested to report all expunged messages".
	f.store.ForgetChanges("alice", "INBOX")
	require.Contains(t, p.do("j SELECT INBOX (QRESYNC (1001 1 1:5 (1 1)))"), "* VANISHED (EARLIER) 2,4")
	require.NotContains(t, fmt.Sprint(p.do("k SELECT INBOX (QRESYNC (7 1))")), "VANISHED")
}
