package queue_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// world is everything outside the machine that crashes: it remembers across crashes what it was given.
type world struct {
	sink
	queued map[string][]string // by message: recipients for which Commit said yes
	limits queue.Limits
	log    bool // with a Spool that has one
}

func newWorld() *world {
	w := &world{queued: map[string][]string{}}
	greeted := map[string]bool{}
	w.answer = func(_, _, to string) *mail.Reply {
		switch {
		case strings.HasPrefix(to, "unknown"):
			return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "No such user")
		case strings.HasPrefix(to, "grey") && !greeted[to]:
			greeted[to] = true
			return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "Greylisted")
		}
		return nil
	}
	return w
}

func (w *world) queue(fs queue.FS, tr *queue.Transport) *queue.Queue {
	q := &queue.Queue{Dir: "/var/spool", FS: fs, Transports: map[string]*queue.Transport{"smtp": tr}, Limits: w.limits}
	if w.log {
		q.Storage = &queue.Spool{Dir: q.Dir, FS: fs, Limits: w.limits, Log: true}
	}
	return q
}

// submit sends a few messages and notes what was promised.
func (w *world) submit(q *queue.Queue, name string) {
	to := []string{"b@example.net", "unknown@example.net", "grey@example.com", "c@example.com"}
	for i := range 4 {
		from := fmt.Sprintf("%s%d@example.org", name, i)
		env := &mail.Envelope{From: from}
		for _, a := range to[:i+1] {
			env.Recipients = append(env.Recipients, mail.Recipient{Address: strings.Replace(a, "@", "-"+name+fmt.Sprint(i)+"@", 1)})
		}
		if i == 3 {
			env.Recipients[0].Options.Notify = mail.NotifySuccess
		}
		body := letter + strings.Repeat(from+"\r\n", 200*i) // from one sector to many
		if _, err := sendEnvelope(q, env, body); err == nil {
			for _, r := range env.Recipients {
				w.queued[from] = append(w.queued[from], r.Address)
			}
		}
	}
}

// told counts how often things have happened.
func (w *world) told() (delivered, returned, confirmed map[string]int) {
	delivered, returned, confirmed = map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range w.all() {
		if d.from != "" {
			delivered[d.from+">"+d.to]++
			continue
		}
		for _, group := range strings.Split(d.body, "\r\n\r\n") {
			_, rcpt, ok := strings.Cut(group, "Final-Recipient: rfc822; ")
			if !ok {
				continue
			}
			rcpt, _, _ = strings.Cut(rcpt, "\r\n")
			if strings.Contains(group, "Action: failed") {
				returned[d.to+">"+rcpt]++
			} else {
				confirmed[d.to+">"+rcpt]++
			}
		}
	}
	return delivered, returned, confirmed
}

// noting is a Spool that keeps which recipients of which messages it said are marked as delivered.
type noting struct {
	*queue.Spool
	w      *world
	mu     sync.Mutex
	marked map[string]bool
}

func newNoting(w *world, fs queue.FS) *noting {
	return &noting{Spool: &queue.Spool{Dir: "/var/spool", FS: fs, Limits: w.limits, Log: w.log}, w: w, marked: map[string]bool{}}
}

// unnoted is how much of what has been sent is not marked: so much may be sent again.
func (s *noting) unnoted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.w.all()) - len(s.marked)
}

func (s *noting) Record(ctx context.Context, l *queue.Lease, out []queue.Outcome) error {
	return s.note(l.ID, out, s.Spool.Record(ctx, l, out))
}

func (s *noting) Finish(ctx context.Context, l *queue.Lease, f queue.Finish) error {
	return s.note(l.ID, f.Outcomes, s.Spool.Finish(ctx, l, f))
}

func (s *noting) note(id string, out []queue.Outcome, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range out {
		for _, i := range o.Recipients {
			if err == nil && o.State == queue.Delivered {
				s.marked[fmt.Sprint(id, " ", i)] = true
			}
		}
	}
	return err
}

