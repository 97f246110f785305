package lookup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// postmapDir returns what writes a file into a folder of the test's.
func postmapDir(t testing.TB) func(name, text string) string {
	dir := t.TempDir()
	return func(name, text string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
}

// fragments returns, for each error, the text that it is expected to have if it has it, else the error.
func fragments(errs []error, want ...string) (out []string) {
	for i, err := range errs {
		text := err.Error()
		if i < len(want) && strings.Contains(text, want[i]) {
			text = want[i]
		}
		out = append(out, text)
	}
	return out
}
