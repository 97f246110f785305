package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/recording"
	"github.com/buuta/mail/examples/dialogue/screen"
)

func TestPlayPlain(t *testing.T) {
	for lang, want := range map[string][]string{
		"en": {"A message typed by hand", "S → C  220 ubuntu.localdomain", "The server speaks first", "913E010089F  the queue id", "RFC 5321 section 4.1.1.4"},
		"vi": {"Một bức thư gõ tay", "Máy chủ nói trước", "913E010089F  mã hàng đợi", "Thiếu ngoặc nhọn"},
	} {
		var out, stderr output
		require.Zero(t, run(t.Context(), []string{"play", "-plain", "-l", lang, "textbook"}, strings.NewReader(""), &out, &stderr), stderr.String())
		for _, w := range want {
			require.Contains(t, out.String(), w)
		}
		require.NotContains(t, out.String(), "\x1b")
	}
	var out, stderr output
	require.Zero(t, run(t.Context(), []string{"play", "-list"}, strings.NewReader(""), &out, &stderr))
	require.Equal(t, len(recording.Names()), strings.Count(out.String(), "\n"))
}

// Every step of every recording fits the width that there is, and says where it stands.
func TestSteps(t *testing.T) {
	for _, name := range recording.Names() {
		r, err := recording.Open(name)
		require.NoError(t, err)
		for _, l := range explain.Langs {
			for _, width := range []int{40, 80, 132} {
				p := &player{screen: &screen.Screen{Lang: l, Width: width}, title: "", protocol: r.Protocol, notes: r.Notes(), words: true}
				for at := range p.notes {
					text := p.step(at, 40)
					for line := range strings.SplitSeq(text, "\n") {
						require.LessOrEqual(t, len([]rune(line)), max(width, 58), "%s %s: %q", name, l, line)
					}
					require.Contains(t, text, "[", "%s: no state is marked", name)
				}
			}
		}
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		key string
		at  int
		to  int
		end bool
	}{{"\r", 0, 1, false}, {" ", 4, 4, false}, {"\x1b[C", 1, 2, false}, {"b", 2, 1, false}, {"\x1b[D", 0, 0, false}, {"q", 1, 1, true}, {"\r", 4, 4, true}, {"x", 1, 1, false}, {"\x1b[H", 3, 0, false}, {"\x1b[F", 0, 4, false}} {
		to, end := move(c.at, 5, []byte(c.key))
		require.Equal(t, c.to, to, "%q", c.key)
		require.Equal(t, c.end, end, "%q", c.key)
	}
}
