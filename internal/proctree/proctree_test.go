//go:build linux

package proctree_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/proctree"
)

// A shell has two children: one that works and has ended, one that is there. Both count, and the shell; who isn't below it doesn't.
func TestTree(t *testing.T) {
	cmd := exec.Command("sh", "-c", `sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; sleep 60 & echo; wait`)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	_, err = out.Read(make([]byte, 1)) // the first has ended
	require.NoError(t, err)
	require.Positive(t, proctree.CPU(cmd.Process.Pid))
	require.Less(t, proctree.CPU(cmd.Process.Pid), time.Minute)

	all, err := proctree.Memory(cmd.Process.Pid)
	require.NoError(t, err)
	require.Positive(t, all)
	ours, err := proctree.Memory(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, ours, all, "the test is above the shell, and larger")
}
