package imapserver_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9051 section 6.3.4: "An error is returned … to attempt to create INBOX or to attempt to create a mailbox with a name
// that refers to an extant mailbox"; "If the mailbox name is suffixed with the server's hierarchy separator character …
// this is a declaration that the client intends to create mailbox names under this name".
func TestCreate(t *testing.T) {
	f := newFixture(t, nil)
	f.login("").dialogue(`
		C: a CREATE owatagusiam/
		S: a OK [MAILBOXID (…)] CREATE completed.
		C: b CREATE owatagusiam/blurdybloop
		S: b OK [MAILBOXID (…)] CREATE completed.
		C: c CREATE owatagusiam/blurdybloop
		S: c NO [ALREADYEXISTS] Mailbox exists already.
		C: d CREATE inbox
		S: d NO [CANNOT] Mailbox name is not allowed.
		C: e CREATE a//b
		S: e NO [CANNOT] Mailbox name is not allowed.
		C: f CREATE &bad
		S: f NO [CANNOT] Mailbox name is not modified UTF-7
		RFC 6154 section 3
		C: g CREATE Gesendet (USE (\Sent))
		S: g OK [MAILBOXID (…)] CREATE completed.
		C: h CREATE Alles (USE (\All))
		S: h NO [USEATTR] Special use is not supported.
		C: i CREATE x (FOO)
		S: i BAD Unknown CREATE parameter
		C: j LIST "" (owatagusiam/* Gesendet) RETURN (SPECIAL-USE)
		S: * LIST (\HasNoChildren \Sent) "/" Gesendet
		S: * LIST (\HasNoChildren) "/" owatagusiam/blurdybloop
		S: j OK LIST completed.`)
}

// RFC 9051 section 6.3.5.
func TestDelete(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.do("a CREATE foo/bar")
	p.dialogue(`
		C: b DELETE INBOX
		S: b NO [CANNOT] INBOX can't be deleted.
		C: c DELETE nowhere
		S: c NO [NONEXISTENT] Mailbox does not exist.
		The mailbox goes, "the name acquires the \Noselect mailbox name attribute" while there is something below it.
		C: d DELETE foo
		S: d OK DELETE completed.
		C: e LIST "" *
		S: * LIST (\HasNoChildren) "/" INBOX
		S: * LIST (\Noselect \HasChildren) "/" foo
		S: * LIST (\HasNoChildren) "/" foo/bar
		S: e OK LIST completed.
		C: f SELECT foo
		S: f NO [NONEXISTENT] Mailbox does not exist.
		Deleting what is selected leaves selected state.
		C: g SELECT foo/bar
		S: * FLAGS …
		S: …
		S: * 0 EXISTS
		S: * 0 RECENT
		S: …
		S: …
		S: …
		S: …
		S: g OK …
		C: h DELETE foo/bar
		S: * OK [CLOSED] Selected mailbox deleted.
		S: h OK DELETE completed.
		C: i FETCH 1 FLAGS
		S: i BAD No mailbox selected`)
}

// RFC 2180 section 3.3: a server "MAY allow the DELETE of a multi-accessed mailbox, but disconnect all other clients who have
// the mailbox accessed by sending a untagged BYE response."
func TestDeletedElsewhere(t *testing.T) {
	f := newFixture(t, nil)
	f.box("doomed")
	p, q := f.login("doomed"), f.login("")
	q.do("a DELETE doomed")
	p.send("b NOOP\r\n")
	require.Equal(t, "* BYE [NONEXISTENT] The selected mailbox was deleted.", p.line())
	require.Equal(t, "b OK NOOP completed.", p.line())
	p.closed()
}

// RFC 9051 section 6.3.6: "If the name has inferior hierarchical names, then the inferior hierarchical names MUST also be
// renamed"; "Renaming INBOX … moves all messages in INBOX to a new mailbox with the given name, leaving INBOX empty."
func TestRename(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	p := f.login("")
	p.do("a CREATE foo/bar/zap")
	p.dialogue(`
		C: b RENAME foo zowie
		S: b OK RENAME completed.
		C: c LIST "" zowie*
		S: * LIST (\HasChildren) "/" zowie
		S: * LIST (\HasChildren) "/" zowie/bar
		S: * LIST (\HasNoChildren) "/" zowie/bar/zap
		S: c OK LIST completed.
		C: d RENAME INBOX old-mail
		S: d OK RENAME completed.
		C: e STATUS old-mail (MESSAGES)
		S: * STATUS old-mail (MESSAGES 1)
		S: e OK STATUS completed.
		C: f STATUS INBOX (MESSAGES)
		S: * STATUS INBOX (MESSAGES 0)
		S: f OK STATUS completed.
		C: g RENAME zowie INBOX
		S: g NO [ALREADYEXISTS] INBOX exists already.
		C: h RENAME zowie zowie/x
		S: h NO [CANNOT] Mailbox name is not allowed.
		C: i RENAME nowhere x
		S: i NO [NONEXISTENT] Mailbox does not exist.`)
}

