package imapserver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

// Whatever command there is, and each that has a UID form in that too, a case of the scripts sends it.
func TestEveryCommandHasACase(t *testing.T) {
	scripts, err := script.All()
	require.NoError(t, err)
	sent := map[string]bool{}
	for _, s := range scripts {
		for _, c := range s.Cases {
			for _, name := range c.Commands() {
				sent[name] = true
			}
		}
	}
	for name, h := range commandTable(t) {
		require.True(t, sent[name], "no case sends %s", name)
		if strings.Contains(h, "uid: true") {
			require.True(t, sent["UID "+name], "no case sends UID %s", name)
		}
	}
}

// commandTable returns the commands that there are, each with the source of its handler.
func commandTable(t *testing.T) map[string]string {
	t.Helper()
	table, err := os.ReadFile("command_table.go")
	require.NoError(t, err)
	rows := regexp.MustCompile(`case (".*"):\n(.*)`).FindAllStringSubmatch(string(table), -1)
	require.Greater(t, len(rows), 40)
	out := map[string]string{}
	for _, row := range rows {
		for name := range strings.SplitSeq(strings.ReplaceAll(row[1], `"`, ""), ", ") {
			out[name] = row[2]
		}
	}
	return out
}
