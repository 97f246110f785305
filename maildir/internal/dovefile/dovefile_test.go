package dovefile

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// As Debian's Dovecot 2.3 has written it.
func TestDict(t *testing.T) {
	const raw = "priv/c494c4280aaf076bf724000083ecc375/comment\na\x01tb\x01nc\\d\n" +
		"priv/c494c4280aaf076bf724000083ecc375/empty\n\n" +
		"shared/c494c4280aaf076bf724000083ecc375/vendor/x/y\nsh\n"
	d := ParseDict([]byte(raw))
	require.Equal(t, Dict{
		"priv/c494c4280aaf076bf724000083ecc375/comment":      "a\tb\nc\\d",
		"priv/c494c4280aaf076bf724000083ecc375/empty":        "",
		"shared/c494c4280aaf076bf724000083ecc375/vendor/x/y": "sh",
	}, d)
	require.Equal(t, raw, string(d.Format()))
	d["x"] = "\x00\x01\r\n\t1"
	require.Equal(t, d, ParseDict(d.Format()))
	// Torn files.
	require.Equal(t, Dict{"a": "2"}, ParseDict([]byte("a\n1\na\n2\nb\n3")))
	require.Equal(t, Dict{"a": "1"}, ParseDict([]byte("a\n1\nb")))
	require.Empty(t, ParseDict(nil))
}

func TestSubscriptions(t *testing.T) {
	require.Equal(t, []string{"Lists.Vi&Hsc-t", "Sent", "INBOX"}, ParseSubscriptions([]byte("V\t2\n\nLists\tVi&Hsc-t\nSent\nINBOX\nSent\n"), "."))
	require.Equal(t, []string{"Lists.go", "Sent"}, ParseSubscriptions([]byte("Lists.go\r\nSent\n\n"), "."))
	require.Equal(t, []string{"a/b.c", "\t"}, ParseSubscriptions([]byte("V\t2\n\na\tb.c\n\x01t\n"), "/"))
	require.Empty(t, ParseSubscriptions(nil, "."))
	require.Equal(t, "V\t2\n\nLists\tgo\nINBOX\n", string(FormatSubscriptions([]string{"Lists.go", "INBOX"}, ".")))
}

func FuzzDict(f *testing.F) {
	f.Add("a\nb\n\x01\x011\n\x01n\n")
	f.Fuzz(func(t *testing.T, raw string) {
		d := ParseDict([]byte(raw))
		require.Equal(t, d, ParseDict(d.Format()))
	})
}

func FuzzSubscriptions(f *testing.F) {
	f.Add("V\t2\n\na\tb\n\x01t\n")
	f.Add("a.b\nc\n")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, sep := range []string{".", "/"} {
			names := ParseSubscriptions([]byte(raw), sep)
			for _, n := range names {
				require.NotEmpty(t, n)
			}
			// Line ends within a name can come from escapes only, and stay.
			again := ParseSubscriptions(FormatSubscriptions(names, sep), sep)
			names = slices.DeleteFunc(names, func(n string) bool { return strings.ContainsRune(n, '\r') })
			again = slices.DeleteFunc(again, func(n string) bool { return strings.ContainsRune(n, '\r') })
			require.Equal(t, names, again)
		}
	})
}
