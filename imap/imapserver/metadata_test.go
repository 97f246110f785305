package imapserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
)

// RFC 5464 section 4.2 and 4.3, with their examples.
func TestMetadata(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Admin = "mailto:postmaster@example.org" })
	p := f.login("")
	require.Contains(t, p.do("a CAPABILITY")[0], " METADATA LIST-METADATA")
	p.dialogue(`
		C: a SETMETADATA "" (/shared/comment "Shared comment")
		S: a OK SETMETADATA completed.
		C: b GETMETADATA "" /shared/comment
		S: * METADATA "" (/shared/comment "Shared comment")
		S: b OK GETMETADATA completed.
		C: c SETMETADATA INBOX (/private/comment {38+}
		C: My new comment across
		C: two more lines.)
		S: c OK SETMETADATA completed.
		C: d GETMETADATA "INBOX" (/shared/comment /private/comment)
		S: * METADATA INBOX (/private/comment {38}
		S: My new comment across
		S: two more lines. /shared/comment NIL)
		S: d OK GETMETADATA completed.
		"Entry names are case-insensitive."
		C: e SETMETADATA INBOX (/PRIVATE/Comment "My own comment" /shared/comment "Its sunny outside!")
		S: e OK SETMETADATA completed.
		C: f GETMETADATA INBOX (/shared/comment /private/comment)
		S: * METADATA INBOX (/private/comment "My own comment" /shared/comment "Its sunny outside!")
		S: f OK GETMETADATA completed.
		Section 4.2.1: "If there are any entries with values larger than the MAXSIZE limit, the server MUST include the METADATA
		LONGENTRIES response code"
		C: g GETMETADATA "INBOX" (MAXSIZE 15) (/shared/comment /private/comment)
		S: * METADATA INBOX (/private/comment "My own comment")
		S: g OK [METADATA LONGENTRIES 18] GETMETADATA completed.
		C: h GETMETADATA (MAXSIZE 0) INBOX (/shared/comment /private/comment)
		S: h OK [METADATA LONGENTRIES 18] GETMETADATA completed.
		"Clients can use NIL for the value of entries it wants to remove."
		C: i SETMETADATA INBOX (/private/comment NIL)
		S: i OK SETMETADATA completed.
		C: j GETMETADATA INBOX /private/comment
		S: * METADATA INBOX (/private/comment NIL)
		S: j OK GETMETADATA completed.
		C: k GETMETADATA nowhere /private/comment
		S: k NO [NONEXISTENT] Mailbox does not exist.
		C: l SETMETADATA nowhere (/private/comment "x")
		S: l NO [NONEXISTENT] Mailbox does not exist.
		Section 3.2: "Invalid entry names result in a BAD response in any IMAP command in which they are used."
		C: m SETMETADATA INBOX ("/private/comment/*" "x")
		S: m BAD [PARSE] Bad entry name
		Section 3.2.1.1: /shared/admin "is always read-only -- clients cannot change it".
		C: n GETMETADATA "" /shared/admin
		S: * METADATA "" (/shared/admin "mailto:postmaster@example.org")
		S: n OK GETMETADATA completed.
		C: o SETMETADATA "" (/shared/admin "mailto:me@example.org")
		S: o NO [NOPERM] Entry can't be changed.
		C: q SETMETADATA INBOX (/private/comment "x" /private/comment NIL)
		S: q BAD Entry is named twice`)
}

// RFC 5464 section 4.2.2: ""depth 1" for an entry "/a" will match "/a" as well as its children entries (e.g., "/a/b"), but will not
// match grandchildren entries".
func TestMetadataDepth(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.do(`a SETMETADATA INBOX (/private/a "0" /private/a/b "1" /private/a/b/c "2" /private/ab "x" /shared/a "y")`)
	for depth, want := range map[string]string{
		"(DEPTH 0) ":        `(/private/a "0")`,
		"":                  `(/private/a "0")`,
		"(DEPTH 1) ":        `(/private/a "0" /private/a/b "1")`,
		"(DEPTH infinity) ": `(/private/a "0" /private/a/b "1" /private/a/b/c "2")`,
	} {
		require.Equal(t, []string{"* METADATA INBOX " + want}, p.do("b GETMETADATA "+depth+"INBOX /private/a"), depth)
	}
	require.Empty(t, p.do("c GETMETADATA (DEPTH 1) INBOX /shared/nothing"))
	require.Contains(t, p.do("d GETMETADATA (DEPTH infinity) INBOX /shared")[0], `/shared/a "y"`)
}