// RFC 3501 section 5.1.3: modified UTF-7 for clients that have not said that they know UTF-8.
func TestMailboxNames(t *testing.T) {
	f := newFixture(t, nil)
	f.box("Thư đến/日本語")
	p := f.login("")
	p.dialogue(`
		C: a LIST "" "Th*"
		S: * LIST (\HasChildren) "/" "Th&AbA- &AREevw-n"
		S: * LIST (\HasNoChildren) "/" "Th&AbA- &AREevw-n/&ZeVnLIqe-"
		S: a OK LIST completed.
		C: b STATUS "Th&AbA- &AREevw-n/&ZeVnLIqe-" (MESSAGES)
		S: * STATUS "Th&AbA- &AREevw-n/&ZeVnLIqe-" (MESSAGES 0)
		S: b OK STATUS completed.
		C: c CREATE "Tom &- Jerry"
		S: c OK [MAILBOXID (…)] CREATE completed.
		C: d LIST "" Tom*
		S: * LIST (\HasNoChildren) "/" "Tom &- Jerry"
		S: d OK LIST completed.`)
	// RFC 6855 section 3: after ENABLE UTF8=ACCEPT names are UTF-8.
	p.dialogue(`
		C: e ENABLE UTF8=ACCEPT X-UNKNOWN
		S: * ENABLED UTF8=ACCEPT
		S: e OK ENABLE completed.
		C: f LIST "" "Thư đến"
		S: * LIST (\HasChildren) "/" "Thư đến"
		S: f OK LIST completed.
		C: g LIST "" Tom*
		S: * LIST (\HasNoChildren) "/" "Tom & Jerry"
		S: g OK LIST completed.`)
	// The same name in another normalisation form is the same name.
	p.dialogue("C: h STATUS \"Thu\u031b \u0111e\u0302\u0301n\" (MESSAGES)\n" +
		"S: * STATUS \"Thư đến\" (MESSAGES 0)\nS: h OK STATUS completed.")
}

func TestSubscriptions(t *testing.T) {
	f := newFixture(t, nil)
	f.box("news/comp")
	f.login("").dialogue(`
		RFC 9051 section 6.3.7: "A server MAY validate … However, it MUST NOT unilaterally remove an existing mailbox
		name from the subscription list even if a mailbox by that name no longer exists."
		C: a SUBSCRIBE news/comp
		S: a OK SUBSCRIBE completed.
		C: b SUBSCRIBE gone/away
		S: b OK SUBSCRIBE completed.
		C: c LSUB "" *
		S: * LSUB () "/" gone/away
		S: * LSUB () "/" news/comp
		S: c OK LSUB completed.
		RFC 3501 section 6.3.9: "if foo/bar … is subscribed and the client sends LSUB % … \Noselect … foo".
		C: d LSUB "" %
		S: * LSUB (\Noselect) "/" gone
		S: * LSUB (\Noselect) "/" news
		S: d OK LSUB completed.
		RFC 9051 section 6.3.9.5: LIST with SUBSCRIBED shows names that are not there as \NonExistent.
		C: e LIST (SUBSCRIBED) "" *
		S: * LIST (\NonExistent \Subscribed \HasNoChildren) "/" gone/away
		S: * LIST (\Subscribed \HasNoChildren) "/" news/comp
		S: e OK LIST completed.
		C: f UNSUBSCRIBE gone/away
		S: f OK UNSUBSCRIBE completed.
		C: g LIST "" * RETURN (SUBSCRIBED)
		S: * LIST (\HasNoChildren) "/" INBOX
		S: * LIST (\HasChildren) "/" news
		S: * LIST (\Subscribed \HasNoChildren) "/" news/comp
		S: g OK LIST completed.
		RFC 9051 section 6.3.9.6: RECURSIVEMATCH shows parents of what matches.
		C: h LIST (SUBSCRIBED RECURSIVEMATCH) "" %
		S: * LIST (\HasChildren) "/" news ("CHILDINFO" ("SUBSCRIBED"))
		S: h OK LIST completed.
		C: i LIST (RECURSIVEMATCH) "" %
		S: i BAD RECURSIVEMATCH needs another selection option`)
}

func TestList(t *testing.T) {
	f := newFixture(t, nil)
	for _, n := range []string{"foo", "foo/bar", "foo/bar/baz", "a", "a-b", "Inboxes"} {
		f.box(n)
	}
	f.add("foo", simple)
	f.login("").dialogue(`
		RFC 9051 section 6.3.9: "An empty ("" string) mailbox name argument is a special request to return the hierarchy
		delimiter and the root name".
		C: a LIST "" ""
		S: * LIST (\Noselect) "/" ""
		S: a OK LIST completed.
		C: b LIST foo/ %
		S: * LIST (\HasChildren) "/" foo/bar
		S: b OK LIST completed.
		C: c LIST "" "%o"
		S: * LIST (\HasChildren) "/" foo
		S: c OK LIST completed.
		C: d LIST "" inb%
		S: d OK LIST completed.
		C: e LIST "" inbox
		S: * LIST (\HasNoChildren) "/" INBOX
		S: e OK LIST completed.
		RFC 5819
		C: f LIST "" (foo INBOX) RETURN (STATUS (MESSAGES UNSEEN))
		S: * LIST (\HasNoChildren) "/" INBOX
		S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
		S: * LIST (\HasChildren) "/" foo
		S: * STATUS foo (MESSAGES 1 UNSEEN 1)
		S: f OK LIST completed.
		C: g LIST () "" foo/%/b*z
		S: * LIST (\HasNoChildren) "/" foo/bar/baz
		S: g OK LIST completed.
		C: h NAMESPACE
		S: * NAMESPACE (("" "/")) NIL NIL
		S: h OK NAMESPACE completed.`)
}

