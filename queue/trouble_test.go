package queue_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// troubles are what disks are seen to do, each for a while, and what senders are told meanwhile.
var troubles = []struct {
	name  string
	err   error
	ops   string // the operations that fail
	reply string
}{
	{"disk full", syscall.ENOSPC, "write mkdir", "452 4.3.1 Insufficient system storage"},
	{"full when it is synced", syscall.ENOSPC, "sync", "452 4.3.1 Insufficient system storage"},
	{"no inodes, and no room in folders", syscall.ENOSPC, "create rename", "452 4.3.1 Insufficient system storage"},
	{"quota", syscall.EDQUOT, "write create", "452 4.3.1 Insufficient system storage"},
	{"read-only", syscall.EROFS, "write create rename remove chtimes truncate mkdir", "451 4.3.0 Error: queue file write error"},
	{"writing fails", syscall.EIO, "write sync syncdir", "451 4.3.0 Error: queue file write error"},
	{"folders can't be synced", syscall.EIO, "syncdir", "451 4.3.0 Error: queue file write error"},
	{"reading fails", syscall.EIO, "read open stat readdir", "451 4.3.0 Error: queue file write error"},
	{"all fails", syscall.EIO, "", "451 4.3.0 Error: queue file write error"},
	{"too many open files", syscall.EMFILE, "open create readdir", "451 4.3.0 Error: queue file write error"},
}

// Whatever the disk refuses for two hours: senders get a clear answer, what is refused is delivered to nobody, what was
// accepted before is delivered or returned once, and everything goes on by itself when the trouble is over.
func TestTroubles(t *testing.T) {
	for i := range 2 * len(troubles) {
		tt, log := troubles[i/2], i%2 == 1
		t.Run(fmt.Sprint(tt.name, ", log ", log), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				disk, w := vfs.NewCrash(), newWorld()
				disk.Fail = func(op, name string) error {
					if broken.Load() && (tt.ops == "" || slices.Contains(strings.Fields(tt.ops), op)) {
						return tt.err
					}
					return nil
				}
				w.log = log
				w.takes = time.Second // so that deliveries are under way when it begins
				ev := new(events)
				q := w.queue(disk, w.transport())
				q.Trace = ev.trace
				q = start(t, q)
				w.submit(q, "before")
				time.Sleep(time.Second / 2)
				broken.Store(true)
				refused := 0
				for i := range 24 {
					from := fmt.Sprintf("refused%d@example.org", i)
					_, err := sendEnvelope(q, &mail.Envelope{From: from, Recipients: []mail.Recipient{{Address: "b@example.net"}}}, letter)
					if err == nil {
						w.queued[from] = []string{"b@example.net"}
					} else {
						refused++
						require.Equal(t, tt.reply, mail.ReplyOf(err).String())
						require.ErrorIs(t, err, tt.err, "for the log")
					}
					time.Sleep(5 * time.Minute)
				}
				ops := strings.Fields(tt.ops)
				appends := log && tt.ops != "" && !slices.Contains(ops, "write") && !slices.Contains(ops, "sync")
				if tt.name != "reading fails" && !appends { // a log that is open takes messages when no file can be made
					require.Equal(t, 24, refused)
				}
				broken.Store(false)
				w.submit(q, "after")
				require.Len(t, w.queued, 24-refused+8)
				time.Sleep(12 * time.Hour)
				synctest.Wait()
				require.Empty(t, states(t, q))
				w.check(t, 0, 0, tt.name)
				for _, d := range w.all() {
					if d.from != "" {
						require.Contains(t, w.queued[d.from], d.to, "was refused")
					}
					require.NotContains(t, d.body, "/var/spool", "what the disk is called is nobody's business")
				}
			})
		})
	}
}

// What was accepted while the disk was full, as far as it was, is on disk: a crash in the middle of the trouble loses none
// of it, and repeats only what the spool has not said is marked.
func TestCrashOnAFullDisk(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			disk, w := vfs.NewCrash(), newWorld()
			disk.Fail = func(op, name string) error {
				if (op == "write" || op == "create" || op == "sync") && rnd.IntN(4) == 0 {
					return syscall.ENOSPC
				}
				return nil
			}
			w.takes, w.log = time.Second, seed%2 == 1
			noted := newNoting(w, disk)
			q := w.queue(disk, w.transport())
			q.Storage = noted
			for noted.Start() != nil {
			}
			require.NoError(t, q.Start())
			for i := range 10 {
				w.submit(q, fmt.Sprint("m", i))
			}
			require.NotEmpty(t, w.queued)
			require.Less(t, len(w.queued), 40)
			time.Sleep(time.Duration(seed/2) * time.Second)
			disk.Stop()
			time.Sleep(2 * time.Second) // the other side takes what has been sent
			synctest.Wait()
			_ = q.Close()
			unnoted := noted.unnoted() // for the disk was full, or the machine stopped
			disk = disk.Recover(rnd)
			disk.Fail = nil
			q = start(t, w.queue(disk, w.transport()))
			time.Sleep(12 * time.Hour)
			synctest.Wait()
			require.Empty(t, states(t, q))
			// Of a report that could not be queued something may be left, each time it was tried.
			w.check(t, 10, unnoted, fmt.Sprint("seed ", seed))
		})
	}
}

// An error of ours of which a sender hears in the end, in a report, tells him nothing of our disk or our database; the log has it.
func TestReportsTellNothingOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, ev := post(t, accept, func(q *queue.Queue) {
			q.Backoff.Lifetime = time.Hour
			q.Route = func(_ context.Context, _, to string) (queue.Route, error) {
				if to == "b@example.net" {
					return queue.Route{}, &fs.PathError{Op: "open", Path: "/etc/secret", Err: syscall.EMFILE}
				}
				return queue.Route{Transport: "smtp", Nexthop: "example.net"}, nil
			}
		})
		send(t, q, "a@example.org", letter, "b@example.net")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		got := reports(s)
		require.Len(t, got, 1)
		require.NotContains(t, got[0].body, "secret")
		require.Contains(t, got[0].body, "451 4.3.0 Local error in processing")
		require.Contains(t, strings.Join(ev.lines(), "\n"), "status=deferred (open /etc/secret: too many open files)")
	})
}
