package imap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// respond returns a client's Decoder for s.
func respond(s string) *imap.Decoder {
	d := imap.NewDecoder(strings.NewReader(s))
	d.Response, d.BareLF = true, true
	return d
}

// RFC 9051 section 7.1: "resp-text = ["[" resp-text-code "]" SP] [text]".
func TestRespStatus(t *testing.T) {
	for in, want := range map[string]imap.Status{
		"OK [UIDNEXT 4392] Predicted next UID\r\n": {Type: imap.OK, Code: "UIDNEXT", Arg: "4392", Text: "Predicted next UID"},
		"OK\r\n":                                       {Type: imap.OK},
		"NO [badurl \"x]y\"] t\r\n":                    {Type: imap.NO, Code: "BADURL", Arg: `"x]y"`, Text: "t"},
		"BYE [not a code\r\n":                          {Type: imap.BYE, Text: "[not a code"},
		"OK [READ-ONLY]\r\n":                           {Type: imap.OK, Code: "READ-ONLY"},
		"OK [ALERT] don't say \"hi] {12}\r\n":          {Type: imap.OK, Code: "ALERT", Text: `don't say "hi] {12}`},
		"OK [REFERRAL imap://a;AUTH=*@b/c/] x\r\n":     {Type: imap.OK, Code: "REFERRAL", Arg: "imap://a;AUTH=*@b/c/", Text: "x"},
		"OK Gimap ready for requests from 127.0.0.1 é": {Type: imap.OK, Text: "Gimap ready for requests from 127.0.0.1 é"},
	} {
		d := respond(strings.TrimSuffix(in, "\r\n") + "\r\n")
		s := d.RespStatus(imap.StatusType(d.Keyword()))
		require.NoError(t, d.CRLF(), in)
		require.Equal(t, want, *s, in)
	}
}

func TestEnvelopeOfRFC9051(t *testing.T) {
	// The example of section 8.
	d := respond(`("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu"))` +
		` (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu"))` +
		` ((NIL NIL "minutes" "CNRI.Reston.VA.US") ("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")` + "\r\n")
	e := d.Envelope()
	require.NoError(t, d.CRLF())
	terry := []mime.Address{{Name: "Terry Gray", Mailbox: "gray", Host: "cac.washington.edu"}}
	require.Equal(t, &mime.Envelope{
		Date:    mime.NString{Value: "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", Set: true},
		Subject: mime.NString{Value: "IMAP4rev2 WG mtg summary and minutes", Set: true},
		From:    terry, Sender: terry, ReplyTo: terry, To: []mime.Address{{Mailbox: "imap", Host: "cac.washington.edu"}},
		Cc:        []mime.Address{{Mailbox: "minutes", Host: "CNRI.Reston.VA.US"}, {Name: "John Klensin", Mailbox: "KLENSIN", Host: "MIT.EDU"}},
		MessageID: mime.NString{Value: "<B27397-0100000@cac.washington.edu>", Set: true}}, e)
}

// Literals within, a group, an escape that is none, elements that are missing: each a habit of some server.
func TestEnvelopeAsItComes(t *testing.T) {
	d := respond("(NIL {9}\r\na \"b\" \r\nc (  (\"x\\y \\\"z\\\"\" NIL \"u\" \"h\")(NIL NIL \"Team\" NIL) (NIL NIL NIL NIL)) NIL)\r\n")
	e := d.Envelope()
	require.NoError(t, d.CRLF())
	require.Equal(t, &mime.Envelope{Subject: mime.NString{Value: "a \"b\" \r\nc", Set: true},
		From: []mime.Address{{Name: `x\y "z"`, Mailbox: "u", Host: "h"}, {Kind: mime.GroupStart, Name: "Team"}, {Kind: mime.GroupEnd}}}, e)
}

