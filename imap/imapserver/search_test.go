package imapserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// searchable are five messages with something to tell apart in each.
func searchable(f *fixture) {
	f.add("INBOX",
		"Date: Mon, 7 Feb 1994 21:52:25 -0800\nFrom: \"Smith, John\" <smith@example.test>\nTo: fred@example.test\nSubject: budget\n\nsee the PROPOSAL\n",
		"Date: Sun, 1 Mar 2026 01:00:00 +0700\nFrom: =?UTF-8?B?VHLhuqduIFbEg24=?= <tran@example.test>\nCc: bob@example.test\nSubject: =?UTF-8?Q?Th=C6=B0_g=E1=BB=ADi?=\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nWGluIGNow6BvIGLhuqFu\n",
		"From: x@example.test\nBcc: hidden@example.test\nX-Empty:\nSubject: folded\n subject\n\n"+strings.Repeat("filler line\n", 5000)+"needle at the end\n",
		"Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9\n--B\nContent-Type: application/octet-stream\n\nnot text: proposal\n--B\nContent-Type: message/rfc822\n\nSubject: attached one\n\nattached body\n--B--\n",
		"Subject: plain\n\nnothing\n")
}

func TestSearch(t *testing.T) {
	f := newFixture(t, nil)
	searchable(f)
	p := f.login("INBOX")
	p.do(`a STORE 1 +FLAGS (\Seen \Answered $Work)`)
	p.do(`a STORE 2 +FLAGS (\Flagged \Draft)`)
	p.do(`a STORE 3 +FLAGS (\Deleted)`)
	p.do(`a UID FETCH 5 BODY[]`)
	for _, test := range []struct{ key, want string }{
		{"ALL", " 1 2 3 4 5"},
		{"ANSWERED", " 1"}, {"UNANSWERED", " 2 3 4 5"},
		{"DELETED", " 3"}, {"UNDELETED", " 1 2 4 5"},
		{"DRAFT", " 2"}, {"UNDRAFT", " 1 3 4 5"},
		{"FLAGGED", " 2"}, {"UNFLAGGED", " 1 3 4 5"},
		{"SEEN", " 1 5"}, {"UNSEEN", " 2 3 4"},
		{"KEYWORD $work", " 1"}, {"UNKEYWORD $Work", " 2 3 4 5"},
		{"RECENT", " 1 2 3 4 5"}, {"NEW", " 2 3 4"}, {"OLD", ""},
		{"2:3", " 2 3"}, {"5:*", " 5"}, {"99", ""}, {"UID 4:*", " 4 5"}, {"UID 99:*", " 5"},
		{"NOT 2:3", " 1 4 5"}, {"OR 1 (4:5 UNSEEN)", " 1 4"}, {"NOT (NOT 1)", " 1"},
		{"FROM smith", " 1"}, {"FROM \"smith, j\"", " 1"}, {"FROM @EXAMPLE.test", " 1 2 3"},
		{"FROM tran@example.test", " 2"}, {"TO fred", " 1"}, {"CC BOB", " 2"}, {"BCC hidden", " 3"},
		{"SUBJECT budget", " 1"}, {"SUBJECT \"folded subject\"", " 3"}, {"SUBJECT attached", ""},
		// "If the string to search is zero-length, this matches all messages that have a header field with the specified
		// field name regardless of the contents." (RFC 9051 section 6.4.4)
		{"HEADER X-Empty \"\"", " 3"}, {"HEADER Subject PLAIN", " 5"}, {"HEADER CC \"\"", " 2"},
		{"BODY proposal", " 1"}, {"BODY budget", ""}, {"TEXT budget", " 1"}, {"BODY needle", " 3"},
		{"TEXT \"attached one\"", " 4"}, {"BODY \"attached body\"", " 4"}, {"BODY \"\"", " 1 2 3 4 5"},
		{"LARGER 50000", " 3"}, {"SMALLER 40", " 5"},
		{"SENTBEFORE 1-Jan-2000", " 1"}, {"SENTON 1-Mar-2026", " 2"}, {"SENTSINCE 8-Feb-1994", " 2"},
		{"BEFORE 1-Mar-2026", ""}, {"ON \"1-Mar-2026\"", " 1 2 3 4 5"}, {"SINCE 2-Mar-2026", ""},
		// RFC 5032
		{"YOUNGER 10", " 1 2 3 4 5"}, {"OLDER 10", ""},
		{"UNSEEN UNFLAGGED BODY needle", " 3"},
	} {
		require.Equal(t, []string{"* SEARCH" + test.want}, p.do("s SEARCH "+test.key), "%s", test.key)
	}
	// Text in charsets and encodings, and arguments as literals.
	for key, want := range map[string]string{
		"CHARSET UTF-8 FROM {13+}\r\ntrần VĂN": " 2",
		"SUBJECT {9+}\r\nthƯ GỬI":              " 2",
		"CHARSET utf-8 BODY {11+}\r\nCHÀO BẠN": " 2",
		"BODY \"cafe\u0301\"":                  " 4",
		"TEXT \"CAFÉ\"":                        " 4",
	} {
		key = fixLiteral(key)
		require.Equal(t, []string{"* SEARCH" + want}, p.do("s SEARCH "+key), "%s", key)
	}
	p.dialogue(`
		C: a SEARCH CHARSET KOI8-R TEXT x
		S: a NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset.
		C: b SEARCH FOO
		S: b BAD [PARSE] Unknown search key "FOO"
		C: c SEARCH ()
		S: c BAD [PARSE] Search key expected
		C: d SEARCH ON 99-Foo-2000
		S: d BAD [PARSE] Bad date
		C: e SEARCH OR 1
		S: e BAD …
		C: f UID SEARCH UNSEEN
		S: * SEARCH 2 3 4
		S: f OK UID SEARCH completed.`)
}

