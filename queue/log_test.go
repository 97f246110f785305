package queue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail/internal/vfs"
	"github.com/stretchr/testify/require"
)

// logged is a spool in memory with a log and n messages in it.
func logged(t *testing.T, n int) (s *Spool, disk *vfs.Crash, ids []string) {
	disk = vfs.NewCrash()
	s = &Spool{Dir: "/spool", FS: disk, Log: true}
	t.Cleanup(func() { _ = s.Close() })
	for range n {
		ids = append(ids, deferTo(t, s, time.Time{}))
	}
	return s, disk, ids
}

// files returns what is in the folders of a spool.
func files(t *testing.T, disk vfs.FS) (out []string) {
	for _, st := range spoolStates {
		list, err := disk.ReadDir("/spool/" + string(st))
		require.NoError(t, err)
		for _, e := range list {
			out = append(out, string(st)+"/"+e.Name())
		}
	}
	return out
}

// A message in the log has no file; it is seen in its state all the same, and has one as soon as it needs one. When the spool is
// closed all have.
func TestLogIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk, ids := logged(t, 6)
		require.Len(t, files(t, disk), 1)
		require.Regexp(t, `^incoming/[0-9A-F]{16}\.log$`, files(t, disk)[0])
		seen := func() map[string]State {
			out := map[string]State{}
			for e, err := range s.List(t.Context(), Filter{}) {
				require.NoError(t, err)
				require.Equal(t, "a@example.org", e.From)
				require.Equal(t, "b@example.net", e.Recipients[0].Address)
				out[e.ID] = e.State
				m, c, err := s.Open(t.Context(), e.ID)
				require.NoError(t, err)
				require.Equal(t, e.Message, m)
				b, err := io.ReadAll(c)
				require.NoError(t, errors.Join(err, c.Close()))
				require.Equal(t, "x\r\n", string(b))
				for range s.History(t.Context(), e.ID) {
					require.Fail(t, "nothing has been tried")
				}
			}
			return out
		}
		want := map[string]State{}
		for _, id := range ids {
			want[id] = Incoming
		}
		require.Equal(t, want, seen())
		l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 4})
		require.NoError(t, err)
		require.Len(t, l, 4)
		for _, l := range l {
			want[l.ID] = Active
		}
		require.Equal(t, want, seen())
		require.Len(t, files(t, disk), 1)

		// Done, deferred, marked, and held while it is leased.
		require.NoError(t, s.Finish(t.Context(), l[0], Finish{Done: true}))
		require.NoError(t, s.Finish(t.Context(), l[1], Finish{Retry: time.Now().Add(time.Hour)}))
		require.NoError(t, s.Record(t.Context(), l[2], []Outcome{{Recipients: []int{0}, State: Failed}}))
		n, err := s.Edit(t.Context(), Filter{IDs: []string{l[3].ID}}, OpHold)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, s.Finish(t.Context(), l[3], Finish{Retry: time.Now().Add(time.Hour)}))
		delete(want, l[0].ID)
		want[l[1].ID], want[l[3].ID] = Deferred, Held
		require.ElementsMatch(t, []string{"deferred/" + l[1].ID, "active/" + l[2].ID, "hold/" + l[3].ID}, files(t, disk)[1:])
		require.NoError(t, s.Finish(t.Context(), l[2], Finish{Done: true}))
		delete(want, l[2].ID)
		require.Equal(t, want, seen())

		// What a filter doesn't mean stays where it is.
		nobody := "nobody@example.org"
		n, err = s.Edit(t.Context(), Filter{Sender: &nobody}, OpDelete)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Len(t, files(t, disk), 3)
		n, err = s.Edit(t.Context(), Filter{States: []State{Incoming}, Recipient: "b@example.net"}, OpHold)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Len(t, files(t, disk), 5)
		last := deferTo(t, s, time.Time{})
		require.NoError(t, s.Close())
		require.Contains(t, files(t, disk), "incoming/"+last)
		require.Len(t, files(t, disk), 5, "no log is left")
		require.Zero(t, s.freshSize-len(s.fresh[last].raw))
	})
}

