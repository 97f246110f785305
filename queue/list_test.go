package queue_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// A list that is read in parts ends as one that is in memory: each recipient is delivered, returned or tried again, once,
// and a letter that comes later goes out before it has ended.
func TestListInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		greeted := map[string]bool{}
		s := sink{takes: time.Second}
		s.answer = func(_, _, to string) *mail.Reply {
			switch {
			case strings.HasPrefix(to, "unknown"):
				return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "No such user")
			case strings.HasPrefix(to, "grey") && !greeted[to]:
				greeted[to] = true
				return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "Greylisted")
			}
			return nil
		}
		var ev events
		tr := s.transport()
		tr.ProcessLimit, tr.RecipientLimit = 10, 5
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": tr}, Trace: ev.trace,
			Limits: queue.Limits{ActiveRecipients: 200, RecipientMinimum: 5},
		})
		var to []string
		for i := range 3000 {
			to = append(to, fmt.Sprintf("%s%d@d%d.example", []string{"user", "user", "unknown", "grey"}[i%4], i, i%50))
		}
		send(t, q, "list@example.org", letter, to...)
		time.Sleep(5 * time.Second)
		require.NotEmpty(t, s.all())
		most := 0
		for _, d := range q.Destinations() {
			most += d.Waiting
		}
		require.NotZero(t, most)
		require.LessOrEqual(t, most, 200)
		send(t, q, "a@example.org", letter, "b@d1.example")
		time.Sleep(10 * time.Second)
		got := s.all()
		require.True(t, slices.ContainsFunc(got, func(d delivered) bool { return d.to == "b@d1.example" }))
		require.Less(t, len(got), 2000, "the letter has not waited for the list")
		time.Sleep(6 * time.Hour)

		seen, returned := map[string]int{}, map[string]int{}
		for _, d := range s.all() {
			if d.from != "" {
				seen[d.to]++
				continue
			}
			for _, part := range strings.Split(d.body, "Final-Recipient: rfc822; ")[1:] {
				addr, _, _ := strings.Cut(part, "\r\n")
				returned[addr]++
			}
		}
		for i, a := range to {
			if i%4 == 2 {
				require.Equal(t, 1, returned[a], a)
				require.Zero(t, seen[a], a)
			} else {
				require.Equal(t, 1, seen[a], a)
				require.Zero(t, returned[a], a)
			}
		}
		require.Empty(t, states(t, q))
		require.Equal(t, "list@example.org", ev.all[1].From)
		require.Equal(t, 3000, ev.all[1].Recipients, "qmgr's line counts all")
	})
}

// The memory for a list of 100,000 recipients at 1,000 domains is that for one of 10,000.
func TestMemoryOfLists(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	used := func(n int) int64 {
		var base, got atomic.Int64
		var mu sync.Mutex
		var seen []int64
		heap := func() int64 {
			runtime.GC()
			live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // without what others allocate meanwhile
			metrics.Read(live)
			return int64(live[0].Value.Uint64())
		}
		null := mail.DelivererFunc(func(_ context.Context, e *mail.Envelope, r io.Reader) error {
			if k := got.Add(int64(len(e.Recipients))); k%10000 < int64(len(e.Recipients)) {
				h := heap()
				mu.Lock()
				seen = append(seen, h)
				mu.Unlock()
			}
			_, err := io.Copy(io.Discard, r)
			return err
		})
		gone := make(chan struct{})
		dir := t.TempDir()
		accept := &queue.Queue{Dir: dir}
		var to []string
		for i := range n {
			to = append(to, fmt.Sprintf("subscriber%d@d%d.example", i, i%1000))
		}
		send(t, accept, "list@example.org", letter, to...)
		require.NoError(t, accept.Close())
		to = nil
		base.Store(heap())
		q := &queue.Queue{
			Dir: dir, Transports: map[string]*queue.Transport{"smtp": {Deliverer: func(string) mail.Deliverer { return null }}},
			Trace: func(e queue.Event) {
				if e.Kind == queue.EventRemoved {
					close(gone)
				}
			},
		}
		require.NoError(t, q.Start())
		<-gone
		require.NoError(t, q.Close())
		require.Equal(t, int64(n), got.Load())
		require.GreaterOrEqual(t, len(seen), n/10000)
		most := int64(0) // of what is there for a while: a glance finds what others allocate during it, too
		for i := 0; i == 0 || i+3 <= len(seen); i++ {
			most = max(most, slices.Min(seen[i:min(i+3, len(seen))]))
		}
		return most - base.Load()
	}
	small, large := used(10000), used(100000)
	t.Logf("10,000 recipients: %d KiB, 100,000: %d KiB", small>>10, large>>10)
	require.Less(t, large, 2*small+4<<20)
}
