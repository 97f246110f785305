package vfs

import (
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// More files than are looked at together, in a folder from which some are taken meanwhile.
func TestTimesOfMany(t *testing.T) {
	dir := t.TempDir()
	const n = 1050
	for i := range n {
		require.NoError(t, os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600))
	}
	got, taken := map[string]bool{}, false
	for e, err := range iter.Seq2[Timed, error](func(yield func(Timed, error) bool) { timesBy(500, dir, yield) }) {
		require.NoError(t, err)
		require.False(t, got[e.Name], "yielded twice")
		require.NotZero(t, e.MTime)
		got[e.Name] = true
		if !taken {
			taken = true
			for i := range n {
				if i%10 == 0 {
					require.NoError(t, os.Remove(filepath.Join(dir, strconv.Itoa(i))))
				}
			}
		}
	}
	require.GreaterOrEqual(t, len(got), n*9/10)
	for i := range n {
		require.True(t, i%10 == 0 || got[strconv.Itoa(i)], i)
	}
}
