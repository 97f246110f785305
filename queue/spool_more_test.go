package queue_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

func spoolPut(t *testing.T, s *queue.Spool) string {
	t.Helper()
	d, err := s.Create(t.Context())
	require.NoError(t, err)
	m := &queue.Message{From: "a@example.org", Recipients: []queue.Recipient{{Address: "b@example.net", State: queue.Pending}}}
	require.NoError(t, d.Write(t.Context(), m, strings.NewReader(letter)))
	require.NoError(t, d.Commit(t.Context(), queue.Placement{}))
	return d.ID()
}

// An operator can read a queue file, and move it between folders by hand: it is found at the next scan.
func TestOperatorMovesFilesByHand(t *testing.T) {
	dir := t.TempDir()
	clock := time.Now()
	s := &queue.Spool{Dir: dir, Now: func() time.Time { return clock }}
	defer s.Close()
	id := spoolPut(t, s)
	text, err := os.ReadFile(filepath.Join(dir, "incoming", id))
	require.NoError(t, err)
	require.Contains(t, string(text), "\nto address=b@example.net\n"+letter)
	require.NoError(t, os.Rename(filepath.Join(dir, "incoming", id), filepath.Join(dir, "hold", id)))
	claim := func() (n int) { // until nothing is due: a scan tells of one message before it has come to the next
		for {
			l, _, err := s.Claim(t.Context(), queue.ClaimQuery{Messages: 10})
			require.NoError(t, err)
			if len(l) == 0 {
				return n
			}
			n += len(l)
		}
	}
	require.Zero(t, claim())
	require.NoError(t, os.Rename(filepath.Join(dir, "hold", id), filepath.Join(dir, "incoming", id)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "incoming", "not a message.txt"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "incoming", "ABCDEF1"), []byte("not a queue file"), 0o600))
	require.Zero(t, claim())
	clock = clock.Add(300 * time.Second)
	require.Equal(t, 1, claim())
	_, err = os.Stat(filepath.Join(dir, "corrupt", "ABCDEF1"))
	require.NoError(t, err, "set aside, not deleted")
	_, err = os.Stat(filepath.Join(dir, "incoming", "not a message.txt"))
	require.NoError(t, err, "not ours")
}

// A queue that was restored from a backup has files with other inodes than their ids say. No new message gets such an id.
func TestRestoredIDsAreNotGivenAgain(t *testing.T) {
	dir := t.TempDir()
	clock := time.Now()
	mk := func() *queue.Spool { return &queue.Spool{Dir: dir, Now: func() time.Time { return clock }} }
	s := mk()
	id := spoolPut(t, s)
	require.NoError(t, s.Close())
	name := filepath.Join(dir, "incoming", id)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name+"x", text, 0o600))
	require.NoError(t, os.Rename(name+"x", name)) // another inode now; the old one is free
	s = mk()
	defer s.Close()
	seen := map[string]bool{id: true}
	for range 50 {
		d, err := s.Create(t.Context())
		require.NoError(t, err)
		require.False(t, seen[d.ID()], "id given twice")
		seen[d.ID()] = true
	}
}

// Unfinished files of a run that was killed are removed; those in active are due.
func TestRecovery(t *testing.T) {
	dir := t.TempDir()
	s := &queue.Spool{Dir: dir}
	id := spoolPut(t, s)
	_, err := s.Create(t.Context())
	require.NoError(t, err)
	l, _, err := s.Claim(t.Context(), queue.ClaimQuery{Messages: 1})
	require.NoError(t, err)
	require.Len(t, l, 1)
	require.FileExists(t, filepath.Join(dir, "active", id))
	require.NoError(t, s.Close()) // as a kill would, it leaves all as it is
	s = &queue.Spool{Dir: dir}
	defer s.Close()
	require.NoError(t, s.Start())
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "incoming", id)}, files)
}

// A draft can't be committed once the spool is closed: the folder may have another owner.
func TestCommitAfterClose(t *testing.T) {
	s := &queue.Spool{Dir: "/spool", FS: newDisk(t)}
	d, err := s.Create(t.Context())
	require.NoError(t, err)
	m := &queue.Message{From: "a@example.org", Recipients: []queue.Recipient{{Address: "b@example.net", State: queue.Pending}}}
	require.NoError(t, d.Write(t.Context(), m, strings.NewReader(letter)))
	require.NoError(t, s.Close())
	require.ErrorIs(t, d.Commit(t.Context(), queue.Placement{}), queue.ErrClosed)
	require.NoError(t, d.Abort())
	_, err = s.Create(t.Context())
	require.ErrorIs(t, err, queue.ErrClosed)
	require.NoError(t, s.Close())
}

// The reserve is kept free: nothing is written into the last of it.
func TestFreeSpace(t *testing.T) {
	free, files := int64(100<<20), int64(-1)
	var failing error
	s := &queue.Spool{Dir: "/spool", FS: newDisk(t)}
	s.Limits.Free = func(dir string) (int64, int64, error) {
		require.Equal(t, "/spool", dir)
		return free, files, failing
	}
	defer s.Close()
	create := func() error {
		d, err := s.Create(t.Context())
		if err == nil {
			require.NoError(t, d.Abort())
		}
		return err
	}
	require.NoError(t, create())
	free = 31 << 20
	require.ErrorIs(t, create(), queue.ErrNoSpace)
	free, files = 33<<20, 10
	require.ErrorIs(t, create(), queue.ErrNoSpace, "inodes run out as well")
	files = 1000
	d, err := s.Create(t.Context())
	require.NoError(t, err)
	m := &queue.Message{From: "a@example.org", Recipients: []queue.Recipient{{Address: "b@example.net", State: queue.Pending}}}
	m.Options.Size = 5 << 20
	require.ErrorIs(t, d.Write(t.Context(), m, strings.NewReader(letter)), queue.ErrNoSpace, "SIZE= says that it won't fit")
	require.NoError(t, d.Abort())
	failing = errors.New("statfs: no")
	require.ErrorIs(t, create(), failing)
}

// Memory holds hints for the messages that come next; the others are found when their time comes.
func TestMoreMessagesThanHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := newDisk(t), new(sink)
		spool := &queue.Spool{Dir: "/spool", FS: disk, Hints: 5}
		q := &queue.Queue{Storage: spool, Transports: map[string]*queue.Transport{"smtp": s.transport()}}
		for range 100 {
			send(t, q, "a@example.org", letter, "b@example.net")
			time.Sleep(time.Second)
		}
		start(t, q)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, s.all(), 100)
	})
}
