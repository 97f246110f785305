package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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

func states(t testing.TB, q *queue.Queue) map[string]queue.State {
	out := map[string]queue.State{}
	for e, err := range q.List(context.Background(), queue.Filter{}) {
		require.NoError(t, err)
		out[e.ID] = e.State
	}
	return out
}

func TestOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, _ := post(t, defers, nil)
		a := send(t, q, "a@example.org", letter, "a@one.example")
		b := send(t, q, "a@example.org", letter, "b@two.example")
		c := send(t, q, "c@example.org", letter, "c@three.example")
		synctest.Wait()
		require.Equal(t, map[string]queue.State{a: queue.Deferred, b: queue.Deferred, c: queue.Deferred}, states(t, q))
		ctx := t.Context()
		do := func(what func(context.Context, queue.Filter) (int, error), f queue.Filter, want int) {
			t.Helper()
			n, err := what(ctx, f)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		do(q.Hold, queue.Filter{IDs: []string{a}}, 1)
		do(q.Delete, queue.Filter{Destination: "two.example"}, 1)
		m, content, err := q.Open(ctx, a)
		require.NoError(t, err)
		text, err := io.ReadAll(content)
		require.NoError(t, err)
		require.NoError(t, content.Close())
		require.Equal(t, letter, string(text))
		require.Equal(t, "a@one.example", m.Recipients[0].Address)
		tried := s.attempts()
		time.Sleep(30 * 24 * time.Hour)
		synctest.Wait()
		require.Equal(t, map[string]queue.State{a: queue.Held}, states(t, q), "on hold: no attempts and no expiry")
		require.Greater(t, s.attempts(), tried)
		require.Len(t, reports(s), 1, "c is returned, b was deleted without a word")
		do(q.Requeue, queue.Filter{}, 1)
		synctest.Wait()
		require.Empty(t, states(t, q), "tried once more, then too old")
		require.Len(t, reports(s), 2)
		_, _, err = q.Open(ctx, a)
		require.ErrorIs(t, err, queue.ErrNotFound)
	})
}

func TestOperatorDuringDelivery(t *testing.T) {
	for _, tt := range []struct {
		name string
		code int
		do   func(q *queue.Queue, f queue.Filter) (int, error)
		want map[int]queue.State // by number of message
		sent int
	}{
		{"hold, then it fails", 450, func(q *queue.Queue, f queue.Filter) (int, error) { return q.Hold(context.Background(), f) }, map[int]queue.State{0: queue.Held}, 0},
		{"hold, then it goes", 250, func(q *queue.Queue, f queue.Filter) (int, error) { return q.Hold(context.Background(), f) }, nil, 1},
		{"delete, then it fails", 450, func(q *queue.Queue, f queue.Filter) (int, error) { return q.Delete(context.Background(), f) }, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sink{takes: time.Minute, answer: always(tt.code)}
				q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()}})
				id := send(t, q, "a@example.org", letter, "b@example.net")
				time.Sleep(time.Second)
				n, err := tt.do(q, queue.Filter{})
				require.NoError(t, err)
				require.Equal(t, 1, n)
				time.Sleep(time.Hour)
				synctest.Wait()
				want := map[string]queue.State{}
				for _, st := range tt.want {
					want[id] = st
				}
				require.Equal(t, want, states(t, q))
				require.Len(t, s.all(), tt.sent)
				require.Equal(t, 1, s.attempts())
			})
		})
	}
}

// FUTURERELEASE (RFC 4865): the message isn't looked at before its time.
func TestFutureRelease(t *testing.T) {
	for _, hold := range []mail.HoldOptions{{For: 10 * time.Hour}, {Until: time.Date(2000, 1, 1, 10, 0, 0, 0, time.UTC)}} {
		synctest.Test(t, func(t *testing.T) {
			disk, s := newDisk(t), new(sink)
			mk := func() *queue.Queue {
				return &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": s.transport()}}
			}
			q := mk()
			require.NoError(t, q.Start())
			_, err := sendEnvelope(q, &mail.Envelope{
				From: "a@example.org", Options: mail.MailOptions{Hold: hold}, Recipients: []mail.Recipient{{Address: "b@example.net"}},
			}, letter)
			require.NoError(t, err)
			time.Sleep(5 * time.Hour)
			require.NoError(t, q.Shutdown(t.Context()))
			start(t, mk())
			time.Sleep(5*time.Hour - time.Second)
			synctest.Wait()
			require.Empty(t, s.all())
			time.Sleep(time.Second)
			synctest.Wait()
			require.Len(t, s.all(), 1)
		})
	}
}

