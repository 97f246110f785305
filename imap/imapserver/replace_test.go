package imapserver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// The examples of RFC 8508 section 3.2 and 3.3.
func TestReplace(t *testing.T) {
	f := newFixture(t, nil)
	f.add("Drafts", simple, simple, simple, simple)
	f.login("Drafts").dialogue(`
		C: A003 REPLACE 4 Drafts (\Seen \Draft) {25}
		S: + …
		C: Subject: happy new year
		C:
		S: * OK [APPENDUID 1002 5] …
		S: * 4 EXPUNGE
		S: * 4 EXISTS
		S: * 4 RECENT
		S: A003 OK REPLACE completed.
		C: A004 UID REPLACE 5 Drafts (\Seen \Draft) {26}
		S: + …
		C: Subject: happy new year!
		C:
		S: * OK [APPENDUID 1002 6] …
		S: * 4 EXPUNGE
		S: * 4 EXISTS
		S: * 4 RECENT
		S: A004 OK UID REPLACE completed.
		C: A005 FETCH 1:* (UID FLAGS)
		S: * 1 FETCH (UID 1 FLAGS (\Recent))
		S: * 2 FETCH (UID 2 FLAGS (\Recent))
		S: * 3 FETCH (UID 3 FLAGS (\Recent))
		S: * 4 FETCH (UID 6 FLAGS (\Seen \Draft \Recent))
		S: A005 OK FETCH completed.`)
	require.Equal(t, "Subject: happy new year!\r\n", f.content("Drafts", 6))
}

// "REPLACE intentionally does not require the two [mailboxes] to be the same", and takes CATENATE (section 4.2).
func TestReplaceElsewhere(t *testing.T) {
	f := newFixture(t, nil)
	f.add("Drafts", "Subject: draft\n\ntext\n")
	f.box("Sent")
	f.login("Drafts").dialogue(`
		C: A011 UID REPLACE 1 Sent CATENATE (TEXT {11+}
		C: To: Mitzy
		C:  URL "/Drafts/;UID=1")
		S: * OK [APPENDUID …] …
		S: * 1 EXPUNGE
		S: A011 OK UID REPLACE completed.`)
	require.Equal(t, "To: Mitzy\r\nSubject: draft\r\n\r\ntext\r\n", f.content("Sent", 1))
}

// "When an error occurs …, the server MUST NOT leave the selected mailbox in an inconsistent state" (section 3.4).
func TestReplaceFails(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple)
	p := f.login("INBOX")
	for command, want := range map[string]string{
		"REPLACE 3 INBOX {1+}\r\nx":                "BAD",
		"REPLACE 1:2 INBOX {1+}\r\nx":              "BAD",
		"REPLACE 1,2 INBOX {1+}\r\nx":              "BAD",
		"REPLACE $ INBOX {1+}\r\nx":                "BAD",
		"UID REPLACE 9 INBOX {1+}\r\nx":            "NO [NONEXISTENT]",
		"REPLACE 1 Nowhere {1+}\r\nx":              "NO [TRYCREATE]",
		"REPLACE 1 INBOX {1+}\r\nx {1+}\r\nx":      "BAD", // no interaction with MULTIAPPEND (section 4.7)
		"REPLACE 1 INBOX {3+}\r\na\x00b":           "NO",
		"REPLACE 1 INBOX CATENATE (URL /x/;UID=1)": "NO [BADURL",
		"REPLACE 1 INBOX {99999999999}":            "NO [TOOBIG]",
	} {
		lines, status := p.try("a " + command)
		require.Contains(t, status, "a "+want, command)
		require.Empty(t, lines, command)
	}
	require.Contains(t, p.do("b STATUS INBOX (MESSAGES UIDNEXT)")[0], "(MESSAGES 2 UIDNEXT 3)")
	// Gone meanwhile.
	_, err := f.box("INBOX").Expunge(context.Background(), mail.UIDRangeSet(1, 1), nil)
	require.NoError(t, err)
	_, status := p.try("c UID REPLACE 1 INBOX {1+}\r\nx")
	require.Contains(t, status, "c NO [EXPUNGEISSUED]")
	p.do("d EXAMINE INBOX")
	_, status = p.try("e REPLACE 1 INBOX {1+}\r\nx")
	require.Contains(t, status, "e NO")
	p.do("f UNSELECT")
	_, status = p.try("g REPLACE 1 INBOX {1+}\r\nx")
	require.Contains(t, status, "g BAD No mailbox selected")
	f = newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapReplace} })
	f.add("INBOX", simple)
	_, status = f.login("INBOX").try("a REPLACE 1 INBOX {1+}\r\nx")
	require.Contains(t, status, "a BAD Unknown command")
}