func TestBodyStructures(t *testing.T) {
	env := `("d" "s" NIL NIL NIL NIL NIL NIL NIL "<i>")`
	for in, check := range map[string]func(p *mime.Part){
		// RFC 9051 section 7.5.2.
		`(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")`: func(p *mime.Part) {
			require.Equal(t, "multipart/mixed", p.Type+"/"+p.Subtype)
			require.Len(t, p.Parts, 2)
			require.EqualValues(t, 1152, p.Parts[0].Body.Size)
			require.EqualValues(t, 73, p.Parts[1].Lines)
			require.Equal(t, "cc.diff", p.Parts[1].Filename())
			require.Equal(t, "base64", p.Parts[1].Encoding)
		},
		`("message" "rfc822" NIL NIL NIL "7bit" 300 ` + env + ` ("text" "plain" NIL NIL NIL "7bit" 5 1 NIL NIL NIL NIL) 9 NIL ("attachment" ("filename*" "ü.eml")) ("en" "de") "loc")`: func(p *mime.Part) {
			require.Equal(t, "<i>", p.Message.Envelope.MessageID.Value)
			require.Equal(t, "text", p.Message.Type)
			require.EqualValues(t, 9, p.Lines)
			require.Equal(t, []mime.Param{{Name: "filename", Value: "ü.eml", Extended: true}}, p.Disposition.Params)
			require.Equal(t, []string{"en", "de"}, p.Language)
			require.Equal(t, "loc", p.Location.Value)
		},
		// A message/rfc822 described like a file, with a count of lines or without.
		`("message" "rfc822" ("name" "x.eml") NIL NIL "7bit" 300 17)`: func(p *mime.Part) {
			require.Nil(t, p.Message)
			require.EqualValues(t, 17, p.Lines)
		},
		`("message" "rfc822" ("name" "x.eml") NIL NIL "7bit" 300 NIL ("attachment" ("filename" "x.eml")) NIL)`: func(p *mime.Part) {
			require.Equal(t, "attachment", p.Disposition.Type)
		},
		// Multiparts without parts.
		`("mixed" ("boundary" "x") NIL NIL)`: func(p *mime.Part) { require.Equal(t, "multipart/mixed", p.Type+"/"+p.Subtype) },
		`(NIL "alternative")`:                func(p *mime.Part) { require.Equal(t, "multipart/alternative", p.Type+"/"+p.Subtype) },
		`()`:                                 func(p *mime.Part) { require.Equal(t, "multipart", p.Type) },
		// NIL and nothing where numbers and lists should be, and a disposition that is a string.
		`("text" "plain" ("charset" NIL) NIL NIL NIL NIL)`:                     func(p *mime.Part) { require.Equal(t, "7bit", p.Encoding) },
		`("text" "html" () NIL NIL "8bit" 5 -1 NIL "inline" "en" NIL (1 (2)))`: func(p *mime.Part) { require.Equal(t, "inline", p.Disposition.Type) },
	} {
		d := respond(in + "\r\n")
		p := d.BodyStructure()
		require.NoError(t, d.CRLF(), in)
		check(p)
	}
	for _, in := range []string{"x", "NIL", "(", `("a`, "(()", strings.Repeat("(", 40) + strings.Repeat(")", 40)} {
		d := respond(in + "\r\n* OK next\r\n")
		d.BodyStructure()
		require.Error(t, d.Err(), in)
		require.NoError(t, d.Skip())
		require.Equal(t, "*", d.ResponseTag(), "the next response is there")
	}
}

func TestFetchLabels(t *testing.T) {
	for _, in := range []string{"FLAGS", "BODY", "BODY[]", "BODY[1.2.MIME]", "BODY[]<100>", "BODY[HEADER.FIELDS (Date X-\"y)]", "BINARY[1.2]", "BINARY.SIZE[3]", "X-GM-LABELS"} {
		d := respond(in + " x\r\n" + in + " x\r\n")
		for range 2 { // the second from what is remembered
			got := d.FetchLabel()
			if strings.Contains(in, `"`) {
				require.Error(t, d.Err(), in)
				require.NoError(t, d.Skip())
				continue
			}
			require.NoError(t, d.Err(), in)
			require.Equal(t, in, got.Label())
			require.NoError(t, d.Skip())
		}
	}
}

func TestFetchDate(t *testing.T) {
	for in, want := range map[string]time.Time{
		`"17-Jul-1996 02:44:25 -0700"`: time.Date(1996, 7, 17, 9, 44, 25, 0, time.UTC),
		`" 1-feb-2026 00:00:00 +0530"`: time.Date(2026, 1, 31, 18, 30, 0, 0, time.UTC),
		`"1-Feb-2026 00:00:00 +0000"`:  time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		`NIL`:                          {},
	} {
		d := respond(in + "\r\n")
		require.True(t, want.Equal(d.FetchDate()), in)
		require.NoError(t, d.CRLF())
	}
	for _, in := range []string{`""`, `"17-Jul-1996 02:44:25"`, `"17-Xxx-1996 02:44:25 -0700"`, `"99-Jul-1996 02:44:25 -0700"`, `17-Jul-1996`} {
		d := respond(in + "\r\n")
		d.FetchDate()
		require.Error(t, d.Err(), in)
	}
}

