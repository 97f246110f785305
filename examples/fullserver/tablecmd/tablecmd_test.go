package tablecmd_test

import (
	"os"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/tablecmd"
	"github.com/stretchr/testify/require"
)

// What Postfix 3.7's commands print and end with, for the same files; where ours say it in other words, that is on purpose: they name the file.
func TestIsPostfixs(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("t", []byte("a one\nb two\nb dup\nbad\n"), 0o600))
	require.NoError(t, os.WriteFile("al", []byte("root: a@b\nx: y, z\n"), 0o600))
	for _, c := range []struct {
		words, stdin, out string
		warnings, status  int
		fatal             string
	}{
		{"postmap -q a texthash:t", "", "one\n", 2, 0, ""},
		{"postmap -qa hash:t", "", "one\n", 2, 0, ""},
		{"postmap -q zz texthash:t", "", "", 2, 1, ""},
		{"postmap -q - texthash:t", "a\nzz\nb\n", "a\tone\nb\ttwo\n", 2, 0, ""},
		{"postmap -q - texthash:t", "zz\n", "", 2, 1, ""},
		{"postmap -s texthash:t", "", "a\tone\nb\ttwo\n", 2, 0, ""},
		{"postmap t", "", "", 2, 0, ""},
		{"postmap -q b static:x texthash:t", "", "x\n", 0, 0, ""},
		{"postmap -q a inline:{z=y} texthash:t", "", "one\n", 2, 0, ""},
		{"postmap -q A -f hash:t", "", "", 2, 1, ""},
		{"postmap -q a nosuch:t", "", "", 0, 1, "nosuch"},
		{"postmap -q a texthash:none", "", "", 0, 1, "none: "},
		{"postmap -d a hash:t", "", "", 0, 1, "take the line out of the file"},
		{"postmap -x", "", "", 0, 1, "usage: postmap [-fsv] [-c config_dir] [-q key] [map_type:]file..."},
		{"postmap", "", "", 0, 1, "usage: postmap "},
		{"postmap -q", "", "", 0, 1, "usage: postmap "},
		{"postalias -q root hash:al", "", "a@b\n", 0, 0, ""},
		{"postalias al", "", "", 0, 0, ""},
	} {
		var out, errs strings.Builder
		words := strings.Fields(c.words)
		e := &tablecmd.Env{Stdin: strings.NewReader(c.stdin), Stdout: &out, Stderr: &errs}
		require.Equal(t, c.status, e.Run(t.Context(), words[0], words[1:]), "%s: %s", c.words, &errs)
		require.Equal(t, c.out, out.String(), c.words)
		require.Equal(t, c.warnings, strings.Count(errs.String(), words[0]+": warning: "), "%s: %s", c.words, &errs)
		if c.fatal == "" {
			require.NotContains(t, errs.String(), "fatal", c.words)
		} else {
			require.Contains(t, errs.String(), words[0]+": fatal: ", c.words)
			require.Contains(t, errs.String(), c.fatal, c.words)
		}
	}
}
