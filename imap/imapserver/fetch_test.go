package imapserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
)

// nested has the structure of RFC 9051 section 6.4.5.1's example: 1 TEXT/PLAIN, 2 APPLICATION/OCTET-STREAM, 3
// MESSAGE/RFC822 with 3.1 and 3.2, 4 MULTIPART/MIXED with 4.1 and 4.2 MESSAGE/RFC822.
const nested = `From: a@example.test
Subject: =?UTF-8?Q?Th=C6=B0?= gui
To: Team: x@example.test, y@example.test;
Content-Type: multipart/mixed; boundary=O

--O
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable
Content-Language: vi, en

Ch=C3=A0o b=E1=BA=A1n
--O
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="x.bin"
Content-Transfer-Encoding: base64

AAEC
Aw==
--O
Content-Type: message/rfc822

Subject: inner
From: b@example.test
Content-Type: multipart/alternative; boundary=I

--I

inner text
--I
Content-Type: text/html

<p>inner html
--I--
epilogue
--O
Content-Type: multipart/mixed; boundary=P

--P
Content-Type: image/gif
Content-ID: <4.1@x>

GIF
--P
Content-Type: message/rfc822

Subject: deep

deep text
--P--
--O--
`

func (p *peer) literal(command string) string {
	p.Helper()
	lines := p.do(command)
	require.NotEmpty(p, lines)
	return strings.Join(lines, "\n")
}

// RFC 9051 section 6.4.5.1: part specifiers.
func TestFetchSections(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", nested)
	p := f.login("INBOX")
	for _, test := range []struct{ section, want string }{
		{"1", "Ch=C3=A0o b=E1=BA=A1n"},
		{"2", "AAEC\nAw=="},
		{"2.MIME", "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"x.bin\"\n" +
			"Content-Transfer-Encoding: base64\n\n"},
		{"3.HEADER", "Subject: inner\nFrom: b@example.test\nContent-Type: multipart/alternative; boundary=I\n\n"},
		{"3.HEADER.FIELDS (subject)", "Subject: inner\n\n"},
		{"3.HEADER.FIELDS.NOT (subject content-type)", "From: b@example.test\n\n"},
		{"3.1", "inner text"},
		{"3.2", "<p>inner html"},
		{"3.2.MIME", "Content-Type: text/html\n\n"},
		{"4.1.MIME", "Content-Type: image/gif\nContent-ID: <4.1@x>\n\n"},
		{"4.2.HEADER", "Subject: deep\n\n"},
		{"4.2.1", "deep text"},
		{"4.2.TEXT", "deep text"},
		{"HEADER.FIELDS (From X-No)", "From: a@example.test\n\n"},
		{"HEADER.FIELDS (X-No)", "\n"},
	} {
		want := strings.ReplaceAll(test.want, "\n", "\r\n")
		got := p.literal("t UID FETCH 1 BODY.PEEK[" + test.section + "]")
		head := fmt.Sprintf("* 1 FETCH (UID 1 BODY[%s] {%d}\n", test.section, len(want))
		require.Equal(t, head+strings.ReplaceAll(want, "\r\n", "\n")+")", got)
	}
	// What isn't there is NIL.
	for _, section := range []string{"5", "1.1", "3.3", "1.HEADER", "4.2.2"} {
		require.Equal(t, "* 1 FETCH (BODY["+section+"] NIL)", p.literal("t FETCH 1 BODY.PEEK["+section+"]"))
	}
}

