package recording

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
)

// Each recording that comes with the program is explained line by line, has a title in both languages, ends with the connection closed, and
// its states go where the drawn machine has a way. Mistakes are only in those that are about them.
func TestRecordings(t *testing.T) {
	mistakes := map[string]bool{"refusal": true, "textbook": true}
	protocols := map[explain.Protocol]bool{}
	for _, name := range Names() {
		r, err := Open(name)
		require.NoError(t, err)
		protocols[r.Protocol] = true
		for _, l := range explain.Langs {
			require.NotEmpty(t, r.Title[l], name)
		}
		notes := r.Notes()
		require.GreaterOrEqual(t, len(notes), len(r.Lines), name)
		m := explain.MachineOf(r.Protocol)
		for _, n := range notes {
			require.False(t, n.Unknown, "%s: %s", name, n.Text)
			if !mistakes[name] {
				require.Empty(t, n.Mistakes, "%s: %s", name, n.Text)
			}
			require.True(t, m.Leads(n.Before.Server, n.After.Server) || n.Kind == explain.Encrypted, "%s: %s", name, n.Text)
		}
		require.Equal(t, "client.gone", notes[len(notes)-1].After.Client, name)
	}
	require.Len(t, protocols, 4)
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"C: x\n":                   `x:1: the first line is "protocol: smtp", or another of [smtp lmtp pop3 pop2 imap]`,
		"protocol: ftp\n":          "x:1: protocol is one of [smtp lmtp pop3 pop2 imap]",
		"protocol: smtp\n":         "x: nothing is said",
		"protocol: smtp\nHELO x\n": `x:2: a line begins with "C: " or "S: "`,
	} {
		_, err := Parse("x", text)
		require.EqualError(t, err, want)
	}
	file := filepath.Join(t.TempDir(), "own.txt")
	require.NoError(t, os.WriteFile(file, []byte("protocol: imap\r\nS: * OK\r\nC- a"), 0o600))
	r, err := Open(file)
	require.NoError(t, err)
	require.Equal(t, []Line{{'S', "* OK\r\n"}, {'C', "a"}}, r.Lines)
	require.Len(t, r.Notes(), 2)
	_, err = Open("no-such")
	require.ErrorContains(t, err, "neither a recording of ours (bounce, ")
}
