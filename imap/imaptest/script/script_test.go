package script_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imaptest/script"
)

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "no case",
		"C: a NOOP":                   "no case has begun",
		"case:":                       "has a title",
		"case: x\nQ: y":               "unknown line",
		"case: x\nfoo: y":             "unknown word",
		"case: x\nO: a OK":            "no response stands before",
		"case: x\nL: a":               "no literal",
		"case: x\nC+ a":               "no literal",
		"case: x\nS: (":               "syntax",
		"case: x\nS: * 1 FETCH (% a)": "pairs",
		"case: x\nX: \\q":             "unknown escape",
		"case: x\nX: \\x1":            "two digits",
		"case: x\nskip: dovecot":      "reason",
		"case: x\ngiven: many things": "unknown",
		"case: x\ngiven: -1 messages": "0 to 1000",
		"case: x\nC0: a NOOP":         "unknown line",
		"case: x\nauth: a":            "a tag and a mechanism",
		"case: x\nstarttlsx:":         "unknown word",
		"case: x\nN: * 1 X\nO: * 2 X": "no response stands before",
	} {
		_, err := script.Parse("x", text)
		require.ErrorContains(t, err, want, "%q", text)
	}
}

func FuzzParse(f *testing.F) {
	all, err := script.All()
	require.NoError(f, err)
	require.NotEmpty(f, all)
	f.Add("case: x\nneed: A !B\nskip: y z\ngiven: 2 messages, selected\nstarttls2:\ncompress:\nauth9: a PLAIN\nC2: a APPEND b {}\nL: x\nL- y\nC+  {+}\nL: z\nC+ q\nX: \\x41\\r\\n\nS: * X (* a (= b c) (% d \"…\")) <v>[A (B)]\nO: * OK [X y]\nS> + go\nN: x\nclose:\nclosed2:\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := script.Parse("x", text)
		if (s == nil) == (err == nil) {
			t.Fatal("neither a script nor an error")
		}
	})
}
