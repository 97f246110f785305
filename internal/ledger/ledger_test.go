package ledger_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/internal/ledger"
	"github.com/buuta/mail/internal/vfs"
)

func key(n int) (k ledger.Key) {
	binary.LittleEndian.PutUint32(k[:], uint32(n))
	return k
}

func TestKeptAndForgotten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "clients")
	synctest.Test(t, func(t *testing.T) {
		a, err := ledger.Open(name, ledger.Options{})
		require.NoError(t, err)
		_, err = ledger.Open(name, ledger.Options{})
		require.ErrorIs(t, err, vfs.ErrLocked)
		a.Put(key(1), ledger.Value{1, 2, 3, 4, 5}, time.Now().Add(time.Hour))
		a.Put(key(2), ledger.Value{9}, time.Now().Add(time.Minute))
		a.Put(key(3), ledger.Value{9}, time.Now().Add(time.Minute))
		a.Put(key(3), ledger.Value{}, time.Time{})
		a.Update(key(1), func(v ledger.Value, known bool) (ledger.Value, time.Time) {
			require.True(t, known)
			v[4]++
			return v, time.Now().Add(time.Hour)
		})
		before, err := os.Stat(name)
		require.NoError(t, err)
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		after, err := os.Stat(name)
		require.NoError(t, err)
		require.Greater(t, after.Size(), before.Size(), "changes are in the file a second later")
		require.NoError(t, a.Close())
		require.NoError(t, a.Close())

		b, err := ledger.Open(name, ledger.Options{})
		require.NoError(t, err)
		defer b.Close()
		require.Equal(t, 2, b.Len())
		v, ok := b.Get(key(1))
		require.True(t, ok)
		require.Equal(t, ledger.Value{1, 2, 3, 4, 6}, v)
		time.Sleep(time.Minute)
		_, ok = b.Get(key(2))
		require.False(t, ok, "its time is over")
	})
}

// Whatever comes, a table has no more than Max records, and its file doesn't grow for ever.
func TestBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "clients")
	a, err := ledger.Open(name, ledger.Options{Max: 100, Delay: time.Hour})
	require.NoError(t, err)
	later := time.Now().Add(time.Hour)
	a.Put(key(0), ledger.Value{7}, later.Add(time.Hour))
	for n := range 50_000 {
		a.Put(key(1+n), ledger.Value{}, later)
		if n%1000 == 0 {
			require.NoError(t, a.Sync())
		}
		require.LessOrEqual(t, a.Len(), 100)
	}
	_, ok := a.Get(key(0))
	require.True(t, ok, "those go that would go soon")
	require.NoError(t, a.Close())
	st, err := os.Stat(name)
	require.NoError(t, err)
	require.Less(t, st.Size(), int64(4000*44))
}

func TestNoLedger(t *testing.T) {
	name := filepath.Join(t.TempDir(), "clients")
	require.NoError(t, os.WriteFile(name, []byte("what somebody else wrote into this file"), 0o600))
	_, err := ledger.Open(name, ledger.Options{})
	require.ErrorContains(t, err, "is no ledger")
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Contains(t, string(b), "somebody else", "and it stays as it is")
}

// Wherever the machine stops, what was synced before is there after, and nothing that was never put.
func TestCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := vfs.NewCrash()
		crash := rapid.IntRange(1, 40).Draw(t, "crash")
		synced, last := map[int]uint32{}, map[int]uint32{}
		disk.CrashAt(crash)
		until := time.Now().Add(time.Hour)
		func() {
			a, err := ledger.Open("/clients", ledger.Options{FS: disk, Delay: time.Hour})
			if err != nil {
				return
			}
			for i := range 30 {
				n := rapid.IntRange(0, 5).Draw(t, "key")
				a.Put(key(n), ledger.Value{uint32(i)}, until)
				last[n] = uint32(i)
				if rapid.Bool().Draw(t, "sync") {
					if a.Sync() != nil {
						return
					}
					for k, v := range last {
						synced[k] = v
					}
				}
			}
			_ = a.Close()
		}()
		disk = disk.Recover(rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		b, err := ledger.Open("/clients", ledger.Options{FS: disk, Delay: time.Hour})
		require.NoError(t, err)
		defer b.Close()
		for k, v := range synced {
			got, ok := b.Get(key(k))
			require.True(t, ok)
			require.GreaterOrEqual(t, got[0], v)
			require.LessOrEqual(t, got[0], last[k])
		}
		b.Put(key(9), ledger.Value{1}, until)
		require.NoError(t, b.Sync())
	})
}

// A disk that fails once has all of it the next time.
func TestDiskFails(t *testing.T) {
	disk := vfs.NewCrash()
	fails := false
	broken := errors.New("broken")
	disk.Fail = func(op, name string) error {
		if fails && op == "sync" {
			return broken
		}
		return nil
	}
	a, err := ledger.Open("/clients", ledger.Options{FS: disk, Delay: time.Hour})
	require.NoError(t, err)
	until := time.Now().Add(time.Hour)
	a.Put(key(1), ledger.Value{1}, until)
	fails = true
	require.ErrorIs(t, a.Sync(), broken)
	a.Put(key(2), ledger.Value{2}, until)
	require.ErrorIs(t, a.Sync(), broken)
	fails = false
	require.NoError(t, a.Sync())
	require.NoError(t, a.Close())
	b, err := ledger.Open("/clients", ledger.Options{FS: disk, Delay: time.Hour})
	require.NoError(t, err)
	require.Equal(t, 2, b.Len())
	require.NoError(t, b.Close())
}

// Whatever a file holds, it is read or refused, and what is read can be written.
func FuzzOpen(f *testing.F) {
	good := func(n int) []byte {
		disk := vfs.NewCrash()
		a, _ := ledger.Open("/c", ledger.Options{FS: disk, Delay: time.Hour})
		for i := range n {
			a.Put(key(i), ledger.Value{1}, time.Unix(1<<32-2, 0))
		}
		_ = a.Close()
		file, _ := disk.OpenFile("/c", os.O_RDONLY, 0)
		b, _ := io.ReadAll(file)
		return b
	}
	f.Add(good(0))
	f.Add(good(3))
	f.Add(good(3)[:100])
	f.Add([]byte("btledger"))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := vfs.NewCrash()
		file, err := disk.OpenFile("/c", os.O_CREATE|os.O_RDWR, fs.FileMode(0o600))
		require.NoError(t, err)
		_, err = io.Copy(file, bytes.NewReader(b))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		a, err := ledger.Open("/c", ledger.Options{FS: disk, Delay: time.Hour})
		if err != nil {
			return
		}
		n := a.Len()
		require.NoError(t, a.Close())
		a, err = ledger.Open("/c", ledger.Options{FS: disk, Delay: time.Hour})
		require.NoError(t, err)
		require.Equal(t, n, a.Len())
		require.NoError(t, a.Close())
	})
}

func BenchmarkPut(b *testing.B) {
	a, err := ledger.Open(filepath.Join(b.TempDir(), "clients"), ledger.Options{})
	require.NoError(b, err)
	defer a.Close()
	until := time.Now().Add(time.Hour)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		a.Put(key(n%50_000), ledger.Value{uint32(n)}, until)
	}
}
