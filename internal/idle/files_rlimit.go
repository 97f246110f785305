//go:build linux || darwin

package idle

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// openFiles raises the number of files that this process and its children may open to what it takes.
func openFiles(t *testing.T, connections int) {
	t.Helper()
	var lim syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim))
	want := uint64(connections + 200)
	if lim.Cur >= want {
		return
	}
	lim.Cur, lim.Max = want, max(lim.Max, want)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		lack(t, fmt.Sprintf("%d files can't be open here: %v", want, err))
	}
}
