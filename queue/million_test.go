package queue_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// A million messages in the queue: what a start, new mail, a list, a search, an order and the messages that are due cost then.
// It takes minutes and 4 GiB of disk, so it runs with -soak only.
func TestMillion(t *testing.T) {
	if *soak == 0 {
		t.Skip("takes minutes: -soak")
	}
	const all, due = 1_000_000, 1000
	dir := t.TempDir()
	s := &queue.Spool{Dir: dir}
	id := spoolPut(t, s)
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(filepath.Join(dir, "incoming", id))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "incoming", id)))
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	for n := range all {
		name := filepath.Join(dir, "deferred", fmt.Sprintf("F%08X", n))
		require.NoError(t, os.WriteFile(name, whole, 0o600))
		at := later
		if n%(all/due) == 0 {
			at = past
		}
		require.NoError(t, os.Chtimes(name, at, at))
	}
	_ = exec.Command("sync").Run() // what is written for the test shall not be written during it
	begun := time.Now()
	took := func(what string) {
		t.Logf("%-40s %v", what, time.Since(begun).Round(time.Millisecond))
		begun = time.Now()
	}
	heap := func() uint64 {
		runtime.GC()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		return live[0].Value.Uint64()
	}
	before := heap()
	begun = time.Now()

	world := &sink{}
	q := &queue.Queue{Storage: &queue.Spool{Dir: dir, Log: true}, Transports: map[string]*queue.Transport{"smtp": world.transport()}}
	require.NoError(t, q.Start())
	took("start")
	send(t, q, "new@example.org", letter, "b@example.net")
	took("a new message is accepted")
	arrived := func(from string) bool {
		world.mu.Lock()
		defer world.mu.Unlock()
		for i := range world.got {
			if world.got[i].from == from {
				return true
			}
		}
		return false
	}
	require.Eventually(t, func() bool { return arrived("new@example.org") }, 10*time.Minute, time.Millisecond)
	took("and delivered")
	require.Eventually(t, func() bool { return len(world.all()) == due+1 }, 10*time.Minute, 10*time.Millisecond)
	took(fmt.Sprint(due, " that are due are found and delivered"))
	t.Logf("%-40s %.1f MiB", "memory", float64(heap()-before)/(1<<20))
	begun = time.Now()

	n := 0
	for e, err := range q.List(context.Background(), queue.Filter{}) {
		require.NoError(t, err)
		require.Equal(t, queue.Deferred, e.State)
		n++
	}
	require.Equal(t, all-due, n)
	took("list of all")
	one := queue.Filter{IDs: []string{"F00000001"}}
	for range q.List(context.Background(), one) {
	}
	took("list of one")
	n, err = q.Hold(context.Background(), queue.Filter{Sender: ptr("nobody@example.org")})
	require.NoError(t, err)
	require.Zero(t, n)
	took("search for a sender")
	n, err = q.Bounce(context.Background(), one, mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "no"))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Eventually(t, func() bool { return arrived("") }, 10*time.Minute, time.Millisecond)
	took("one is returned")
	require.NoError(t, q.Shutdown(context.Background()))
	took("shutdown")
	for _, e := range []string{"incoming", "active", "hold", "corrupt"} {
		left, err := os.ReadDir(filepath.Join(dir, e))
		require.NoError(t, err)
		require.Empty(t, left, strings.ToUpper(e))
	}
}

func ptr[T any](v T) *T { return &v }
