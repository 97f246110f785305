package mime_test

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/textproto"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func header(s string) *mime.Header { return mime.ParseHeader([]byte(crlf(s)), nil) }

func written(h *mime.Header) string { return string(h.AppendTo(nil)) }

// RFC 5322 section 2.2.3: "Unfolding is accomplished by simply removing any CRLF that is immediately followed by WSP."
func TestHeaderLookup(t *testing.T) {
	h := header("Subject: This\n is a test\nreceived: one\nX-Empty:\nReceived:two \nOld : style\nTab:\tx\n\nbody: no\n")
	require.Equal(t, "This is a test", h.Get("SUBJECT"))
	require.Equal(t, "one", h.Get("Received"))
	require.Equal(t, "", h.Get("X-Empty"))
	require.True(t, h.Has("x-empty"))
	require.False(t, h.Has("X-Missing"))
	require.False(t, h.Has("body"))
	require.Equal(t, "style", h.Get("old"), `"Old :" is obs-optional (RFC 5322 section 4.5.8)`)
	require.Equal(t, "x", h.Get("Tab"))
	require.Equal(t, 6, h.Len())
	var all []string
	for f := range h.Fields("Received") {
		all = append(all, f.Value())
	}
	require.Equal(t, []string{"one", "two"}, all)
	var names []string
	for f := range h.All() {
		names = append(names, f.Name())
	}
	require.Equal(t, []string{"Subject", "received", "X-Empty", "Received", "Old", "Tab"}, names)
	require.Equal(t, "Subject: This\r\n is a test\r\n", string(h.Field("subject").Raw()))
}

func TestHeaderKeepsEveryByte(t *testing.T) {
	for _, s := range []string{
		"", "\r\n", "\n", "A: b", "A: b\n", "A: b\r\n\r\n", "no field\r\nA: b\r\n\r\n", " starts with a blank\r\nA: b\r\n\r\n", "A: b\r\n c\r\n\td\r\n\r\n",
		"From someone Mon Jan  1 00:00:00 2026\r\nA: b\r\n\r\n", ": no name\r\n\r\n", "A\r\n\r\n", "A: \xff\x00\r\r\n\r\n",
	} {
		require.Equal(t, s, written(mime.ParseHeader([]byte(s), nil)), "%q", s)
	}
	require.Equal(t, "A: b\r\n\r\n", written(mime.ParseHeader([]byte("A: b\r\n\r\nbody"), nil)))
}

func TestHeaderDamagedLines(t *testing.T) {
	h := header("From a@b Mon Jan  1 00:00:00 2026\nSubject: x\nno colon here\n: no name\nBad Name: y\n")
	var fields, rest int
	for f := range h.All() {
		if f.IsField() {
			fields++
		} else {
			rest++
			require.Equal(t, "", f.Name())
		}
	}
	require.Equal(t, 1, fields)
	require.Equal(t, 4, rest)
}

func TestHeaderFieldsAsTheyAreMeant(t *testing.T) {
	h := header("Subject: =?utf-8?q?th=C6=B0?=\nTo: a@b, G:c@d;\nTo: e@f\nDate: 22 Nov 2026 09:00 +0700\nReferences: <1@x> <2@x>\nContent-Type: text/html\nContent-Disposition: inline\n")
	require.Equal(t, "thư", h.Text("subject"))
	require.Len(t, h.Addresses("to"), 5)
	require.Nil(t, h.Addresses("cc"))
	require.Equal(t, int64(1795312800), h.Date("date").Unix())
	require.True(t, h.Date("resent-date").IsZero())
	require.Equal(t, []string{"1@x", "2@x"}, h.MessageIDs("references"))
	c := h.ContentType()
	require.Equal(t, "text/html", c.MediaType())
	require.Equal(t, "inline", h.Disposition().Type)
	var none mime.Header
	c = none.ContentType()
	require.Equal(t, "text/plain", c.MediaType())
	require.Equal(t, "", none.Disposition().Type)
}

func TestHeaderLimits(t *testing.T) {
	raw := []byte(strings.Repeat("A: b\r\n", 100) + "\r\n")
	h := mime.ParseHeader(raw, &mime.Limits{Fields: 10})
	require.Equal(t, 11, h.Len())
	require.Equal(t, string(raw), written(h))
	h = mime.ParseHeader(raw, &mime.Limits{HeaderBytes: 60})
	require.Equal(t, 11, h.Len())
	require.Equal(t, string(raw), written(h))
}

