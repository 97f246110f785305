package imapserver_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// content returns a message of one of alice's mailboxes.
func (f *fixture) content(box string, uid mail.UID) string {
	f.Helper()
	b := f.box(box)
	defer b.Close()
	body, err := b.OpenBody(context.Background(), uid)
	require.NoError(f, err)
	defer body.Close()
	all, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	require.NoError(f, err)
	return string(all)
}

// The first example of RFC 4469: an attachment is replaced without its being downloaded.
func TestCatenate(t *testing.T) {
	f := newFixture(t, nil)
	f.add("Drafts", "Subject: two parts\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: application/zip\n\nzip\n--b--\n", simple)
	p := f.login("")
	state, err := f.box("Drafts").State(context.Background())
	require.NoError(t, err)
	v := state.UIDValidity
	p.dialogue(fmt.Sprintf(`
		C: A003 APPEND Drafts (\Seen \Draft $MDNSent) CATENATE (URL "/Drafts;UIDVALIDITY=%[1]d/;UID=1/;section=HEADER" TEXT {7}
		S: + …
		C:
		C: --b
		C:  URL "/Drafts;UIDVALIDITY=%[1]d/;UID=1/;section=1.MIME" URL "/Drafts;UIDVALIDITY=%[1]d/;UID=1/;section=1" TEXT {7+}
		C:
		C: --b
		C:  URL "/Drafts;UIDVALIDITY=%[1]d/;UID=2" TEXT {9}
		S: + …
		C:
		C: --b--
		C: )
		S: A003 OK [APPENDUID %[1]d 3] APPEND completed.`, v))
	want := "Subject: two parts\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n" +
		strings.ReplaceAll(simple, "\n", "\r\n") + "\r\n--b--\r\n"
	require.Equal(t, want, f.content("Drafts", 3))
	// "The APPEND command does not cause the \Seen flag to be set for any catenated body part."
	p.do("s SELECT Drafts")
	require.Contains(t, p.do("f FETCH 1:3 FLAGS")[0], "FLAGS (")
	require.NotContains(t, p.do("f FETCH 1:2 FLAGS")[0], `\Seen`)
	require.Contains(t, p.do("f FETCH 3 FLAGS")[0], `\Seen \Draft`)
}

// Relative URLs, ranges (RFC 5550 section 5.7.1), several messages in one command (RFC 3502), UTF8 parts (RFC 6855 section 4).
func TestCatenateForms(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: a\n\n0123456789\n")
	p := f.login("INBOX")
	_, status := p.try("a APPEND INBOX CATENATE (TEXT {14+}\r\nSubject: b\r\n\r\n URL ;UID=1/;SECTION=TEXT/;PARTIAL=3.4 URL \";UID=1/;SECTION=HEADER.FIELDS%20(subject)\") " +
		"(\\Flagged) CATENATE (URL /INBOX/;UID=1) {15+}\r\nSubject: c\r\n\r\nx")
	require.Contains(t, status, "a OK [APPENDUID 1001 2:4]")
	require.Equal(t, "Subject: b\r\n\r\n3456Subject: a\r\n\r\n", f.content("INBOX", 2))
	require.Equal(t, f.content("INBOX", 1), f.content("INBOX", 3))
	require.Equal(t, "Subject: c\r\n\r\nx", f.content("INBOX", 4))

	_, status = p.try("b APPEND INBOX CATENATE (UTF8 (~{15+}\r\nSubject: \xc3\xa4\r\n\r\n))")
	require.Contains(t, status, "b BAD UTF8=ACCEPT has not been enabled")
	p.do("c ENABLE UTF8=ACCEPT")
	_, status = p.try("d APPEND INBOX CATENATE (UTF8 (~{15+}\r\nSubject: \xc3\xa4\r\n\r\n) TEXT {1+}\r\nx)")
	require.Contains(t, status, "d OK")
	require.Equal(t, "Subject: ä\r\n\r\nx", f.content("INBOX", 5))
}