// check holds what has happened against what was promised. The machine has stopped at most so many times, with so many
// deliveries under way in all.
func (w *world) check(t *testing.T, crashes, underWay int, where string) {
	t.Helper()
	delivered, returned, confirmed := w.told()
	for from, rcpts := range w.queued {
		for i, to := range rcpts {
			n := delivered[from+">"+to]
			if strings.HasPrefix(to, "unknown") {
				require.Zero(t, n)
				require.NotZero(t, returned[from+">"+to], "%s: %s is not returned to %s", where, to, from)
				continue
			}
			require.NotZero(t, n, "%s: mail from %s to %s is lost", where, from, to)
			require.Zero(t, returned[from+">"+to])
			if i == 0 && len(rcpts) == 4 {
				require.NotZero(t, confirmed[from+">"+to], "%s: the confirmation for %s is lost", where, from)
			}
		}
	}
	for _, m := range []map[string]int{returned, confirmed} {
		for what, n := range m {
			require.LessOrEqual(t, n, 1+crashes, "%s: %s", where, what) // reports of several messages can be under way
		}
	}
	doubled := 0
	for _, n := range delivered {
		doubled += n - 1
	}
	require.LessOrEqual(t, doubled, underWay, "%s: more was doubled than was under way: %v", where, delivered)
}

// A machine that stops at any operation loses nothing that was promised, and repeats only what was under way.
func TestCrashAtEveryOperation(t *testing.T) {
	total := 0
	for n := 0; n == 0 || n <= total; n++ {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				w, disk := newWorld(), vfs.NewCrash()
				one := w.transport()
				one.ProcessLimit, one.RecipientLimit = 1, 1
				if seed == 1 { // the same with lists that are read in parts of one recipient
					w.limits = queue.Limits{ActiveRecipients: 4, RecipientMinimum: 1}
				}
				w.log = seed == 2
				disk.CrashAt(n)
				crashAndRecover(t, w, disk, one, seed, n)
				if n == 0 {
					total = max(total, disk.Ops())
				}
			})
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("stopped at each of %d operations", total)
	require.Greater(t, total, 100)
}

func crashAndRecover(t *testing.T, w *world, disk *vfs.Crash, tr *queue.Transport, seed uint64, n int) {
	q := w.queue(disk, tr)
	if q.Start() == nil {
		w.submit(q, "m")
		time.Sleep(15 * time.Minute)
	}
	synctest.Wait()
	_ = q.Close()
	where := fmt.Sprintf("stopped at operation %d, seed %d", n, seed)
	if n == 0 {
		w.check(t, 0, 0, where)
	}
	for again := range 2 { // a second crash right after the recovery of the first
		disk = disk.Recover(rand.New(rand.NewPCG(seed, uint64(n))))
		if again == 0 && n > 0 {
			disk.CrashAt(n % 17)
			q := w.queue(disk, tr)
			if q.Start() == nil {
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			_ = q.Close()
			continue
		}
	}
	q = w.queue(disk, tr)
	require.NoError(t, q.Start(), where)
	w.submit(q, "n")
	time.Sleep(3 * time.Hour)
	synctest.Wait()
	for e, err := range q.List(context.Background(), queue.Filter{}) {
		require.NoError(t, err)
		require.Fail(t, "left in the queue", "%s: %v", where, e)
	}
	require.NoError(t, q.Shutdown(context.Background()))
	for _, d := range []string{"incoming", "active", "deferred", "hold", "corrupt"} {
		left, err := disk.ReadDir("/var/spool/" + d)
		require.NoError(t, err)
		require.Empty(t, left, "%s: %s is empty", where, d)
	}
	crashes := 2
	if n == 0 {
		crashes = 0
	}
	w.check(t, crashes, crashes, where)
}

// A message that is queued on hold is held from the moment it is there: wherever the machine stops, it is never tried, and not lost once it was
// promised.
func TestCrashNeverReleases(t *testing.T) {
	total := 0
	for n := 0; n == 0 || n <= total; n++ {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				w, disk := newWorld(), vfs.NewCrash()
				w.log = seed > 0
				letter := letter
				if seed == 2 {
					letter += strings.Repeat("too long to be kept in memory\r\n", 2000)
				}
				disk.CrashAt(n)
				promised := ""
				q := w.queue(disk, w.transport())
				if q.Start() == nil {
					tx, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
					if err == nil {
						tx.(*queue.Transaction).SetHold()
						require.NoError(t, tx.Recipient(t.Context(), "b@example.net", &mail.RcptOptions{}))
						err = tx.Body(t.Context(), strings.NewReader(letter))
					}
					if err == nil {
						if _, err = tx.Commit(t.Context()); err == nil {
							promised = tx.(*queue.Transaction).ID()
						}
					}
					time.Sleep(time.Minute)
					synctest.Wait()
				}
				_ = q.Close()
				where := fmt.Sprintf("stopped at operation %d, seed %d", n, seed)
				if n == 0 {
					total = max(total, disk.Ops())
					require.NotEmpty(t, promised)
				} else {
					disk = disk.Recover(rand.New(rand.NewPCG(seed, uint64(n))))
				}
				q = w.queue(disk, w.transport())
				require.NoError(t, q.Start(), where)
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				require.Zero(t, w.attempts(), where)
				there := states(t, q)
				for id, st := range there {
					require.Equal(t, queue.Held, st, where)
					_, err := q.Release(t.Context(), queue.Filter{IDs: []string{id}})
					require.NoError(t, err)
				}
				if promised != "" {
					require.Contains(t, there, promised, where)
				}
				synctest.Wait()
				require.Equal(t, len(there), w.attempts(), where)
				require.NoError(t, q.Shutdown(context.Background()))
			})
		}
		if t.Failed() {
			return
		}
	}
	require.Greater(t, total, 10)
}