// A message that got a file while the log could not be written to is in the log without a mark. The file doesn't go before the mark
// is there: after a crash, the log would have the message live that was done.
func TestNoFileGoesBeforeItsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk, ids := logged(t, 2)
		l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 1})
		require.NoError(t, err)
		full := false
		disk.Fail = func(op, name string) error {
			if full && strings.HasSuffix(name, logSuffix) {
				return syscall.ENOSPC
			}
			return nil
		}
		full = true
		require.NoError(t, s.Record(t.Context(), l[0], []Outcome{{Recipients: []int{0}, State: Delivered}}))
		_, err = s.Edit(t.Context(), Filter{IDs: []string{ids[1]}}, OpHold)
		require.NoError(t, err)
		require.ErrorIs(t, s.Finish(t.Context(), l[0], Finish{Done: true}), syscall.ENOSPC)
		_, err = s.Edit(t.Context(), Filter{IDs: []string{ids[1]}}, OpDelete)
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.Len(t, files(t, disk), 3)
		full = false
		require.NoError(t, s.Finish(t.Context(), l[0], Finish{Done: true}))
		_, err = s.Edit(t.Context(), Filter{IDs: []string{ids[1]}}, OpDelete)
		require.NoError(t, err)
		disk.Stop()
		s = &Spool{Dir: "/spool", FS: disk.Recover(rand.New(rand.NewPCG(1, 1))), Log: true}
		for e, err := range s.List(t.Context(), Filter{}) {
			require.NoError(t, err)
			require.Fail(t, "is there again", e.ID)
		}
		require.NoError(t, s.Close())
	})
}

// Without its end a run leaves a log; the next one has a file for what lives in it, and for nothing else.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk, ids := logged(t, 5)
		l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 3})
		require.NoError(t, err)
		require.NoError(t, s.Finish(t.Context(), l[0], Finish{Done: true}))
		require.NoError(t, s.Finish(t.Context(), l[1], Finish{Retry: time.Now().Add(time.Hour)}))
		disk.Stop()
		disk = disk.Recover(rand.New(rand.NewPCG(1, 1)))
		s = &Spool{Dir: "/spool", FS: disk, Log: true}
		require.NoError(t, s.Start())
		require.Len(t, files(t, disk), 4)
		require.NotContains(t, strings.Join(files(t, disk), " "), ".log")
		for _, id := range ids {
			_, _, err := s.Open(t.Context(), id)
			if id == l[0].ID {
				require.ErrorIs(t, err, ErrNotFound)
			} else {
				require.NoError(t, err)
			}
		}
		require.NoError(t, s.Close())
	})
}

// slowSync is a disk that takes 10 ms to sync a file, while it is slow, and may fail then.
type slowSync struct {
	*vfs.Crash
	failing, quick atomic.Bool
}

func (d *slowSync) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := d.Crash.OpenFile(name, flag, perm)
	return slowFile{f, d}, err
}

type slowFile struct {
	vfs.File
	d *slowSync
}

func (f slowFile) Sync() error {
	if !f.d.quick.Load() {
		time.Sleep(10 * time.Millisecond)
	}
	if f.d.failing.Load() {
		return syscall.EIO
	}
	return f.File.Sync()
}

// Those who come at the same time share a write and a sync, marks included; each hears of its own.
func TestLogSharesSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowSync{Crash: vfs.NewCrash()}
		s := &Spool{Dir: "/spool", FS: disk, Log: true}
		defer s.Close()
		deferTo(t, s, time.Time{})
		before := disk.Ops()
		put := func(n int) (failed int) {
			errs := make(chan error, n)
			for range n {
				go func() {
					d, err := s.Create(t.Context())
					if err == nil {
						m := &Message{Recipients: []Recipient{{Address: "b@example.net", State: Pending}}}
						if err = d.Write(t.Context(), m, strings.NewReader("x\r\n")); err == nil {
							err = d.Commit(t.Context(), Placement{})
						}
						if err != nil {
							_ = d.Abort()
						}
					}
					errs <- err
				}()
			}
			for range n {
				if err := <-errs; err != nil {
					require.ErrorIs(t, err, syscall.EIO)
					failed++
				}
			}
			return failed
		}
		require.Zero(t, put(50))
		require.LessOrEqual(t, disk.Ops()-before, 6, "the first, then the others in one, a write and a sync each")
		disk.failing.Store(true)
		require.Equal(t, 20, put(20))
		disk.failing.Store(false)
		require.Zero(t, put(20), "a new segment")
		disk.quick.Store(true)
		seen := 0
		for {
			l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 10})
			require.NoError(t, err)
			if len(l) == 0 {
				break
			}
			for _, l := range l {
				seen++
				require.NoError(t, s.Finish(t.Context(), l, Finish{Done: true}))
			}
		}
		require.Equal(t, 71, seen, "and none of the others")
		require.Zero(t, s.freshSize)
		require.Empty(t, s.log.where)
	})
}