// RFC 5464 section 4.3: "[METADATA MAXSIZE NNN]", "[METADATA TOOMANY]", and "When any one annotation fails to be set … the server MUST
// NOT change the values for other annotations specified in the SETMETADATA command"; section 4.1: "the server MUST accept an
// annotation data size of at least 1024 bytes".
func TestMetadataLimits(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.Annotation = 5000 })
	p := f.login("")
	set := func(tag string, n int) string {
		_, status := p.try(tag + ` SETMETADATA INBOX (/private/first "x" /private/big "` + strings.Repeat("y", n) + `")`)
		return status
	}
	require.Equal(t, "a NO [METADATA MAXSIZE 5000] Annotation too large.", set("a", 5001))
	require.Equal(t, "b NO [METADATA MAXSIZE 1024] Annotation too large.", set("b", imaptest.MaxAnnotation+1))
	require.Equal(t, []string{"* METADATA INBOX (/private/first NIL)"}, p.do("c GETMETADATA INBOX /private/first"))
	require.Equal(t, "d OK SETMETADATA completed.", set("d", 1024))
	var many strings.Builder
	for i := range imaptest.MaxAnnotations {
		many.WriteString(" /shared/x" + strings.Repeat("x", i) + ` "v"`)
	}
	_, status := p.try("e SETMETADATA INBOX (" + many.String()[1:] + ")")
	require.Equal(t, "e NO [METADATA TOOMANY] Too many annotations.", status)
	require.Equal(t, []string{"* METADATA INBOX (/shared/x NIL)"}, p.do("f GETMETADATA INBOX /shared/x"))
}

// RFC 9590 section 3: each LIST response is followed by one with the mailbox's annotations, NIL where there are none.
func TestListMetadata(t *testing.T) {
	f := newFixture(t, nil)
	f.box("foo")
	p := f.login("")
	p.do(`a SETMETADATA INBOX (/shared/vendor/cmu/cyrus-imapd/color "#b71c1c")`)
	p.dialogue(`
		C: b LIST "" % RETURN (METADATA ("/shared/vendor/cmu/cyrus-imapd/color"))
		S: * LIST (\HasNoChildren) "/" INBOX
		S: * METADATA INBOX (/shared/vendor/cmu/cyrus-imapd/color "#b71c1c")
		S: * LIST (\HasNoChildren) "/" foo
		S: * METADATA foo (/shared/vendor/cmu/cyrus-imapd/color NIL)
		S: b OK LIST completed.`)
}

// RFC 5464 section 3.1: "support for only server annotations".
func TestMetadataServer(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = append(s.Without, "METADATA") })
	p := f.login("")
	require.Contains(t, p.do("a CAPABILITY")[0], " METADATA-SERVER")
	require.NotContains(t, p.do("a CAPABILITY")[0], "LIST-METADATA")
	p.dialogue(`
		C: b SETMETADATA "" (/shared/comment "x")
		S: b OK SETMETADATA completed.
		C: c GETMETADATA INBOX /shared/comment
		S: c NO [CANNOT] Only the server has annotations.`)
	f = newFixture(t, func(s *imapserver.Server) { s.Without = append(s.Without, "METADATA", "METADATA-SERVER") })
	p = f.login("")
	require.NotContains(t, p.do("a CAPABILITY")[0], "METADATA")
	_, status := p.try(`b GETMETADATA "" /shared/comment`)
	require.Equal(t, "b BAD Unknown command", status)
}