// liar is a disk that says synced and is not.
type liar struct {
	*vfs.Crash
	files bool
}

func (l liar) SyncDir(name string) error {
	if l.files {
		return l.Crash.SyncDir(name)
	}
	return nil
}

func (l liar) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := l.Crash.OpenFile(name, flag, perm)
	if err == nil && l.files {
		return lyingFile{f}, nil
	}
	return f, err
}

type lyingFile struct{ vfs.File }

func (lyingFile) Sync() error { return nil }

// The crash test would notice a queue that didn't sync: on a disk that lies about it, mail is lost.
func TestCrashTestNoticesMissingSyncs(t *testing.T) {
	lost := map[string]int{}
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			w, disk := newWorld(), vfs.NewCrash()
			require.NoError(t, disk.MkdirAll("/var/spool", 0o700))
			lies := liar{disk, seed%3 == 1}
			w.log = seed%3 > 0
			q := w.queue(lies, w.transport())
			w.submit(q, "m") // not started: nothing is delivered yet
			require.Len(t, w.queued, 4)
			disk.Stop()
			_ = q.Close()
			disk = disk.Recover(rand.New(rand.NewPCG(seed, 0)))
			q = w.queue(disk, w.transport())
			require.NoError(t, q.Start())
			time.Sleep(time.Hour)
			synctest.Wait()
			require.NoError(t, q.Shutdown(context.Background()))
			delivered, _, _ := w.told()
			if delivered["m0@example.org>b-m0@example.net"] == 0 {
				lost[fmt.Sprint("log ", w.log, ", files ", lies.files)]++
			}
		})
	}
	require.Len(t, lost, 3, "%v", lost)
}

// With many deliveries under way, a crash doubles at most those.
func TestCrashDoublesOnlyWhatIsUnderWay(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			w, disk := newWorld(), vfs.NewCrash()
			w.answer, w.takes, w.log = nil, time.Second, seed%2 == 1
			tr := w.transport()
			tr.RecipientLimit = 1
			noted := newNoting(w, disk)
			q := w.queue(disk, tr)
			q.Storage = noted
			require.NoError(t, noted.Start())
			require.NoError(t, q.Start())
			for i := range 10 {
				send(t, q, "a@example.org", letter, fmt.Sprintf("a%d@d%d.example", i, i), fmt.Sprintf("b%d@d%d.example", i, i+1), fmt.Sprintf("c%d@x.example", i))
			}
			time.Sleep(time.Duration(seed/2) * 100 * time.Millisecond)
			synctest.Wait()
			w.mu.Lock()
			underWay := w.running
			w.mu.Unlock()
			disk.Stop()
			time.Sleep(2 * time.Second) // the other side takes what has been sent
			synctest.Wait()
			_ = q.Close()
			unnoted := noted.unnoted() // and the marks that the machine's end found waiting for others
			q = w.queue(disk.Recover(rand.New(rand.NewPCG(seed, 9))), tr)
			require.NoError(t, q.Start())
			time.Sleep(time.Hour)
			synctest.Wait()
			require.NoError(t, q.Shutdown(context.Background()))
			delivered, _, _ := w.told()
			require.Len(t, delivered, 30)
			doubled := 0
			for _, n := range delivered {
				doubled += n - 1
			}
			require.GreaterOrEqual(t, doubled, underWay)
			require.LessOrEqual(t, doubled, unnoted)
			if !w.log { // where no mark waits for another
				require.Equal(t, underWay, doubled)
			}
		})
	}
}
