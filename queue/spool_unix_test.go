//go:build unix

package queue_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// What is no file at all, a pipe or a folder with a message's name, is set aside like a damaged file; opening a pipe would hold
// up all mail.
func TestOtherThingsInTheSpool(t *testing.T) {
	dir := t.TempDir()
	s := &queue.Spool{Dir: dir}
	id := spoolPut(t, s)
	require.NoError(t, s.Close())
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "incoming", "ABCDEF1"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "incoming", "ABCDEF2"), 0o700))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "deferred", "ABCDEF3")))
	aside := map[string]bool{}
	s = &queue.Spool{Dir: dir, SetAside: func(id string, err error) {
		require.ErrorContains(t, err, "not a file")
		aside[id] = true
	}}
	defer s.Close()
	var leases []*queue.Lease
	for range 1000 { // the scan may tell of the message before it has come to the others
		l, _, err := s.Claim(t.Context(), queue.ClaimQuery{Messages: 10})
		require.NoError(t, err)
		if leases = append(leases, l...); len(aside) == 3 && len(leases) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	require.Len(t, leases, 1)
	require.Equal(t, id, leases[0].ID)
	require.Equal(t, map[string]bool{"ABCDEF1": true, "ABCDEF2": true, "ABCDEF3": true}, aside)
	for id := range aside {
		_, err := os.Lstat(filepath.Join(dir, "corrupt", id))
		require.NoError(t, err)
	}
}
