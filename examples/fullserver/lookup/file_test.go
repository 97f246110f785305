package lookup

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// watched is a table in a file, with a clock that the test moves.
type watched struct {
	t     *testing.T
	name  string
	now   atomic.Int64
	mu    sync.Mutex
	warns []string
	table Table
}

func watch(t *testing.T, text string) *watched {
	w := &watched{t: t, name: filepath.Join(t.TempDir(), "table")}
	w.write(text, -time.Minute)
	w.now.Store(time.Now().UnixNano())
	table, err := Open(context.Background(), "hash:"+w.name, &Options{
		Now: func() time.Time { return time.Unix(0, w.now.Load()) },
		Warn: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.warns = append(w.warns, err.Error())
		},
	})
	require.NoError(t, err)
	w.table = table
	return w
}

// write writes in place, with a time of change that lies age after now.
func (w *watched) write(text string, age time.Duration) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.name, []byte(text), 0o600))
	at := time.Now().Add(age)
	require.NoError(w.t, os.Chtimes(w.name, at, at))
}

// rename puts another file in its place.
func (w *watched) rename(text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.name+".new", []byte(text), 0o600))
	require.NoError(w.t, os.Rename(w.name+".new", w.name))
}

func (w *watched) pass(d time.Duration) { w.now.Add(int64(d)) }

func (w *watched) want(key, value string) {
	w.t.Helper()
	got, found, err := w.table.Find(context.Background(), key)
	require.NoError(w.t, err)
	require.Equal(w.t, value, got)
	require.Equal(w.t, value != "", found)
}

func TestChangedFileIsReadAgain(t *testing.T) {
	w := watch(t, "a one\n")
	w.want("a", "one")

	w.rename("a two\n")
	w.want("a", "one") // not looked at within a second
	w.pass(2 * time.Second)
	w.want("a", "two")

	// Written in place and not left alone for a second yet: it may be half a file.
	w.write("a thr", 5*time.Second)
	w.pass(4 * time.Second)
	w.want("a", "two")
	w.write("a three\nb four\n", 5*time.Second)
	w.pass(2 * time.Second)
	w.want("a", "three")
	w.want("b", "four")
	require.Empty(t, w.warns)
}

func TestFileThatCannotBeReadKeepsTheTable(t *testing.T) {
	w := watch(t, "a one\n")
	require.NoError(t, os.Remove(w.name))
	for range 3 {
		w.pass(2 * time.Second)
		w.want("a", "one")
	}
	require.Len(t, w.warns, 1, "it is said once")
	require.Contains(t, w.warns[0], "the table stays as it was")

	w.rename("a two\n")
	w.pass(2 * time.Second)
	w.want("a", "two")
}

func TestFileLimits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "table")
	require.NoError(t, os.WriteFile(name, []byte("a one\n"), 0o600))
	_, err := Open(context.Background(), "hash:"+name, &Options{Limits: Limits{File: 3}})
	require.ErrorIs(t, err, ErrLimit)
	_, err = Open(context.Background(), "hash:"+filepath.Dir(name), nil)
	require.ErrorContains(t, err, "is a directory")

	table, err := Open(context.Background(), "hash:"+name, &Options{Limits: Limits{Value: 2}})
	require.NoError(t, err)
	_, found, err := table.Find(context.Background(), "a")
	require.ErrorIs(t, err, ErrLimit)
	require.False(t, found)
	var te *TableError
	require.ErrorAs(t, err, &te)
	require.Equal(t, "hash:"+name, te.Table)
}

// TestNobodySeesHalfATable: readers see one generation or the next while files are renamed into place.
func TestNobodySeesHalfATable(t *testing.T) {
	const keys, generations = 200, 20
	text := func(gen int) string {
		var b []byte
		for i := range keys {
			b = append(b, "k"+strconv.Itoa(i)+" "+strconv.Itoa(gen)+"\n"...)
		}
		return string(b)
	}
	w := watch(t, text(0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			last := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				for i := range keys {
					v, found, err := w.table.Find(context.Background(), "k"+strconv.Itoa(i))
					gen, nerr := strconv.Atoi(v)
					if err != nil || !found || nerr != nil || gen < last {
						t.Errorf("k%d: %q %v %v after generation %d", i, v, found, err, last)
						return
					}
					last = gen
				}
			}
		})
	}
	for gen := 1; gen <= generations; gen++ {
		w.rename(text(gen))
		w.pass(2 * time.Second)
		// One of the readers may be reading the file now; until it has, all have the generation before.
		require.Eventually(t, func() bool {
			got, _, err := w.table.Find(context.Background(), "k0")
			return err == nil && got == strconv.Itoa(gen)
		}, 20*time.Second, time.Millisecond)
	}
	close(stop)
	wg.Wait()
}