// RFC 9051 section 6.3.11, RFC 8438, RFC 7162 section 3.1.7, RFC 7889 section 4.
func TestStatus(t *testing.T) {
	f := newFixture(t, nil)
	f.add("blurdybloop", simple, simple)
	f.login("").dialogue(`
		C: a STATUS blurdybloop (UIDNEXT MESSAGES UNSEEN RECENT UIDVALIDITY DELETED SIZE)
		S: * STATUS blurdybloop (UIDNEXT 3 MESSAGES 2 UNSEEN 2 RECENT 2 UIDVALIDITY 1002 DELETED 0 SIZE 640)
		S: a OK STATUS completed.
		C: b STATUS blurdybloop (HIGHESTMODSEQ APPENDLIMIT)
		S: * STATUS blurdybloop (HIGHESTMODSEQ 2 APPENDLIMIT 52428800)
		S: b OK STATUS completed.
		C: c STATUS blurdybloop ()
		S: c BAD Status items expected
		C: d STATUS blurdybloop (FOO)
		S: d BAD Unknown status item
		C: e STATUS nowhere (MESSAGES)
		S: e NO [NONEXISTENT] Mailbox does not exist.`)
}

// RFC 9051 section 6.3.2 and 6.3.3.
func TestSelect(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	f.login("").dialogue(`
		C: a EXAMINE INBOX
		S: * FLAGS (\Seen \Answered \Flagged \Deleted \Draft)
		S: * OK [PERMANENTFLAGS ()] Read-only mailbox.
		S: * 1 EXISTS
		S: * 1 RECENT
		S: * OK [UNSEEN 1] First unseen.
		S: * OK [UIDVALIDITY 1001] UIDs valid.
		S: * OK [UIDNEXT 2] Predicted next UID.
		S: * OK [HIGHESTMODSEQ 2] Highest.
		S: * OK [MAILBOXID (…)] Mailbox id.
		S: a OK [READ-ONLY] EXAMINE completed.
		C: b STORE 1 +FLAGS (\Seen)
		S: b NO [NOPERM] Mailbox is read-only.
		C: c EXPUNGE
		S: c NO [NOPERM] Mailbox is read-only.
		C: d FETCH 1 BODY[TEXT]<0.5>
		S: * 1 FETCH (BODY[TEXT]<0> {5}
		S: Hello)
		S: d OK FETCH completed.
		C: e FETCH 1 FLAGS
		S: * 1 FETCH (FLAGS ())
		S: e OK FETCH completed.
		"the mailbox is deselected" when SELECT fails
		C: f SELECT nowhere
		S: f NO [NONEXISTENT] Mailbox does not exist.
		C: g CHECK
		S: g BAD No mailbox selected
		C: h SELECT INBOX (FOO)
		S: h BAD Unknown SELECT parameter`)
}

// RFC 9051 section 6.3.2 as IMAP4rev2 wants it: no RECENT, no UNSEEN, a LIST response, CLOSED.
func TestSelectRev2(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	f.login("").dialogue(`
		C: a ENABLE IMAP4rev2
		S: * ENABLED IMAP4rev2
		S: a OK ENABLE completed.
		C: b SELECT INBOX
		S: * FLAGS (\Seen \Answered \Flagged \Deleted \Draft)
		S: * OK [PERMANENTFLAGS (\Seen \Answered \Flagged \Deleted \Draft \*)] Flags permitted.
		S: * 1 EXISTS
		S: * OK [UIDVALIDITY 1001] UIDs valid.
		S: * OK [UIDNEXT 2] Predicted next UID.
		S: * OK [HIGHESTMODSEQ 2] Highest.
		S: * OK [MAILBOXID (…)] Mailbox id.
		S: * LIST () "/" INBOX
		S: b OK [READ-WRITE] SELECT completed.
		C: c SEARCH UNSEEN
		S: * ESEARCH (TAG "c") ALL 1
		S: c OK SEARCH completed.
		C: d EXAMINE INBOX
		S: * OK [CLOSED] Previous mailbox closed.
		S: * FLAGS …
		S: * OK [PERMANENTFLAGS ()] …
		S: * 1 EXISTS
		S: …
		S: …
		S: …
		S: …
		S: * LIST () "/" INBOX
		S: d OK [READ-ONLY] EXAMINE completed.
		C: e UNSELECT
		S: e OK UNSELECT completed.`)
}