// Old segments go, in their order; a message that is long on its way gets a file so that its segment can go.
func TestSegmentsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk, ids := logged(t, 1)
		s.log.limit = 2000
		slow, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 1})
		require.NoError(t, err)
		most := 0
		for range 200 {
			deferTo(t, s, time.Time{})
			l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 1})
			require.NoError(t, err)
			require.NoError(t, s.Finish(t.Context(), l[0], Finish{Done: true}))
			synctest.Wait()
			most = max(most, len(files(t, disk)))
		}
		require.LessOrEqual(t, most, logSegments+3)
		require.Contains(t, files(t, disk), "active/"+ids[0])
		require.NoError(t, s.Finish(t.Context(), slow[0], Finish{Done: true}))
		require.NotContains(t, files(t, disk), "active/"+ids[0])
		require.NoError(t, s.Close())
		require.Empty(t, files(t, disk))
	})
}

// A log in which nothing lives is removed after a moment, so that what has been delivered doesn't stay on disk; the next message
// makes another one. An error leaves it for later.
func TestIdleLogGoes(t *testing.T) {
	for _, what := range []string{"remove", "syncdir"} {
		synctest.Test(t, func(t *testing.T) { testIdleLog(t, what) })
	}
}

func testIdleLog(t *testing.T, what string) {
	s, disk, _ := logged(t, 3)
	failing := true
	disk.Fail = func(op, _ string) error {
		if failing && op == what {
			return syscall.EIO
		}
		return nil
	}
	for round := range 3 {
		time.Sleep(time.Hour)
		require.Len(t, files(t, disk), 1)
		for {
			l, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 1})
			require.NoError(t, err)
			if len(l) == 0 {
				break
			}
			require.NoError(t, s.Finish(t.Context(), l[0], Finish{Done: true}))
		}
		require.Len(t, files(t, disk), 1)
		time.Sleep(logIdle + time.Second)
		synctest.Wait()
		if failing && what == "remove" {
			require.Len(t, files(t, disk), 1, round)
		} else {
			require.Empty(t, files(t, disk), round)
		}
		failing = false
		deferTo(t, s, time.Time{})
	}
}

// segmentOf is a segment as it is written: batches of messages, and marks.
func segmentOf(t testing.TB) (text []byte, name string, last int, raws map[string]string) {
	disk := vfs.NewCrash()
	s := &Spool{Dir: "/spool", FS: disk, Log: true}
	require.NoError(t, s.Start())
	raws = map[string]string{}
	l := s.log
	for i := range 6 {
		id, raw := fmt.Sprintf("A%d", i), fmt.Sprintf("message %d\nBuuta-Queue-Log: 0123456789ABCDEF m A9 0000000001 00000000 00000000\n\n", i)
		raws[id] = raw
		last = 0
		if len(l.all) > 0 {
			last = int(l.all[0].end)
		}
		b := &logBatch{done: make(chan struct{}), entries: []logEntry{{id: id, raw: []byte(raw)}}}
		if i == 3 {
			b.entries = append(b.entries, logEntry{id: "A1"})
		}
		l.next = b
		l.write()
		require.NoError(t, b.err)
	}
	name = l.all[0].name
	text, _, err := s.readWhole(l.file(name))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return text, name, last, raws
}

func entries(text []byte, name string) (all map[string]string, done map[string]bool, ok bool) {
	all, done = map[string]string{}, map[string]bool{}
	ok = readSegment(text, name, func(id string, raw []byte) {
		if raw == nil {
			done[id] = true
		} else {
			all[id] = string(raw)
		}
	})
	return all, done, ok
}

