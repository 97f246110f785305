package script_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

func TestParseErrors(t *testing.T) {
	const clause = "case: x\nclause: MUST RFC 1 section 2\n"
	for text, want := range map[string]string{
		"":                                      "x:0: no case",
		"C: a NOOP":                             "x:2: no case has begun",
		"S: a OK":                               "no case has begun",
		"close:":                                "no case has begun",
		"case:":                                 "has a title",
		"case: x":                               "nothing happens",
		"case: x\nprotocol: imap":               "before the first case",
		"protocol: x25":                         "is none of",
		"case: x\nkind: easy":                   "is none of",
		"case: x\nQ: y":                         "x:3: unknown line",
		"case: x\nfoo: y":                       "unknown word",
		"case: x\nO: a OK":                      "no response stands before",
		"case: x\nS> a OK":                      "no response stands before",
		"case: x\nL: a":                         "no literal",
		"case: x\nC+ a":                         "no literal",
		"case: x\nS: (":                         "syntax",
		"case: x\nS:":                           "syntax",
		"case: x\nS: * 1 FETCH (% a)":           "pairs",
		"case: x\nM: a":                         "many lines",
		"case: x\nX: \\q":                       "unknown escape",
		"case: x\nX: \\x1":                      "two digits",
		"case: x\nX: \\{3x}":                    "number*text",
		"case: x\nX: \\{999999*xx}":             "octets",
		"case: x\nskip: dovecot":                "reason",
		"case: x\ngiven: many things":           "unknown",
		"case: x\ngiven: -1 messages":           "0 to 1000",
		"case: x\nC0: a NOOP":                   "unknown line",
		"case: x\nauth: a":                      "a tag and a mechanism",
		"case: x\nstarttlsx:":                   "unknown word",
		"case: x\nN: * 1 X\nO: * 2 X":           "no response stands before",
		"case: x\nspeaks: 0 smtp":               "1 to 9",
		"case: x\nspeaks: 2 x25":                "is none of",
		"case: x\nspeaks: 2 smtp\nS2: x":        "three digits",
		"case: x\nwait: 2h":                     "at most a minute",
		"case: x\nrepeat: 1s\nend:":             "nothing is repeated",
		"case: x\nrepeat: 1s\nclose:":           "has no end",
		"case: x\nend:":                         "no repeat is open",
		"case: x\nlet: X y":                     "no variable's name",
		"case: x\nvi: y":                        "belongs to a clause",
		"case: x\nknown: a b":                   "belongs to a clause",
		"case: x\nclause: WILL RFC 1 section 2": "is none of",
		"case: x\nclause: MUST RFC 1":           "a clause is",
		"case: x\nclause: MUST RFC x section 1": "no RFC's number",
		clause + "vi: y\nclose:":                "the clause of line 3 isn't quoted",
		clause + "\"q\"\nclose:":                "no sentence in Vietnamese",
		clause + "\"q\"\nvi: y":                 "nothing stands behind the clause",
	} {
		if !strings.HasPrefix(text, "protocol:") {
			text = "protocol: imap\n" + text
		}
		_, err := script.Parse("x", text)
		require.ErrorContains(t, err, strings.Replace(want, "x:0", "x:1", 1), "%q", text)
	}
	_, err := script.Parse("x", "case: x\nC: y")
	require.ErrorContains(t, err, "x:1: a script says its protocol")
}

func FuzzParse(f *testing.F) {
	all, err := script.All()
	require.NoError(f, err)
	require.NotEmpty(f, all)
	f.Add("protocol: imap\ncase: x\nneed: A !B\nskip: y z\ngiven: 2 messages, selected\nstarttls2:\ncompress:\nauth9: a PLAIN\nC2: a APPEND b {}\nL: x\nL- y\nC+  {+}\nL: z\nC+ q\nX: \\x41\\r\\n\nS: * X (* a (= b c) (% d \"…\")) <v>[A (B)]\nO: * OK [X y]\nS> + go\nN: x\nclose:\nclosed2:\n")
	f.Add("protocol: smtp\nkind: stress\ncase: x\ngiven: login\nspeaks: 2 pop3\nclause: MUST NOT RFC 5321 section 4\n\"q … \"\n\"r\"\nvi: y\nen: z\nknown: a b\nlet: m \\{3*x}\nX: <m>\nrepeat: 1s\nS: 2xx <a>…\nO: 4xx\nend:\nS2: +OK\nM: x\nN: y\nwait: 1ms\nauth: PLAIN\n")
	f.Add("protocol: managesieve\ncase: x\nC: PUTSCRIPT \"a\" {+}\nL: keep;\nS: OK (TAG \"x\")\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := script.Parse("x", text)
		if (s == nil) == (err == nil) {
			t.Fatal("neither a script nor an error")
		}
	})
}
