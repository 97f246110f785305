package imapserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// RFC 8970 sections 3 and 4.
func TestPreview(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, "Subject: nothing\n\n", "Content-Type: text/plain; charset=utf-8\n\n"+strings.Repeat("Thư đến. ", 100)+"\n",
		"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n")
	p := f.login("INBOX")
	require.Equal(t, []string{`* 1 FETCH (RFC822.SIZE 320 PREVIEW "Hello Joe, do you think we can meet at 3:30 tomorrow?")`}, p.do("a FETCH 1 (RFC822.SIZE PREVIEW)"))
	// "In such cases, the server MUST return a zero-length string."
	require.Equal(t, []string{`* 2 FETCH (PREVIEW "")`}, p.do("b FETCH 2 PREVIEW"))
	require.Equal(t, []string{`* 4 FETCH (PREVIEW "")`}, p.do("b FETCH 4 PREVIEW (LAZY)"))
	// "The server MUST NOT output preview text longer than 256 preview characters", in UTF-8.
	lines := p.do("c FETCH 3 PREVIEW")
	require.True(t, strings.HasPrefix(lines[0], "* 3 FETCH (PREVIEW {"), lines[0])
	require.Contains(t, lines[1], "Thư đến.")
	require.LessOrEqual(t, len([]rune(lines[1])), 256)
	// The flag \Seen stays as it is.
	require.Equal(t, []string{`* 1 FETCH (FLAGS (\Recent))`}, p.do("d FETCH 1 FLAGS"))
}

// Items of extensions that have been taken away are unknown.
func TestItemsTakenAway(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) {
		s.Without = []imap.Capability{imap.CapPreview, imap.CapBinary, imap.CapObjectID, imap.CapSaveDate, imap.CapCondStore}
	})
	f.add("INBOX", simple)
	p := f.login("INBOX")
	for _, item := range []string{"PREVIEW", "PREVIEW (LAZY)", "BINARY.PEEK[1]", "BINARY.SIZE[1]", "EMAILID", "THREADID", "SAVEDATE", "MODSEQ"} {
		_, status := p.try("a FETCH 1 (" + item + ")")
		require.Contains(t, status, "a BAD", item)
	}
}

// A literal never holds NUL (RFC 9051 section 4.3): BODY[] shows it as the octet 0x80, BINARY[] as it is, in a literal8.
func TestNULInMessages(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.do("a APPEND INBOX ~{49+}\r\nContent-Type: image/png\r\nX-Nul: \x00\r\n\r\nabc\x00defghi\r\n")
	p.do("b SELECT INBOX")
	lines := strings.Join(p.do("c FETCH 1 (BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (X-Nul)] BINARY.PEEK[1] BODY.PEEK[1]<3.1>)"), "\r\n")
	require.Contains(t, lines, "BODY[] {49}\r\nContent-Type: image/png\r\nX-Nul: \x80\r\n\r\nabc\x80defghi\r\n")
	require.Contains(t, lines, "BODY[HEADER.FIELDS (X-Nul)] {12}\r\nX-Nul: \x80\r\n\r\n")
	require.Contains(t, lines, "BINARY[1] ~{12}\r\nabc\x00defghi\r\n")
	require.Contains(t, lines, "BODY[1]<3> {1}\r\n\x80")
}