// fixLiteral puts the right size into a command's literal.
func fixLiteral(s string) string {
	head, rest, ok := strings.Cut(s, "{")
	if !ok {
		return s
	}
	_, content, _ := strings.Cut(rest, "\r\n")
	return head + "{" + itoa(len(content)) + "+}\r\n" + content
}

// RFC 4731 section 3.1 and RFC 5182 section 2.1.
func TestESearch(t *testing.T) {
	f := newFixture(t, nil)
	searchable(f)
	p := f.login("INBOX")
	p.do(`a STORE 3 +FLAGS (\Deleted)`)
	p.dialogue(`
		C: a SEARCH RETURN (MIN COUNT) UNDELETED
		S: * ESEARCH (TAG "a") MIN 1 COUNT 4
		S: a OK SEARCH completed.
		C: b UID SEARCH RETURN () UNDELETED
		S: * ESEARCH (TAG "b") UID ALL 1:2,4:5
		S: b OK UID SEARCH completed.
		C: c SEARCH RETURN (MIN MAX ALL COUNT) FLAGGED
		S: * ESEARCH (TAG "c") COUNT 0
		S: c OK SEARCH completed.
		C: d SEARCH RETURN (SAVE) 2:4
		S: d OK SEARCH completed.
		C: e FETCH $ UID
		S: * 2 FETCH (UID 2)
		S: * 3 FETCH (UID 3)
		S: * 4 FETCH (UID 4)
		S: e OK FETCH completed.
		C: f UID SEARCH RETURN (SAVE MIN MAX) UID $ UNDELETED
		S: * ESEARCH (TAG "f") UID MIN 2 MAX 4
		S: f OK UID SEARCH completed.
		C: g SEARCH $
		S: * SEARCH 2 4
		S: g OK SEARCH completed.
		C: h SEARCH RETURN (SAVE) CHARSET X-NO ALL
		S: h NO [BADCHARSET …
		C: i SEARCH $
		S: * SEARCH
		S: i OK SEARCH completed.
		C: j SEARCH RETURN (FOO) ALL
		S: j BAD [PARSE] Unknown RETURN option "FOO"`)
}

// RFC 7162 section 3.1.5 and RFC 4731 section 3.2.
func TestSearchModSeq(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	f.add("INBOX", simple)
	f.add("INBOX", simple)
	f.login("INBOX").dialogue(`
		C: a SEARCH MODSEQ "/flags/\\draft" all 3
		S: * OK [HIGHESTMODSEQ 4] Highest.
		S: * SEARCH 2 3 (MODSEQ 4)
		S: a OK SEARCH completed.
		C: b SEARCH RETURN (MIN) MODSEQ 3
		S: * ESEARCH (TAG "b") MIN 2 MODSEQ 3
		S: b OK SEARCH completed.
		C: c SEARCH MODSEQ 9
		S: * SEARCH
		S: c OK SEARCH completed.`)
}
