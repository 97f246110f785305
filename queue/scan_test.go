package queue_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// slowFolders is a disk on which a folder takes its time to be read.
type slowFolders struct {
	*vfs.Crash
	takes   atomic.Int64
	reading atomic.Int32
	bad     string // a name that can't be looked at
	fail    atomic.Bool
}

func (d *slowFolders) ReadDir(name string) ([]fs.DirEntry, error) {
	d.reading.Add(1)
	defer d.reading.Add(-1)
	if strings.HasSuffix(strings.TrimSuffix(name, "/"), "/deferred") {
		time.Sleep(time.Duration(d.takes.Load()))
	}
	if d.fail.Load() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.EIO}
	}
	return d.Crash.ReadDir(name)
}

func (d *slowFolders) Stat(name string) (fs.FileInfo, error) {
	if d.bad != "" && strings.HasSuffix(name, d.bad) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: syscall.EIO}
	}
	return d.Crash.Stat(name)
}

// While a large folder is read, at the start and later, new mail is accepted and delivered.
func TestMailDoesNotWaitForScans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := &slowFolders{Crash: newDisk(t)}, new(sink)
		q := start(t, &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		for i := range 20 {
			disk.takes.Store(int64(time.Minute))
			time.Sleep(time.Duration(i) * 31 * time.Second)
			send(t, q, "a@example.org", letter, fmt.Sprintf("b%d@example.net", i))
			synctest.Wait()
			require.Len(t, s.all(), i+1)
		}
	})
}

// Claim says that nothing is due only when it has looked everywhere, and ends early when it is told so.
func TestClaimWaitsForTheScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFolders{Crash: newDisk(t)}
		open := func() *queue.Spool { return &queue.Spool{Dir: "/spool", FS: disk} }
		s := open()
		id := spoolPut(t, s)
		l, _, err := s.Claim(t.Context(), queue.ClaimQuery{Messages: 1})
		require.NoError(t, err)
		require.NoError(t, s.Finish(t.Context(), l[0], queue.Finish{Retry: time.Now().Add(time.Hour)}))
		require.NoError(t, s.Close())
		time.Sleep(2 * time.Hour)

		disk.takes.Store(int64(time.Minute))
		s = open()
		require.NoError(t, s.Start())
		disk.takes.Store(int64(10 * time.Minute))
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l, _, err = s.Claim(ctx, queue.ClaimQuery{Messages: 1})
		require.NoError(t, err)
		require.Empty(t, l)
		require.Equal(t, time.Second, time.Since(began))
		l, _, err = s.Claim(t.Context(), queue.ClaimQuery{Messages: 1})
		require.NoError(t, err)
		require.Len(t, l, 1)
		require.Equal(t, id, l[0].ID)
		require.Equal(t, 10*time.Minute, time.Since(began))
		require.NoError(t, s.Close())
		require.Zero(t, disk.reading.Load(), "Close waits for a scan")
	})
}

// A folder that can't be read is an error, and it is tried again; a file that can't be looked at doesn't hold up others.
func TestScanOnABadDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFolders{Crash: newDisk(t)}
		s := &queue.Spool{Dir: "/spool", FS: disk, Fresh: -1}
		defer s.Close()
		require.NoError(t, s.Start())
		disk.fail.Store(true)
		_, _, err := s.Claim(t.Context(), queue.ClaimQuery{Messages: 10})
		require.ErrorIs(t, err, syscall.EIO)
		disk.fail.Store(false)
		bad := spoolPut(t, s)
		disk.bad = bad
		for range 5 {
			spoolPut(t, s)
		}
		l, _, err := s.Claim(t.Context(), queue.ClaimQuery{Messages: 10})
		require.ErrorIs(t, err, syscall.EIO)
		require.Len(t, l, 5)
		disk.bad = ""
		time.Sleep(2 * time.Minute)
		l, _, err = s.Claim(t.Context(), queue.ClaimQuery{Messages: 10})
		require.NoError(t, err)
		require.Len(t, l, 1)
		require.Equal(t, bad, l[0].ID)
	})
}
