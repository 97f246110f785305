package imapserver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
)

// quietNow requires that nothing has been sent: what is pushed comes before the answer to a command.
func (p *peer) quietNow() {
	p.Helper()
	require.Empty(p, p.do("quiet NOOP"))
}

// RFC 5465 section 3.1, its example: new messages in the selected mailbox come with what was asked for of them, those
// elsewhere as STATUS, without any command.
func TestNotifyExample(t *testing.T) {
	f := newSharing(t)
	f.box("Lists/Lemonade")
	f.box("Lists/Im2000")
	f.add("Lists/Lemonade", simple)
	f.add("INBOX", simple)
	p := f.as("alice")
	require.Contains(t, p.do("a CAPABILITY")[0], " NOTIFY")
	p.dialogue(`
		C: b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))
		S: * STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY …)
		S: * STATUS Lists/Im2000 (MESSAGES 0 UIDNEXT 1 UIDVALIDITY …)
		S: * STATUS Lists/Lemonade (MESSAGES 1 UIDNEXT 2 UIDVALIDITY …)
		S: b OK NOTIFY completed.`)
	p.do("c SELECT INBOX")
	f.add("Lists/Lemonade", simple)
	p.dialogue(`
		S: * STATUS Lists/Lemonade (MESSAGES 2 UIDNEXT 3)`)
	f.add("INBOX", simple)
	p.dialogue(`
		S: * 2 EXISTS
		S: * 2 RECENT
		S: * 2 FETCH (UID 2 BODY[HEADER.FIELDS (from to subject)] {…}
		S: From: Fred Foobar <foobar@Blurdybloop.example>
		S: Subject: afternoon meeting
		S: To: mooch@owatagu.siam.edu.example
		S:
		S: )`)
	// FlagChange was not asked for, neither here nor there.
	for _, name := range []string{"INBOX", "Lists/Lemonade"} {
		_, err := f.box(name).SetFlags(context.Background(), mail.UIDSetOf(1), mail.FlagChange{Flags: mail.Flags{System: mail.Seen}})
		require.NoError(t, err)
	}
	p.quietNow()
	_, err := f.box("INBOX").Expunge(context.Background(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	p.dialogue(`
		S: * 1 EXPUNGE`)
	// What this client itself brings is not fetched.
	require.Equal(t, []string{"* 2 EXISTS", "* 2 RECENT"}, p.do("d APPEND INBOX {3+}\r\nabc"))
}

// RFC 5465 section 5.1: "If CONDSTORE … enabled by the client, then the server sends a STATUS response that includes at least
// HIGHESTMODSEQ and UIDVALIDITY"; section 6.1: SELECTED overrides all others for the selected mailbox.
func TestNotifyFlagChange(t *testing.T) {
	f := newSharing(t)
	f.add("a", simple)
	f.add("b", simple)
	seen := func(box string, op mail.FlagOp) {
		_, err := f.box(box).SetFlags(context.Background(), mail.UIDSetOf(1), mail.FlagChange{Op: op, Flags: mail.Flags{System: mail.Seen}})
		require.NoError(t, err)
	}
	p := f.login("a")
	p.do("x NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge FlagChange))")
	seen("a", mail.FlagsAdd)
	p.dialogue(`S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent))`)
	seen("b", mail.FlagsAdd)
	p.dialogue(`S: * STATUS b (UNSEEN 0)`)
	p.do("y ENABLE CONDSTORE")
	seen("b", mail.FlagsRemove)
	p.dialogue(`S: * STATUS b (UNSEEN 1 UIDVALIDITY … HIGHESTMODSEQ …)`)
	f.add("b", simple)
	p.dialogue(`S: * STATUS b (MESSAGES 2 UIDNEXT 3 UNSEEN 2 UIDVALIDITY … HIGHESTMODSEQ …)`)
	// After the mailbox has been left it is one of the others.
	p.do("z UNSELECT")
	seen("a", mail.FlagsRemove)
	p.dialogue(`S: * STATUS a (UNSEEN 1 UIDVALIDITY … HIGHESTMODSEQ …)`)
}

// RFC 5465 section 5.4 and 5.5.
func TestNotifyNames(t *testing.T) {
	f := newSharing(t)
	f.box("Old/child")
	f.box("Old")
	p, q := f.as("alice"), f.as("alice")
	p.do("x NOTIFY SET (personal (MailboxName SubscriptionChange))")
	q.do("a CREATE New/box")
	p.dialogue(`
		S: * LIST (\HasChildren) "/" New
		S: * LIST (\HasNoChildren) "/" New/box`)
	q.do("b SUBSCRIBE New/box")
	p.dialogue(`S: * LIST (\Subscribed \HasNoChildren) "/" New/box`)
	q.do("c UNSUBSCRIBE New/box")
	p.dialogue(`S: * LIST (\HasNoChildren) "/" New/box`)
	q.do("d DELETE New/box")
	p.dialogue(`
		S: * LIST (\NonExistent \HasNoChildren) "/" New/box
		S: * LIST (\HasNoChildren) "/" New`)
	q.do("e RENAME Old Newer")
	p.dialogue(`S: * LIST (\HasChildren) "/" Newer ("OLDNAME" (Old))`)
	// "The server SHOULD omit notifying the client if the event is caused by this client."
	require.Empty(t, p.do("f CREATE mine/box"))
	require.Empty(t, p.do("g SUBSCRIBE mine/box"))
	require.Empty(t, p.do("h RENAME mine yours"))
	require.Empty(t, p.do("i DELETE yours/box"))
	p.quietNow()
	q.do("j CREATE last")
	p.dialogue(`S: * LIST (\HasNoChildren) "/" last`)
}

// RFC 5465 section 5.4: "granting or revocation of the 'l' right to the current user on the affected mailbox MUST be considered
// mailbox creation or deletion"; section 3.1: a mailbox that may be listed and not read is answered with \NoAccess; section 5.9.
func TestNotifyRights(t *testing.T) {
	f := newSharing(t)
	box := f.share("box", "l")
	hidden := f.store.Share("bob", "hidden", "alice", "r")
	p := f.as("alice")
	p.dialogue(`
		C: a NOTIFY SET STATUS (mailboxes (` + box + ` ` + hidden + ` nowhere) (MessageNew MessageExpunge MailboxName))
		S: * LIST (\HasNoChildren \NoAccess) "/" ` + box + `
		S: a OK NOTIFY completed.`)
	f.store.Share("bob", "box", "alice", "lr")
	p.dialogue(`S: * LIST (\HasNoChildren) "/" ` + box)
	f.store.Share("bob", "hidden", "alice", "lr")
	p.dialogue(`S: * LIST (\HasNoChildren) "/" ` + hidden)
	f.store.Share("bob", "box", "alice", "")
	p.dialogue(`S: * LIST (\NonExistent \HasNoChildren) "/" ` + box)
	q := f.as("bob")
	q.do("b APPEND hidden {3+}\r\nabc")
	p.dialogue(`S: * STATUS ` + hidden + ` (MESSAGES 1 UIDNEXT 2)`)
}

// RFC 5465 section 6.1.2: SELECTED-DELAYED "requires the server to delay a MessageExpunge event until the client issues a command
// that allows returning information about expunged messages".
func TestNotifyDelayed(t *testing.T) {
	f := newSharing(t)
	f.add("INBOX", simple, simple)
	p := f.login("INBOX")
	p.do("a NOTIFY SET (selected-delayed (MessageNew (uid) MessageExpunge FlagChange))")
	box := f.box("INBOX")
	_, err := box.Expunge(context.Background(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	f.add("INBOX", simple)
	p.dialogue(`
		S: * 3 EXISTS
		S: * 3 RECENT
		S: * 3 FETCH (UID 3)`)
	require.Len(t, p.do("b FETCH 2 UID"), 1)
	require.Equal(t, []string{"* 1 EXPUNGE"}, p.do("c NOOP"))
}

// RFC 5465 section 3.1: without SELECTED "the client doesn't want to receive any <message-event>s for the currently selected mailbox";
// section 5: "NOTIFY SET ... NONE can be used as a snapshot facility by clients". What the client itself expunges it is told.
func TestNotifyNone(t *testing.T) {
	for _, command := range []string{"NOTIFY NONE", "NOTIFY SET (personal (MailboxName))", "NOTIFY SET (selected NONE)"} {
		f := newSharing(t)
		f.add("INBOX", simple, simple, simple)
		p := f.login("INBOX")
		p.do("a " + command)
		f.add("INBOX", simple)
		_, err := f.box("INBOX").Expunge(context.Background(), mail.UIDSetOf(1), nil)
		require.NoError(t, err)
		require.Empty(t, p.do("b NOOP"), command)
		p.send("c IDLE\r\nDONE\r\n")
		p.dialogue("S: + idling\nS: c OK IDLE completed.")
		p.do(`d STORE 3 +FLAGS.SILENT (\Deleted)`)
		require.Equal(t, []string{"* 3 EXPUNGE", "* 1 EXPUNGE", "* 2 EXISTS", "* 2 RECENT"}, p.do("e EXPUNGE"), command)
		// "A successful NOTIFY SET command MUST cause the server to immediately return any accumulated changes".
		f.add("INBOX", simple)
		require.Equal(t, []string{"* 3 EXISTS", "* 3 RECENT"}, p.do("f NOTIFY SET (selected (MessageNew MessageExpunge))"))
	}
}

// RFC 5465 section 3.1: "If the client requests information for events of an unsupported type, the server MUST refuse the command
// with a tagged NO response (not a BAD). This response SHOULD contain the BADEVENT response code".
func TestNotifyRefused(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.NotifyMailboxes = 3 })
	p := f.as("alice")
	bad := `NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)] Event is not supported.`
	p.dialogue(`
		C: a NOTIFY SET (selected (MessageNew MessageExpunge AnnotationChange))
		S: a ` + bad + `
		C: b NOTIFY SET (personal (X-Something))
		S: b ` + bad + `
		C: c NOTIFY SET (personal (MessageNew))
		S: c BAD [PARSE] MessageNew and MessageExpunge go together
		"If the notification would be prohibitively expensive for the server … the server MAY refuse the command with a tagged NO
		[NOTIFICATIONOVERFLOW] response"; section 5.8.
		C: d NOTIFY SET (personal (MailboxName))
		S: d OK NOTIFY completed.`)
	q := f.as("alice")
	q.do("e CREATE one")
	p.dialogue(`S: * LIST (\HasNoChildren) "/" one`)
	q.do("f CREATE two")
	p.dialogue(`S: * LIST (\HasNoChildren) "/" two`)
	q.do("g CREATE three")
	p.dialogue(`S: * OK [NOTIFICATIONOVERFLOW] Too many mailboxes to be watched.`)
	q.do("h DELETE three")
	q.do("i CREATE four")
	p.quietNow()
	_, status := p.try("j NOTIFY SET (personal (MailboxName))")
	require.Equal(t, "j NO [NOTIFICATIONOVERFLOW] Too many mailboxes to be watched.", status)
}

// RFC 5465 section 5.6 and 5.7: only names; RFC 5464 section 4.1: after ENABLE METADATA with the answers to commands.
func TestNotifyMetadata(t *testing.T) {
	f := newSharing(t)
	q := f.as("alice")
	q.do(`a SETMETADATA INBOX (/shared/old "x")`)
	p := f.as("alice")
	p.do("b NOTIFY SET (mailboxes INBOX (MailboxMetadataChange ServerMetadataChange))")
	q.do(`c SETMETADATA INBOX (/shared/comment "y" /shared/old NIL)`)
	p.dialogue(`S: * METADATA INBOX /shared/comment /shared/old`)
	q.do(`d SETMETADATA "" (/shared/comment "y")`)
	p.dialogue(`S: * METADATA "" /shared/comment`)
	q.do("e CREATE other")
	q.do(`f SETMETADATA other (/shared/comment "y")`)
	require.Empty(t, p.do(`g SETMETADATA INBOX (/shared/comment "z")`))
	p.quietNow()

	r := f.as("alice")
	require.Equal(t, []string{"* ENABLED METADATA"}, r.do("a ENABLE METADATA"))
	q.do(`h SETMETADATA other (/shared/comment "w")`)
	require.Equal(t, []string{"* METADATA other /shared/comment"}, r.do("b NOOP"))
	// It holds beside NOTIFY, and after it.
	r.do("c NOTIFY NONE")
	q.do(`i SETMETADATA other (/shared/comment "v")`)
	r.dialogue(`S: * METADATA other /shared/comment`)
}

// RFC 5465 section 4: "while processing any IDLE command, the server MUST send exactly the same events".
func TestNotifyIdle(t *testing.T) {
	f := newSharing(t)
	f.box("box")
	p := f.login("INBOX")
	p.do("a NOTIFY SET (selected (MessageNew (uid) MessageExpunge)) (personal (MessageNew MessageExpunge))")
	p.send("b IDLE\r\n")
	require.Equal(t, "+ idling", p.line())
	f.add("box", simple)
	p.dialogue(`S: * STATUS box (MESSAGES 1 UIDNEXT 2)`)
	f.add("INBOX", simple)
	p.dialogue(`
		S: * 1 EXISTS
		S: * 1 RECENT
		S: * 1 FETCH (UID 1)
		C: DONE
		S: b OK IDLE completed.`)
}

// The selected mailbox is deleted while the client waits.
func TestNotifyDeleted(t *testing.T) {
	f := newSharing(t)
	f.box("doomed")
	p := f.login("doomed")
	p.do("a NOTIFY SET (selected (MessageNew MessageExpunge))")
	f.as("alice").do("b DELETE doomed")
	require.Equal(t, "* BYE [NONEXISTENT] The selected mailbox was deleted.", p.line())
	p.closed()
}

// A hint that is lost is made up for: the account is looked at now and then.
func TestNotifyWithoutHints(t *testing.T) {
	f := newSharing(t)
	f.srv.Store = hintlessStore{deafStore{f.store}}
	f.srv.Timeouts.Poll = waitShort
	f.box("box")
	p := f.login("INBOX")
	p.do("a NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))")
	f.add("box", simple)
	p.dialogue(`S: * STATUS box (MESSAGES 1 UIDNEXT 2)`)
	f.add("INBOX", simple)
	p.dialogue(`S: * 1 EXISTS`)
}

// hintlessStore is a deafStore whose accounts can be watched, for nothing.
type hintlessStore struct{ deafStore }

func (s hintlessStore) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.deafStore.Account(ctx, name)
	return hintless{a}, err
}

type hintless struct{ mail.Account }

func (hintless) Watch(func()) func() { return func() {} }

func TestWithoutNotify(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = append(s.Without, "NOTIFY") })
	p := f.login("")
	require.NotContains(t, p.do("a CAPABILITY")[0], "NOTIFY")
	_, status := p.try("b NOTIFY NONE")
	require.Equal(t, "b BAD Unknown command", status)
}
