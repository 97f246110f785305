package mime_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

const invitation = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1@example.test\nDTSTAMP:20261122T020000Z\n" +
	"DTSTART:20261123T020000Z\nSUMMARY:Họp nhóm\nORGANIZER:mailto:alice@example.test\nATTENDEE:mailto:bob@example.test\nEND:VEVENT\nEND:VCALENDAR\n"

// RFC 6047 section 2.4: "The value MUST be the same (ignoring case) as the value of the "METHOD" property"; "scheduling messages SHOULD be
// sent with an alternative, human-readable form of the information".
func TestBuilderCalendar(t *testing.T) {
	ics := func() mime.File { return mime.File{Filename: "invite.ics", Content: strings.NewReader(invitation)} }
	for _, c := range []struct {
		b    mime.Builder
		want string
	}{
		{mime.Builder{}, "text/calendar"},
		{mime.Builder{Text: "Meet?"}, "multipart/alternative(text/plain text/calendar)"},
		{mime.Builder{HTML: "<p>Meet?"}, "multipart/alternative(text/html text/calendar)"},
		{mime.Builder{Text: "Meet?", HTML: "<p>Meet?"}, "multipart/alternative(text/plain text/html text/calendar)"},
		{mime.Builder{Text: "Meet?", HTML: "<p>Meet?", Attachments: []mime.File{ics()}}, "multipart/mixed(multipart/alternative(text/plain text/html text/calendar) text/calendar)"},
	} {
		c.b.From, c.b.Calendar = []mime.Address{alice}, &mime.Calendar{Content: invitation}
		msg := build(t, &c.b)
		ix := index(t, msg)
		require.Empty(t, ix.Problems)
		require.Equal(t, c.want, shape(ix.Root))
		n := 0
		for p := range ix.Root.Leaves() {
			if p.Subtype != "calendar" || p.Disposition != nil {
				continue
			}
			n++
			require.Equal(t, "REQUEST", p.Param("method"))
			require.Equal(t, "utf-8", p.Param("charset"))
			content, err := io.ReadAll(p.Open(strings.NewReader(msg)))
			require.NoError(t, err)
			require.Equal(t, crlf(invitation), string(content))
		}
		require.Equal(t, 1, n)
	}
}

func TestBuilderCalendarMethod(t *testing.T) {
	for _, c := range []struct {
		method, content string
		ok              bool
	}{
		{"request", invitation, true},
		{"CANCEL", invitation, false},
		{"", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nMETHOD:REQUEST\nEND:VEVENT\nEND:VCALENDAR\n", false}, // not the object's
		{"", "BEGIN:VCALENDAR\r\nMETHOD;X-A=b:REPLY\r\nEND:VCALENDAR\r\n", true},
		{"", "BEGIN:VCALENDAR\nMETHOD:A;b=c\nEND:VCALENDAR\n", false},
		{"", "", false},
	} {
		b := &mime.Builder{From: []mime.Address{alice}, Calendar: &mime.Calendar{Method: c.method, Content: c.content}}
		_, err := b.WriteTo(io.Discard)
		require.Equal(t, c.ok, err == nil, "%+v: %v", c, err)
	}
}

// A vCard goes as a file (RFC 6350 section 10.1: text/vcard, UTF-8).
func TestBuilderVCard(t *testing.T) {
	card := crlf("BEGIN:VCARD\nVERSION:4.0\nFN:Nguyễn Văn A\nEMAIL:a@example.test\nEND:VCARD\n")
	msg := build(t, &mime.Builder{From: []mime.Address{alice}, Text: "my card", Attachments: []mime.File{{Filename: "Nguyễn.vcf", Content: strings.NewReader(card)}}})
	p := index(t, msg).Part(2)
	require.Equal(t, "text/vcard", p.Type+"/"+p.Subtype)
	require.Equal(t, "utf-8", p.Param("charset"))
	require.Equal(t, "Nguyễn.vcf", p.Filename())
	content, err := io.ReadAll(p.Open(strings.NewReader(msg)))
	require.NoError(t, err)
	require.Equal(t, card, string(content))
}