func TestHeaderEdit(t *testing.T) {
	var h mime.Header
	require.NoError(t, h.Add("Subject", "thư"))
	require.NoError(t, h.AddRaw("X", "1"))
	require.NoError(t, h.AddRaw("Y", "2"))
	require.NoError(t, h.AddRaw("X", "3"))
	require.NoError(t, h.Prepend("Received", "from x"))
	require.Equal(t, "Received: from x\r\nSubject: =?utf-8?q?th=C6=B0?=\r\nX: 1\r\nY: 2\r\nX: 3\r\n\r\n", written(&h))
	c := h.Clone()
	require.NoError(t, h.Set("x", "new"))
	require.Equal(t, "Received: from x\r\nSubject: =?utf-8?q?th=C6=B0?=\r\nx: new\r\nY: 2\r\n\r\n", written(&h))
	h.Del("SUBJECT")
	h.Del("none")
	require.NoError(t, h.SetRaw("Z", "z"))
	require.Equal(t, "Received: from x\r\nx: new\r\nY: 2\r\nZ: z\r\n\r\n", written(&h))
	require.Equal(t, 5, c.Len(), "the copy is as it was")
	require.NoError(t, h.AddDate("Date", time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)))
	require.NoError(t, h.AddAddresses("To", nil))
	require.Equal(t, "Sun, 22 Nov 2026 09:00:00 +0000", h.Get("Date"))
	require.False(t, h.Has("To"))
	for _, bad := range []string{"", "a b", "a:b", "a\r\nb", "thư", strings.Repeat("x", 77)} {
		require.Error(t, h.Add(bad, "x"))
		require.Error(t, h.Set(bad, "x"))
	}

	cut := mime.ParseHeader([]byte("A: b"), nil) // neither line end nor empty line
	require.NoError(t, cut.Add("C", "d"))
	require.Equal(t, "A: b\r\nC: d\r\n\r\n", written(cut))
	cut.AddField(header("E: f\n g\n").Field("e"))
	require.Equal(t, "A: b\r\nC: d\r\nE: f\r\n g\r\n\r\n", written(cut))
}

// No value ends its field or the header, or makes a line longer than RFC 5322 section 2.1.1 allows where there is a place to fold.
func TestHeaderInjectionAndFolding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab \t\r\n\x00:=?_thươ<>,;\"\u2028"))).Draw(t, "text")
		var h mime.Header
		require.NoError(t, h.Add("Subject", text))
		require.NoError(t, h.AddRaw("X-Raw", text))
		raw := written(&h)
		back := mime.ParseHeader([]byte(raw), nil)
		require.Equal(t, 2, back.Len(), "%q", raw)
		require.Equal(t, raw, written(back))
		for line := range strings.Lines(raw) {
			require.True(t, strings.HasSuffix(line, "\r\n"))
			require.LessOrEqual(t, strings.Count(line, "\n")+strings.Count(line, "\r"), 2)
		}
		clean := strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(text)
		require.Equal(t, strings.Trim(clean, " \t"), strings.Trim(mime.DecodeText(back.Get("Subject")), " \t"))
	})
	var h mime.Header
	require.NoError(t, h.Add("Subject", strings.Repeat("word ", 100)))
	require.NoError(t, h.Add("Subject", strings.Repeat("x", 3000)))
	require.NoError(t, h.Add("Subject", strings.Repeat("thư ", 500)))
	require.NoError(t, h.Add("Subject", "a"+strings.Repeat(" ", 3000)+"b"))
	for line := range strings.Lines(written(&h)) {
		require.LessOrEqual(t, len(line), 80, "%q", line)
	}
}

// What is well-formed is read as go-message reads it.
func TestHeaderAgainstTextproto(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var raw strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "fields") {
			raw.WriteString(rapid.StringMatching(`[A-Za-z][A-Za-z-]{0,12}`).Draw(t, "name") + ":")
			for i := range rapid.IntRange(1, 3).Draw(t, "lines") {
				if i > 0 {
					raw.WriteString(rapid.SampledFrom([]string{" ", "\t"}).Draw(t, "fold"))
				}
				raw.WriteString(rapid.StringMatching(` ?[a-z0-9:;<>"]{1,10}( [a-z]{1,5})?`).Draw(t, "text") + "\r\n")
			}
		}
		raw.WriteString("\r\n")
		want, err := textproto.ReadHeader(bufio.NewReader(strings.NewReader(raw.String())))
		require.NoError(t, err)
		got := mime.ParseHeader([]byte(raw.String()), nil)
		require.Equal(t, want.Len(), got.Len())
		for f := range got.All() {
			require.Equal(t, squeeze(want.Get(f.Name())), squeeze(got.Get(f.Name())))
		}
		var again bytes.Buffer
		require.NoError(t, textproto.WriteHeader(&again, want))
		require.Equal(t, again.String(), written(got))
	})
}

// squeeze makes runs of blanks one space: where folding stood, readers differ in how many they leave.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func FuzzHeader(f *testing.F) {
	f.Add([]byte("Subject: x\r\n y\r\nFrom a\r\n\r\nbody"))
	f.Add([]byte("A : b\nC:\n\td\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := mime.ParseHeader(raw, nil)
		out := h.AppendTo(nil)
		require.True(t, bytes.HasPrefix(raw, out))
		for f := range h.All() {
			if f.IsField() {
				v := f.Value()
				require.NotContains(t, v, "\n")
				require.NotContains(t, v, "\r")
				require.NotNil(t, h.Field(strings.ToUpper(f.Name())))
			}
		}
	})
}