func TestFetchStructure(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", nested)
	p := f.login("INBOX")
	env := func(subject, from string) string {
		if from == "" {
			return `(NIL "` + subject + `" NIL NIL NIL NIL NIL NIL NIL NIL)`
		}
		a := `((NIL NIL "` + from + `" "example.test"))`
		return `(NIL "` + subject + `" ` + a + " " + a + " " + a + ` NIL NIL NIL NIL NIL)`
	}
	want := `(` +
		`("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 21 0 NIL NIL ("vi" "en") NIL)` +
		`("application" "octet-stream" NIL NIL NIL "base64" 10 NIL ("attachment" ("filename" "x.bin")) NIL NIL)` +
		`("message" "rfc822" NIL NIL NIL "7bit" 170 ` + env("inner", "b") +
		` (("text" "plain" NIL NIL NIL "7bit" 10 0 NIL NIL NIL NIL)("text" "html" NIL NIL NIL "7bit" 13 0 NIL NIL NIL NIL)` +
		` "alternative" ("boundary" "I") NIL NIL NIL) 12 NIL NIL NIL NIL)` +
		`(("image" "gif" NIL "<4.1@x>" NIL "7bit" 3 NIL NIL NIL NIL)` +
		`("message" "rfc822" NIL NIL NIL "7bit" 26 ` + env("deep", "") +
		` ("text" "plain" NIL NIL NIL "7bit" 9 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)` +
		` "mixed" ("boundary" "P") NIL NIL NIL)` +
		` "mixed" ("boundary" "O") NIL NIL NIL)`
	require.Equal(t, "* 1 FETCH (BODYSTRUCTURE "+want+")", p.literal("a FETCH 1 BODYSTRUCTURE"))
	// BODY is the same without extension data (RFC 9051 section 7.5.2).
	require.Contains(t, p.literal("b FETCH 1 BODY"), `("application" "octet-stream" NIL NIL NIL "base64" 10)`)
	// A group's name and end are marks in the list (RFC 9051 section 7.5.2).
	require.Equal(t, `* 1 FETCH (ENVELOPE (NIL "=?UTF-8?Q?Th=C6=B0?= gui" ((NIL NIL "a" "example.test")) `+
		`((NIL NIL "a" "example.test")) ((NIL NIL "a" "example.test")) ((NIL NIL "Team" NIL)(NIL NIL "x" "example.test")`+
		`(NIL NIL "y" "example.test")(NIL NIL NIL NIL)) NIL NIL NIL NIL))`, p.literal("c FETCH 1 ENVELOPE"))
}

// RFC 9051 section 6.4.5: BINARY "the result is the same … after decoding"; RFC 3516 section 4.2 for BINARY.SIZE.
func TestFetchBinary(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", nested, "Content-Transfer-Encoding: x-other\n\nbegin\n")
	p := f.login("INBOX")
	require.Equal(t, "* 1 FETCH (BINARY[2] ~{4}\n\x00\x01\x02\x03)", p.literal("a FETCH 1 BINARY.PEEK[2]"))
	require.Equal(t, "* 1 FETCH (BINARY[2]<1> {2}\n\x01\x02)", p.literal("b FETCH 1 BINARY.PEEK[2]<1.2>"))
	require.Equal(t, "* 1 FETCH (BINARY[1] {11}\nChào bạn)", p.literal("c FETCH 1 BINARY.PEEK[1]"))
	require.Equal(t, "* 1 FETCH (BINARY.SIZE[2] 4 BINARY.SIZE[9] 0)", p.literal("d FETCH 1 (BINARY.SIZE[2] BINARY.SIZE[9])"))
	_, status := p.try("e FETCH 2 BINARY.PEEK[1]")
	require.Equal(t, "e NO [UNKNOWN-CTE] Content-Transfer-Encoding is not known.", status)
	_, status = p.try("f FETCH 1 BINARY[1.MIME]")
	require.Contains(t, status, "f BAD ")
}

func TestFetchItems(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, nested, simple)
	p := f.login("INBOX")
	p.dialogue(`
		RFC 9051 section 6.4.5: FAST is "FLAGS INTERNALDATE RFC822.SIZE", ALL has ENVELOPE too.
		C: a FETCH 1 FAST
		S: * 1 FETCH (FLAGS (\Recent) INTERNALDATE " 1-Mar-2026 12:00:00 +0700" RFC822.SIZE 320)
		S: a OK FETCH completed.
		C: b FETCH 1 ALL
		S: * 1 FETCH (FLAGS (\Recent) INTERNALDATE … RFC822.SIZE 320 ENVELOPE (…))
		S: b OK FETCH completed.
		C: c FETCH 3:2 (UID)
		S: * 2 FETCH (UID 2)
		S: * 3 FETCH (UID 3)
		S: c OK FETCH completed.
		C: d UID FETCH 2:* (FLAGS)
		S: * 2 FETCH (UID 2 FLAGS (\Recent))
		S: * 3 FETCH (UID 3 FLAGS (\Recent))
		S: d OK UID FETCH completed.
		"a UID range of 559:* always includes the UID of the last message in the mailbox, even if 559 is higher"
		C: e UID FETCH 559:* UID
		S: * 3 FETCH (UID 3)
		S: e OK UID FETCH completed.
		"A non-existent unique identifier is ignored without any error message generated."
		C: f UID FETCH 77 UID
		S: f OK UID FETCH completed.
		"The server should respond with a tagged BAD response to a command that uses a message sequence number greater than
		the number of messages in the selected mailbox."
		C: g FETCH 4 UID
		S: g BAD No message with that number
		C: h FETCH 0 UID
		S: h BAD [PARSE] Number must not be zero
		C: i FETCH 1 (UID FOO)
		S: i BAD [PARSE] Unknown data item "FOO"
		C: j FETCH 1 BODY[1.FOO]
		S: j BAD [PARSE] Bad section
		C: k FETCH 1 BODY[]<0.0>
		S: k BAD [PARSE] Number must not be zero
		C: l FETCH 1
		S: l BAD [PARSE] Space expected before end of line
		C: m FETCH  1 UID
		S: m BAD [PARSE] Number expected before " 1 UID"
		C: o FETCH 1 (RFC822.HEADER RFC822.SIZE)
		S: * 1 FETCH (RFC822.HEADER {265}
		S: Date: …
		S: From: …
		S: Subject: …
		S: To: …
		S: Message-Id: …
		S: MIME-Version: …
		S: Content-Type: …
		S:
		S:  RFC822.SIZE 320)
		S: o OK FETCH completed.
		C: p FETCH 1 RFC822.TEXT
		S: * 1 FETCH (RFC822.TEXT {55}
		S: Hello …
		S:  FLAGS (\Seen \Recent))
		S: p OK FETCH completed.
		RFC 9051 section 6.4.5, partial: beyond the end it is empty.
		C: q FETCH 1 (BODY[TEXT]<6.3> BODY[TEXT]<100.3>)
		S: * 1 FETCH (BODY[TEXT]<6> {3}
		S: Joe BODY[TEXT]<100> {0}
		S: )
		S: q OK FETCH completed.`)
	_, status := p.try("r FETCH 1 UID ")
	require.Equal(t, `r BAD [PARSE] "(" expected before end of line`, status)
}