// RFC 4469 section 4.1: "The BADURL response code contains the first URL specified as a parameter to the APPEND command that
// has caused the operation to fail." Nothing is added, and the session goes on.
func TestCatenateBadURL(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	p := f.login("")
	for _, url := range []string{"/INBOX/;UID=2", "/INBOX;UIDVALIDITY=9/;UID=1", "/Nowhere/;UID=1", "/INBOX/;UID=1/;SECTION=5", "/INBOX", ";UID=1",
		"imap://alice@host/INBOX/;UID=1", "/INBOX/;UID=1;URLAUTH=anonymous", "http://x/y", "rubbish]\\", "/INBOX/;UID=x"} {
		_, status := p.try(`a APPEND INBOX CATENATE (URL /INBOX/;UID=1 URL "` + strings.ReplaceAll(url, `\`, `\\`) + `" TEXT {3+}` + "\r\nabc)")
		require.Contains(t, status, "a NO [BADURL "+strings.NewReplacer("]", "%5D", `\`, "%5C").Replace(url)+"] ", url)
	}
	_, status := p.try(`b APPEND Nowhere CATENATE (URL /INBOX/;UID=1)`)
	require.Contains(t, status, "b NO [TRYCREATE]")
	require.Contains(t, p.do("c STATUS INBOX (MESSAGES)")[0], "MESSAGES 1")
	for _, bad := range []string{"CATENATE ()", "CATENATE (FILE x)", "CATENATE (URL)", "CATENATE (TEXT {1+}\r\nx", "CATENATE TEXT", "CATENATE (TEXT abc)"} {
		_, status := p.try("d APPEND INBOX " + bad)
		require.Contains(t, status, "d BAD", bad)
	}
	require.Contains(t, p.do("e STATUS INBOX (MESSAGES)")[0], "MESSAGES 1")
}

// RFC 4469 section 4.2: TOOBIG, before a literal is asked for.
func TestCatenateTooBig(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.MessageSize = 500 })
	f.add("INBOX", simple)
	p := f.login("")
	_, status := p.try("a APPEND INBOX CATENATE (URL /INBOX/;UID=1 URL /INBOX/;UID=1)")
	require.Contains(t, status, "a NO [TOOBIG]")
	_, status = p.try("b APPEND INBOX CATENATE (URL /INBOX/;UID=1 TEXT {200}")
	require.Contains(t, status, "b NO [TOOBIG]")
	_, status = p.try("c APPEND INBOX CATENATE (URL /INBOX/;UID=1 TEXT {200+}\r\n" + strings.Repeat("x", 200) + ")")
	require.Contains(t, status, "c NO [TOOBIG]")
	p.do("d NOOP")
}

func TestCatenateTakenAway(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapCatenate} })
	p := f.login("")
	_, status := p.try("a APPEND INBOX CATENATE (URL /INBOX/;UID=1)")
	require.Contains(t, status, "a BAD")
	f = newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapURLPartial} })
	f.add("INBOX", simple)
	_, status = f.login("").try("a APPEND INBOX CATENATE (URL /INBOX/;UID=1/;PARTIAL=0.5)")
	require.Contains(t, status, "a NO [BADURL ")
}

// "If an IMAP server supports UTF8=ACCEPT and the IMAP client has not issued the ENABLE UTF8=ACCEPT command, the server MUST
// reject, with a NO response, an APPEND command that includes any 8-bit character in message header fields" (RFC 6855 section 4).
func TestAppend8BitHeader(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	_, status := p.try("a APPEND INBOX {13+}\r\nSubject: \xc3\xa4\r\n")
	require.Contains(t, status, "a NO [CANNOT]")
	_, status = p.try("b APPEND INBOX CATENATE (TEXT {13+}\r\nSubject: \xc3\xa4\r\n)")
	require.Contains(t, status, "b NO [CANNOT]")
	p.do("c APPEND INBOX {14+}\r\nSubject: a\r\n\r\n")
	p.do("d APPEND INBOX {16+}\r\nSubject: a\r\n\r\n\xc3\xa4")
	p.do("e APPEND INBOX {4+}\r\n\r\n\xc3\xa4")
	p.do("f ENABLE UTF8=ACCEPT")
	p.do("g APPEND INBOX UTF8 (~{13+}\r\nSubject: \xc3\xa4\r\n)")
	f = newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapUTF8Accept} })
	f.login("").do("a APPEND INBOX {13+}\r\nSubject: \xc3\xa4\r\n")
}