// Whatever octet is damaged: all but the entry that it is in are found, none is altered, and it is noticed, unless it is at the end
// where a write may have been interrupted. What a message says doesn't matter.
func TestDamagedSegments(t *testing.T) {
	text, name, last, raws := segmentOf(t)
	all, done, ok := entries(text, name)
	require.True(t, ok)
	require.Equal(t, raws, all)
	require.Equal(t, map[string]bool{"A1": true}, done)
	for at := range text {
		for _, flip := range []byte{1, 0x80, '\n'} {
			bad := bytes.Clone(text)
			if bad[at] ^= flip; bad[at] == text[at] {
				continue
			}
			all, done, ok := entries(bad, name)
			require.Equal(t, at >= last, ok || at < last && ok, "octet %d of %d, last batch at %d", at, len(text), last)
			require.GreaterOrEqual(t, len(all)+len(done), 6)
			for id, raw := range all {
				require.Equal(t, raws[id], raw)
			}
		}
	}
	for end := range text {
		all, _, ok := entries(text[:end], name)
		require.True(t, ok, "a file that ends is the last write, interrupted")
		for id, raw := range all {
			require.Equal(t, raws[id], raw)
		}
		require.LessOrEqual(t, len(raws)-len(all), 6)
		require.True(t, end < last || len(all) >= 5)
	}
}

// A damaged segment is set aside, not deleted, and what is whole in it is delivered.
func TestDamagedSegmentIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk, ids := logged(t, 4)
		name := s.log.all[0].name
		disk.Stop()
		disk = disk.Recover(rand.New(rand.NewPCG(1, 1)))
		f, err := disk.OpenFile("/spool/incoming/"+name+".log", 2, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("X"), 300)
		require.NoError(t, errors.Join(err, f.Close()))
		var aside []string
		s = &Spool{Dir: "/spool", FS: disk, Log: true, SetAside: func(id string, err error) {
			require.ErrorIs(t, err, ErrCorrupt)
			aside = append(aside, id)
		}}
		require.NoError(t, s.Start())
		require.Equal(t, []string{name}, aside)
		require.ElementsMatch(t, []string{"incoming/" + ids[1], "incoming/" + ids[2], "incoming/" + ids[3], "corrupt/" + name}, files(t, disk))
		require.NoError(t, s.Close())
	})
}

func FuzzSegment(f *testing.F) {
	text, name, _, _ := segmentOf(f)
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add(slices.Concat(text[100:], text))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, done, _ := entries(text, name)
		for id := range maps.Keys(all) {
			if !validID(id) {
				t.Fatalf("%q is no id", id)
			}
		}
		for id := range done {
			if !validID(id) {
				t.Fatalf("%q is no id", id)
			}
		}
	})
}

// badBlock is a disk one block of whose segments can't be read any more.
type badBlock struct {
	*vfs.Crash
	at int64
}

func (d *badBlock) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := d.Crash.OpenFile(name, flag, perm)
	if err == nil && strings.HasSuffix(name, logSuffix) {
		return &badBlockFile{File: f, d: d}, nil
	}
	return f, err
}

type badBlockFile struct {
	vfs.File
	d  *badBlock
	at int64
}

func (f *badBlockFile) Read(p []byte) (int, error) {
	if f.at+int64(len(p)) > f.d.at { // a read that reaches the block ends before it
		p = p[:max(0, f.d.at-f.at)]
		if len(p) == 0 {
			return 0, &fs.PathError{Op: "read", Path: f.Name(), Err: syscall.EIO}
		}
	}
	n, err := f.File.Read(p)
	f.at += int64(n)
	return n, err
}

func (f *badBlockFile) ReadAt(p []byte, off int64) (int, error) {
	if off < f.d.at+4096 && f.d.at < off+int64(len(p)) {
		return 0, &fs.PathError{Op: "read", Path: f.Name(), Err: syscall.EIO}
	}
	return f.File.ReadAt(p, off)
}

// A block of a segment that can't be read costs the messages in it and no others: the spool starts, and the segment is kept for who can read more of it.
func TestUnreadableBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk, ids := logged(t, 40) // three blocks and more
		name := s.log.all[0].name
		disk.Stop()
		disk = disk.Recover(rand.New(rand.NewPCG(1, 1)))
		var aside []string
		s = &Spool{Dir: "/spool", FS: &badBlock{disk, 4096}, Log: true, SetAside: func(id string, err error) {
			require.ErrorIs(t, err, ErrCorrupt)
			aside = append(aside, id)
		}}
		require.NoError(t, s.Start())
		defer s.Close()
		require.Equal(t, []string{name}, aside)
		left := 0
		for _, f := range files(t, disk) {
			if strings.HasPrefix(f, "incoming/") {
				left++
			}
		}
		require.Greater(t, left, len(ids)/2)
		require.Less(t, left, len(ids))
		require.Contains(t, files(t, disk), "corrupt/"+name)
	})
}