// A store that keeps no index is served all the same.
func TestFetchHeaderLimits(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: a\n b\nX-Bad line without colon\nSUBJECT : c\nTo: d\n\nSubject: not me\n", "Subject: no end")
	p := f.login("INBOX")
	require.Equal(t, "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {31}\nSubject: a\n b\nSUBJECT : c\n\n)",
		p.literal("a FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
	require.Equal(t, "* 2 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {19}\nSubject: no end\n\n)",
		p.literal("b FETCH 2 BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
	require.Equal(t, "* 1 FETCH (BODY[HEADER.FIELDS (\"a\\\"b\")]<0> {1}\n\r)",
		p.literal("c FETCH 1 BODY.PEEK[HEADER.FIELDS (\"a\\\"b\")]<0.1>"))
}

// RFC 7162 section 3.1.4.
func TestFetchChangedSince(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	f.add("INBOX", simple)
	f.login("INBOX").dialogue(`
		C: a FETCH 1:2 (FLAGS) (CHANGEDSINCE 2)
		S: * OK [HIGHESTMODSEQ 3] Highest.
		S: * 2 FETCH (FLAGS (\Recent) MODSEQ (3))
		S: a OK FETCH completed.
		C: b FETCH 1 (MODSEQ)
		S: * 1 FETCH (MODSEQ (2))
		S: b OK FETCH completed.
		C: c UID FETCH 1 (FLAGS) (CHANGEDSINCE 2 VANISHED)
		S: c BAD Unknown FETCH modifier
		C: d FETCH 1 (FLAGS) (FOO)
		S: d BAD Unknown FETCH modifier`)
}

// RFC 8474 and RFC 8514.
func TestObjectIDAndSaveDate(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple)
	p := f.login("INBOX")
	lines := p.do("a FETCH 1:2 (EMAILID THREADID SAVEDATE)")
	require.True(t, like(`* 1 FETCH (EMAILID (…) THREADID (T…) SAVEDATE " 1-Mar-2026 12:00:00 +0700")`, lines[0]), lines[0])
	_, id, _ := strings.Cut(lines[1], "(EMAILID (")
	id, _, _ = strings.Cut(id, ")")
	require.Equal(t, []string{"* SEARCH 2"}, p.do("b SEARCH EMAILID "+id))
	// "The server MUST return the same EMAILID as the source message for the matching destination message in the COPYUID
	// pairing" (RFC 8474 section 5.1).
	p.do("c COPY 2 INBOX")
	require.Equal(t, []string{"* SEARCH 2 3"}, p.do("d SEARCH EMAILID "+id))
	require.Equal(t, []string{"* SEARCH"}, p.do("e SEARCH THREADID x"))
	// "The server MUST return the same THREADID for all messages with the same EMAILID", and "SHOULD return the same THREADID
	// for related messages, even if they are in different mailboxes" (section 5.2).
	f.add("Other", "Message-ID: <new@x>\nReferences: <B27397-0100000@Blurdybloop.example> <y@x>\n\n", "In-Reply-To: <B27397-0100000@Blurdybloop.example>\n\n",
		"Message-ID: <new@x>\n\n", "\n", "\n")
	_, thread, _ := strings.Cut(lines[0], "THREADID (")
	thread, _, _ = strings.Cut(thread, ")")
	require.Equal(t, []string{"* SEARCH 1 2 3"}, p.do("e SEARCH THREADID "+thread))
	q := f.login("Other")
	require.Equal(t, []string{"* SEARCH 1 2"}, q.do("e SEARCH THREADID "+thread))
	own := q.do("e FETCH 3:5 THREADID")
	require.NotEqual(t, own[1][len("* 4"):], own[2][len("* 5"):]) // nothing tells them to be related
	require.Equal(t, []string{"* SEARCH 1 2 3"}, p.do("f SEARCH SAVEDON 1-Mar-2026 SAVEDATESUPPORTED"))
	require.Equal(t, []string{"* SEARCH"}, p.do("g SEARCH OR SAVEDBEFORE 1-Mar-2026 SAVEDSINCE 2-Mar-2026"))
	require.Equal(t, []string{"* STATUS INBOX (MAILBOXID (box-1))"}, p.do("h STATUS INBOX (MAILBOXID)"))
	_, status := p.try("i SEARCH EMAILID a.b")
	require.Equal(t, "i BAD [PARSE] Bad object identifier", status)
}

// RFC 6855 section 3: UTF-8 stands in quoted strings once the client has said that it knows it; before that it is a literal.
// RFC 9051 section 7.5.2: a parameter that came in RFC 2231's form is named with "*".
func TestFetchUTF8(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: Thư gửi\nContent-Type: text/plain; name*=utf-8''%C3%A9.txt\n\nx\n")
	p := f.login("INBOX")
	require.Equal(t, []string{"* 1 FETCH (ENVELOPE (NIL {10}", "Thư gửi NIL NIL NIL NIL NIL NIL NIL NIL))"}, p.do("a FETCH 1 ENVELOPE"))
	require.Equal(t, []string{`* 1 FETCH (BODYSTRUCTURE ("text" "plain" ("name*" {6}`, `é.txt) NIL NIL "7bit" 3 1 NIL NIL NIL NIL))`},
		p.do("b FETCH 1 BODYSTRUCTURE"))
	p.do("c ENABLE UTF8=ACCEPT")
	require.Equal(t, []string{`* 1 FETCH (ENVELOPE (NIL "Thư gửi" NIL NIL NIL NIL NIL NIL NIL NIL))`}, p.do("d FETCH 1 ENVELOPE"))
}

// A message that was marked \Seen by the fetch itself is told once, together with its body.
func TestFetchSetsSeen(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p := f.login("INBOX")
	p.do(`a STORE 2 +FLAGS.SILENT (\Seen)`)
	p.dialogue(`
		C: b FETCH 1:2 (UID BODY[TEXT]<0.5>)
		S: * 1 FETCH (UID 1 BODY[TEXT]<0> {5}
		S: Hello FLAGS (\Seen \Recent))
		S: * 2 FETCH (UID 2 BODY[TEXT]<0> {5}
		S: Hello)
		S: b OK FETCH completed.
		C: c FETCH 3 (FLAGS BODY[TEXT]<0.5>)
		S: * 3 FETCH (FLAGS (\Seen \Recent) BODY[TEXT]<0> {5}
		S: Hello)
		S: c OK FETCH completed.
		C: d NOOP
		S: d OK NOOP completed.`)
}

// A structure that package mime could not read is valid syntax all the same, and a store without an index is served.
func TestFetchDamaged(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Store = noIndex{s.Store} })
	f.add("INBOX", "", "\n", "no header at all", "Content-Type: multipart/mixed\n\nno boundary", "Content-Type: message/rfc822\n\n",
		"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=x\n\n--x--", "From: <\nTo: @,;:\nSubject\n: x\n\n\x00")
	p := f.login("INBOX")
	lines := p.do("a FETCH 1:* (ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[1] BODY.PEEK[HEADER])")
	require.NotEmpty(t, lines)
	text := strings.Join(lines, "\n")
	for i := range 7 {
		require.Contains(t, text, fmt.Sprintf("* %d FETCH (ENVELOPE (", i+1))
	}
	require.Equal(t, strings.Count(text, "("), strings.Count(text, ")"))
}

// A part's number is any nz-number; the answer names it as it was asked for.
func TestFetchHighPart(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	f.login("INBOX").dialogue(`
		C: a FETCH 1 BODY.PEEK[4294967295]
		S: * 1 FETCH (BODY[4294967295] NIL)
		S: a OK FETCH completed.
		C: b FETCH 1 BODY.PEEK[4294967296]
		S: b BAD [PARSE] Number expected before "4294967296]"`)
}
