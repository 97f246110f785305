package imapserver_test

import "testing"

// RFC 9051 section 8: "Sample IMAP4rev2 Connection", in what it says of both revisions.
func TestSampleConnection(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple)
	f.dial().dialogue(`
		S: * OK [CAPABILITY IMAP4rev1 …] IMAP server ready.
		C: a001 login alice secret
		S: a001 OK [CAPABILITY IMAP4rev1 …] Logged in
		C: a002 select inbox
		S: * FLAGS (\Seen \Answered \Flagged \Deleted \Draft)
		S: * OK [PERMANENTFLAGS (\Seen \Answered \Flagged \Deleted \Draft \*)] Flags permitted.
		S: * 2 EXISTS
		S: * 2 RECENT
		S: * OK [UNSEEN 1] First unseen.
		S: * OK [UIDVALIDITY 1001] UIDs valid.
		S: * OK [UIDNEXT 3] Predicted next UID.
		S: * OK [HIGHESTMODSEQ 2] Highest.
		S: * OK [MAILBOXID (…)] Mailbox id.
		S: a002 OK [READ-WRITE] SELECT completed.
		C: a003 fetch 2 full
		S: * 2 FETCH (FLAGS (\Recent) INTERNALDATE " 1-Mar-2026 12:00:00 +0700" RFC822.SIZE 320 ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800" "afternoon meeting" (("Fred Foobar" NIL "foobar" "Blurdybloop.example")) (("Fred Foobar" NIL "foobar" "Blurdybloop.example")) (("Fred Foobar" NIL "foobar" "Blurdybloop.example")) ((NIL NIL "mooch" "owatagu.siam.edu.example")) NIL NIL NIL "<B27397-0100000@Blurdybloop.example>") BODY ("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 55 1))
		S: a003 OK FETCH completed.
		C: a004 fetch 2 body[header]
		S: * 2 FETCH (BODY[HEADER] {265}
		S: Date: Mon, 7 Feb 1994 21:52:25 -0800
		S: From: Fred Foobar <foobar@Blurdybloop.example>
		S: Subject: afternoon meeting
		S: To: mooch@owatagu.siam.edu.example
		S: Message-Id: <B27397-0100000@Blurdybloop.example>
		S: MIME-Version: 1.0
		S: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
		S:
		S:  FLAGS (\Seen \Recent))
		S: a004 OK FETCH completed.
		C: a005 store 2 +flags \deleted
		S: * 2 FETCH (UID 2 FLAGS (\Seen \Deleted \Recent))
		S: a005 OK STORE completed.
		C: a006 logout
		S: * BYE Logging out
		S: a006 OK LOGOUT completed.`)
}