func TestTransactionRules(t *testing.T) {
	ctx := t.Context()
	disk := newDisk(t)
	q := start(t, &queue.Queue{Dir: "/spool", FS: disk, Limits: queue.Limits{Recipients: 2, MessageSize: 1000, EnvelopeSize: 50}})
	begin := func() mail.Transaction {
		tx, err := q.Begin(ctx, "a@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		return tx
	}
	says := func(err error, want string) {
		t.Helper()
		require.Error(t, err)
		require.Equal(t, want, mail.ReplyOf(err).String())
	}
	_, err := q.Begin(ctx, "a\r\nb@example.org", &mail.MailOptions{})
	says(err, "501 5.1.7 Bad sender address syntax")
	tx := begin()
	require.Regexp(t, "^[0-9A-F]{6,}$", tx.(*queue.Transaction).ID())
	says(tx.Body(ctx, readerOf(letter)), "554 5.5.1 Error: no valid recipients")
	says(tx.Recipient(ctx, "", &mail.RcptOptions{}), "501 5.1.3 Bad recipient address syntax")
	says(tx.Recipient(ctx, "b@example.net\x00", &mail.RcptOptions{}), "501 5.1.3 Bad recipient address syntax")
	says(tx.Recipient(ctx, strings.Repeat("x", 51), &mail.RcptOptions{}), "501 5.1.3 Bad recipient address syntax")
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	require.NoError(t, tx.Recipient(ctx, "c@example.net", &mail.RcptOptions{}))
	says(tx.Recipient(ctx, "d@example.net", &mail.RcptOptions{}), "452 4.5.3 Error: too many recipients")
	require.NoError(t, tx.Body(ctx, readerOf(letter)))
	says(tx.Body(ctx, readerOf(letter)), "503 5.5.1 Error: command out of order")
	says(tx.Recipient(ctx, "d@example.net", &mail.RcptOptions{}), "503 5.5.1 Error: command out of order")
	require.NoError(t, tx.Abort())
	require.NoError(t, tx.Abort())

	tx = begin()
	_, err = tx.Commit(ctx)
	says(err, "503 5.5.1 Error: command out of order")

	tx = begin()
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	large := &countReader{r: strings.NewReader(strings.Repeat("x", 100_000))}
	says(tx.Body(ctx, large), "552 5.3.4 Message size exceeds fixed limit")
	require.Equal(t, 100_000, large.n, "the sender is heard out")

	gone := errors.New("connection reset")
	tx = begin()
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	require.Equal(t, gone, tx.Body(ctx, io.MultiReader(readerOf(letter), errReader{gone})))

	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = q.Begin(done, "a@example.org", &mail.MailOptions{})
	require.ErrorIs(t, err, context.Canceled)

	left, err := disk.ReadDir("/spool/incoming")
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left behind")
	require.Empty(t, states(t, q))
}

// Send tells each recipient's fate, in order; what can't be is an error for all.
func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Limits: queue.Limits{Recipients: 2}, Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		rcpts := []mail.Recipient{{Address: "bad\n@example.net"}, {Address: "a@example.net"}, {Address: "b@example.net"}, {Address: "c@example.net"}}
		res, err := q.Send(t.Context(), &mail.Envelope{From: "a@example.org", Recipients: rcpts}, readerOf(letter))
		require.NoError(t, err)
		require.Len(t, res, 4)
		for i, code := range []int{501, 250, 250, 452} {
			require.Equal(t, code, res[i].Reply.Code)
			require.Equal(t, rcpts[i].Address, res[i].Recipient)
		}
		synctest.Wait()
		require.Len(t, s.all(), 2)
		_, err = q.Send(t.Context(), &mail.Envelope{From: "a@example.org", Recipients: rcpts[:1]}, readerOf(letter))
		require.Equal(t, 501, mail.ReplyOf(err).Code)
		_, err = q.Send(t.Context(), &mail.Envelope{From: "a@example.org"}, readerOf(letter))
		require.Equal(t, "554 5.5.1 Error: no valid recipients", mail.ReplyOf(err).String())
		_, err = q.Send(t.Context(), &mail.Envelope{From: "a\n", Recipients: rcpts}, readerOf(letter))
		require.Equal(t, 501, mail.ReplyOf(err).Code)
		gone := errors.New("gone")
		_, err = q.Send(t.Context(), &mail.Envelope{From: "a@example.org", Recipients: rcpts[1:]}, errReader{gone})
		require.Equal(t, gone, err)
		require.Empty(t, states(t, q))
	})
}

