package dialogues_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

// There are at least as many clauses as the program promises, of each kind.
func TestHowMany(t *testing.T) {
	all, err := script.All()
	require.NoError(t, err)
	n := map[string]int{}
	for _, s := range all {
		for _, c := range s.Cases {
			n[filepath.Dir(s.Name)] += len(c.Clauses())
		}
	}
	require.GreaterOrEqual(t, n["smtp"], 120)
	require.GreaterOrEqual(t, n["imap"], 200)
	require.GreaterOrEqual(t, n["pop3"], 50)
	require.GreaterOrEqual(t, n["mime"], 30)
	require.GreaterOrEqual(t, n["lmtp"], 8)
}
