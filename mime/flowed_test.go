package mime_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func TestUnflow(t *testing.T) {
	for _, c := range []struct {
		in    string
		delsp bool
		want  string
	}{
		{"", false, ""},
		{"a fixed line\n", false, "a fixed line\n"},
		{"one \ntwo \nthree\nnext\n", false, "one two three\nnext\n"},
		{"one \r\ntwo\r\n", false, "one two\r\n"},
		{"日本 \n語\n", true, "日本語\n"},
		{"a  \nb\n", true, "a b\n"}, // of two spaces one stays
		// section 4.4: space-stuffing
		{" From here\n  two\n >not a quote\n", false, "From here\n two\n>not a quote\n"},
		// section 4.5 and the example of section 5.3: quotes
		{">> one \n>> two\n> three \n> four\nown\n", false, ">> one two\n> three four\nown\n"},
		{"> one \nown\n", false, "> one \nown\n"}, // the depth changed: the paragraph ends
		// section 4.3: "-- " is never flowed
		{"text \n-- \nme \nthere\n", false, "text \n-- \nme there\n"},
		{"> -- \n> me\n", false, "> -- \n> me\n"},
		{"no end ", false, "no end "},
	} {
		require.Equal(t, c.want, mime.Unflow(c.in, c.delsp), "%q", c.in)
	}
}

// What is made to flow reads as it was, in lines that any terminal shows.
func TestFlowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "word", "From", ">", "-", "--", "thư", "\n", "\n\n", strings.Repeat("x", 80)}), 0, 60).Draw(t, "words")
		text := strings.Join(words, " ")
		text = strings.ReplaceAll(strings.ReplaceAll(text, " \n", "\n"), "\n ", "\n")
		var quoted bool
		for line := range strings.Lines(text) {
			quoted = quoted || strings.HasPrefix(line, ">") || line == "--" // read as quotes and signature
		}
		flowed := mime.Flow(text)
		for line := range strings.Lines(flowed) {
			if !quoted {
				require.LessOrEqual(t, len(line), 80+76, "%q", line)
			}
		}
		if !quoted && !strings.HasSuffix(text, " ") {
			require.Equal(t, text, mime.Unflow(flowed, false), "%q", flowed)
		}
	})
	require.Equal(t, "> "+strings.Repeat("x ", 60)+"x\n", mime.Flow("> "+strings.Repeat("x ", 60)+"x\n"), "quotes are not broken")
	require.Equal(t, "-- \nme\n", mime.Flow("-- \nme   \n"))
}

func FuzzUnflow(f *testing.F) {
	f.Add("> a \r\n> b\n-- \n From \n", true)
	f.Fuzz(func(t *testing.T, s string, delsp bool) {
		out := mime.Unflow(s, delsp)
		require.LessOrEqual(t, len(out), 2*len(s)+2)
		mime.Flow(s)
	})
}