type countReader struct {
	r io.Reader
	n int
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// Damaged content is never delivered as if it were whole; the file is set aside and kept.
func TestDamagedContentIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s, ev := newDisk(t), new(sink), new(events)
		mk := func() *queue.Queue {
			return &queue.Queue{Dir: "/spool", FS: disk, Trace: ev.trace, Transports: map[string]*queue.Transport{"smtp": s.transport()}}
		}
		q := mk()
		id := send(t, q, "a@example.org", letter, "b@example.net")
		head := send(t, q, "a@example.org", letter, "b@example.net")
		require.NoError(t, q.Shutdown(t.Context()))
		for name, at := range map[string]int64{id: -5, head: 30} {
			f, err := disk.OpenFile("/spool/incoming/"+name, os.O_RDWR, 0)
			require.NoError(t, err)
			info, err := f.Stat()
			require.NoError(t, err)
			if at < 0 {
				at += info.Size()
			}
			_, err = f.WriteAt([]byte("?"), at)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
		q = start(t, mk())
		time.Sleep(10 * 24 * time.Hour)
		synctest.Wait()
		require.Empty(t, s.all())
		require.Equal(t, map[string]queue.State{id: queue.Corrupt, head: queue.Corrupt}, states(t, q))
		require.Equal(t, 2, ev.count(queue.EventCorrupt))
		require.Contains(t, strings.Join(ev.lines(), "\n"), head+": damaged queue file set aside: ")
	})
}

// The disk fails for a while: what was delivered is not delivered again, and not forgotten.
func TestRecordsUntilItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		disk, s := newDisk(t), &sink{takes: time.Second}
		disk.Fail = func(op, name string) error {
			if broken.Load() && (op == "sync" || op == "syncdir" || op == "write" || op == "remove") {
				return syscall.EIO
			}
			return nil
		}
		q := start(t, &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		send(t, q, "a@example.org", letter, "b@example.net")
		send(t, q, "a@example.org", letter, "c@example.net", "d@example.com")
		broken.Store(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, s.all(), 3)
		tx, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		require.NoError(t, tx.Recipient(t.Context(), "b@example.net", &mail.RcptOptions{}))
		require.Equal(t, "451 4.3.0 Error: queue file write error", mail.ReplyOf(tx.Body(t.Context(), readerOf(letter))).String())
		broken.Store(false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Empty(t, states(t, q))
		require.Len(t, s.all(), 3, "nothing twice")
	})
}

// Any error of any operation of the file system, at any time, loses nothing that was promised.
func TestRandomDiskErrors(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 5))
			var broken atomic.Bool
			disk, w := vfs.NewCrash(), newWorld()
			disk.Fail = func(op, name string) error {
				if broken.Load() && rnd.IntN(10) == 0 {
					return syscall.EIO
				}
				return nil
			}
			q := start(t, w.queue(disk, w.transport()))
			broken.Store(true)
			for i := range 10 {
				w.submit(q, fmt.Sprint("m", i))
			}
			time.Sleep(2 * time.Hour)
			broken.Store(false)
			time.Sleep(12 * time.Hour)
			synctest.Wait()
			for e, err := range q.List(t.Context(), queue.Filter{}) {
				require.NoError(t, err)
				t.Errorf("seed %d: left at %v: %s %s due %v: %+v", seed, time.Now(), e.ID, e.State, e.Due, e.Recipients)
			}
			w.check(t, 0, 0, fmt.Sprint("seed ", seed))
		})
	}
}

// The recipients of a large list are few files and few syncs, and all are reached.
func TestManyRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		disk := newDisk(t)
		q := start(t, &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		var to []string
		for i := range 5000 {
			to = append(to, fmt.Sprintf("user%d@d%d.example", i, i%100))
		}
		disk.CrashAt(0)
		send(t, q, "a@example.org", letter, to...)
		synctest.Wait()
		seen := map[string]int{}
		for _, d := range s.all() {
			seen[d.to]++
		}
		require.Len(t, seen, 5000)
		require.Len(t, s.all(), 5000)
		require.Empty(t, states(t, q))
		require.Less(t, disk.Ops(), 1000)
	})
}
