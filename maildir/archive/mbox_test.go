package archive_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/buuta/mail/maildir/archive"
	"github.com/stretchr/testify/require"
)

// read returns the messages of an mbox file, flags and a colon before each.
func read(t require.TestingT, text string, format archive.MboxFormat) (out []string, dates []time.Time) {
	src, err := archive.OpenMbox(fstest.MapFS{"m": {Data: []byte(text)}}, "m", "", format)
	require.NoError(t, err)
	defer src.Close()
	for {
		m, err := src.Next(context.Background())
		if err == io.EOF {
			return out, dates
		}
		require.NoError(t, err)
		b, err := io.ReadAll(m.Body)
		require.NoError(t, err)
		out = append(out, strings.Join(m.Flags.Names(), " ")+":"+string(b))
		dates = append(dates, m.Date)
	}
}

const from = "From a@example.org Mon Jan  2 15:04:05 2006\n"

func TestMbox(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		format archive.MboxFormat
		want   []string
	}{
		// RFC 4155 appendix A: a "From " line, the message, an empty line.
		"two":              {from + "a: b\n\nc\n\n" + from + "d: e\n\nf\n\n", 0, []string{":a: b\r\n\r\nc\r\n", ":d: e\r\n\r\nf\r\n"}},
		"CRLF":             {strings.ReplaceAll(from+"a: b\n\nc\n\n"+from+"d: e\n\nf\n\n", "\n", "\r\n"), 0, []string{":a: b\r\n\r\nc\r\n", ":d: e\r\n\r\nf\r\n"}},
		"no blank at end":  {from + "a: b\n\nc\n", 0, []string{":a: b\r\n\r\nc\r\n"}},
		"no end":           {from + "a: b\n\nc", 0, []string{":a: b\r\n\r\nc"}},
		"no body":          {from + "a: b\n\n" + from + "d: e\n\n\n", 0, []string{":a: b\r\n\r\n", ":d: e\r\n\r\n"}},
		"nothing":          {from + from + "a: b\n\n", 0, []string{":", ":a: b\r\n\r\n"}},
		"From in the text": {from + "a: b\n\nFrom here on\nx\n\nFrom there\n\n", 0, []string{":a: b\r\n\r\nFrom here on\r\nx\r\n\r\nFrom there\r\n"}},
		"no blank before":  {from + "a: b\n\nx\n" + from + "y\n", 0, []string{":a: b\r\n\r\nx\r\n" + strings.ReplaceAll(from, "\n", "\r\n") + "y\r\n"}},
		"mboxrd":           {from + "a: b\n\n>From x\n>>From y\n> From\n", archive.MboxRD, []string{":a: b\r\n\r\nFrom x\r\n>From y\r\n> From\r\n"}},
		"mboxo":            {from + "a: b\n\n>From x\n>>From y\n", archive.MboxO, []string{":a: b\r\n\r\nFrom x\r\n>>From y\r\n"}},
		"mboxcl2":          {from + "Content-Length: 53\n\nx\n\n" + from + "\n>From\n\n" + from + "d: e\n\n", archive.MboxCL2, []string{":Content-Length: 53\r\n\r\nx\r\n\r\n" + strings.TrimSuffix(from, "\n") + "\r\n\r\n>From", ":d: e\r\n\r\n"}},
		"mboxcl2 found":    {from + "Content-Length: 7\n\n>From\n\n\n" + from + "d: e\n\n", 0, []string{":Content-Length: 7\r\n\r\n>From\r\n\r\n", ":d: e\r\n\r\n"}},
		"wrong length":     {from + "Content-Length: 3\n\n>From x\n\n" + from + "d: e\n\n", 0, []string{":Content-Length: 3\r\n\r\nFrom x\r\n", ":d: e\r\n\r\n"}},
		"length at end":    {from + "Content-Length: 2\n\nx\n", 0, []string{":Content-Length: 2\r\n\r\nx\r\n"}},
		"length too large": {from + "Content-Length: 9223372036854775807\n\nx\n", 0, []string{":Content-Length: 9223372036854775807\r\n\r\nx\r\n"}},
		"flags":            {from + "a: b\nstatus: RO\nX-Status: AFDT\nX-Keywords: x,y\n  z\nStatus: x\n\nc\n", 0, []string{`\Seen \Answered \Flagged \Deleted \Draft x y z:` + "a: b\r\nStatus: x\r\n\r\nc\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := read(t, c.text, c.format)
			require.Equal(t, c.want, got)
		})
	}
}

func TestFromLines(t *testing.T) {
	want := time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)
	for line, plus := range map[string]time.Duration{
		"From a@example.org Mon Jan  2 15:04:05 2006":       0,
		"From - Mon Jan 02 15:04:05 2006":                   0,
		"From a b c Mon Jan  2 15:04:05 2006":               0,
		"From a Mon Jan  2 15:04:05 GMT 2006":               0,
		"From a Mon Jan  2 15:04:05 2006 +0100":             -time.Hour,
		"From 1@xxx Mon Jan 02 15:04:05 -0130 2006":         90 * time.Minute,
		"From a Mon Jan  2 15:04:05 2006 remote from there": 0,
		"From a Mon Jan  2 15:04 2006":                      -5 * time.Second,
	} {
		_, dates := read(t, line+"\n\n", 0)
		require.Equal(t, []time.Time{want.Add(plus)}, dates, line)
	}
	for _, line := range []string{"From", "From a", "From a Mon Jan 2", "From a Mon Jan 32 15:04:05 2006", "From a Mon Foo  2 15:04:05 2006", "from a Mon Jan  2 15:04:05 2006"} {
		_, err := archive.OpenMbox(fstest.MapFS{"m": {Data: []byte(line + "\n")}}, "m", "", 0)
		require.ErrorIs(t, err, archive.ErrFormat, line)
	}
}

// FuzzMbox writes what was read from any file and reads it again: it is the same.
func FuzzMbox(f *testing.F) {
	f.Add([]byte("a: b\n\nc\n\n"+from+"\n>From\n\r\n\r"), byte(0))
	f.Add([]byte("Content-Length: 3\n\nabc"+from), byte(3))
	f.Add([]byte("Status: R\nX-Keywords: a b\n c\n\n"+strings.Repeat("\n", 20)), byte(1))
	f.Fuzz(func(t *testing.T, text []byte, format byte) {
		got, _ := read(t, from+string(text), archive.MboxFormat(format%4))
		dir := t.TempDir()
		w, err := archive.CreateMbox(dir)
		require.NoError(t, err)
		var want []string
		for _, m := range got {
			_, body, _ := strings.Cut(m, ":")
			require.NoError(t, w.Put(context.Background(), &archive.Message{Mailbox: "m", Body: strings.NewReader(body)}))
			if !strings.HasSuffix(body, "\n") {
				body += "\r\n" // as documented
			}
			if !strings.Contains("\r\n"+body, "\r\n\r\n") {
				body += "\r\n" // a header ends with a blank line
			}
			want = append(want, ":"+body)
		}
		_, err = w.Flush(context.Background())
		require.NoError(t, err)
		require.NoError(t, w.Close())
		raw, err := os.ReadFile(filepath.Join(dir, "m.mbox"))
		require.NoError(t, err)
		again, _ := read(t, string(raw), archive.MboxRD)
		require.Equal(t, len(want), len(again))
		for i := range want {
			require.True(t, bytes.Equal([]byte(want[i]), []byte(again[i])), "%q\n%q", want[i], again[i])
		}
	})
}