func TestFetchFlags(t *testing.T) {
	d := respond(`(\Seen \recent $Forwarded \Odd \* NonJunk  bad] \Deleted)` + "\r\n")
	f, recent, any := d.FetchFlags()
	require.NoError(t, d.CRLF())
	require.True(t, recent)
	require.True(t, any)
	require.Equal(t, []string{`\Seen`, `\Deleted`, "$Forwarded", "NonJunk"}, f.Names())
}

func TestListData(t *testing.T) {
	d := respond(`(\HasNoChildren \Sent) "/" "Entw&APw-rfe" (OLDNAME ("alt") "CHILDINFO" ("SUBSCRIBED") X-ITEM (a "b" {1}` + "\r\n" + `c))` + "\r\n")
	l := d.ListData()
	require.NoError(t, d.CRLF())
	require.Equal(t, &imap.ListData{Attrs: []string{`\HasNoChildren`, `\Sent`}, Delimiter: '/', Name: "Entwürfe", OldName: "alt",
		ChildInfo: []string{"SUBSCRIBED"}, Extended: []imap.Extended{{Name: "X-ITEM", Value: "(a \"b\" {1}\r\nc)"}}}, l)
	require.Equal(t, []mail.SpecialUse{mail.UseSent}, l.Use())
	d = respond("() NIL inbox\r\n")
	l = d.ListData()
	require.NoError(t, d.CRLF())
	require.Equal(t, &imap.ListData{Name: "INBOX"}, l)
	require.True(t, l.Selectable())
	// A name that is not modified UTF-7 stays as it is.
	d = respond("() \".\" \"INBOX.&bad\"\r\n")
	require.Equal(t, "INBOX.&bad", d.ListData().Name)
	require.NoError(t, d.CRLF())
}

func TestStatusData(t *testing.T) {
	d := respond("Sent (MESSAGES 3 UIDNEXT 9 HIGHESTMODSEQ 77 APPENDLIMIT NIL MAILBOXID (F1) X (1 2) SIZE 12 )\r\n")
	s := d.StatusData()
	require.NoError(t, d.CRLF())
	require.Equal(t, &imap.StatusData{Name: "Sent", Has: imap.StatusMessages | imap.StatusUIDNext | imap.StatusHighestModSeq |
		imap.StatusAppendLimit | imap.StatusMailboxID | imap.StatusSize, Messages: 3, UIDNext: 9, HighestModSeq: 77, AppendLimit: -1,
		MailboxID: "F1", Size: 12, Extended: []imap.Extended{{Name: "X", Value: "(1 2)"}}}, s)
	require.Equal(t, "(MESSAGES UNSEEN MAILBOXID)", (imap.StatusMessages | imap.StatusUnseen | imap.StatusMailboxID).String())
}

func BenchmarkEnvelope(b *testing.B) {
	line := `("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu"))` +
		` (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu"))` +
		` ((NIL NIL "minutes" "CNRI.Reston.VA.US") ("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")` + "\r\n"
	r := strings.NewReader("")
	d := imap.NewDecoder(r)
	d.Response = true
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(line)
		d.Reset(r)
		d.Envelope()
		if err := d.CRLF(); err != nil {
			b.Fatal(err)
		}
	}
}

// Whatever comes, a response is read or refused, and the next one is found.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{`("d" {1}` + "\r\n" + `s ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL "<i>")`, `(("TEXT" "PLAIN" ("C" "U") NIL NIL "7BIT" 1 2) "MIXED" NIL)`,
		`BODY[1.HEADER.FIELDS (A)]<2> x`, `(\Seen $x \*)`, `(\Sent) "/" x (OLDNAME (y))`, `x (MESSAGES 3 X (1))`, ` (TAG "a") UID ALL 1:2 PARTIAL (1:2 NIL)`,
		`(("" "/")) NIL NIL`, `"17-Jul-1996 02:44:25 -0700"`, `OK [UIDNEXT 3] x`, ` 3 4 (MODSEQ 5)`} {
		for kind := range byte(11) {
			f.Add(kind, s)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, s string) {
		d := respond(s + "\r\n* 12 EXISTS\r\n")
		switch kind % 11 {
		case 0:
			d.Envelope()
		case 1:
			d.BodyStructure()
		case 2:
			d.FetchLabel()
		case 3:
			d.FetchFlags()
		case 4:
			d.ListData()
		case 5:
			d.StatusData()
		case 6:
			d.ESearch()
		case 7:
			d.Namespaces()
		case 8:
			d.FetchDate()
		case 9:
			d.RespStatus(imap.StatusType(d.ResponseTag()))
		case 10:
			d.SearchData()
		}
		_ = d.Err()
		_ = d.Skip()
	})
}
