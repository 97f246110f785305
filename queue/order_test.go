package queue_test

import (
	"bytes"
	"encoding/json"
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
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

func TestOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sink{answer: func(hop, from, to string) *mail.Reply {
			if from == "" || hop == "backup.example" {
				return nil
			}
			return defers(to)
		}}
		other := s.transport()
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{
			"smtp": s.transport(), "other": other,
		}})
		post := func(from string) queue.Filter {
			return queue.Filter{IDs: []string{send(t, q, from, letter, "b@example.net")}}
		}
		expire, bounce, reroute := post("expire@example.org"), post("bounce@example.org"), post("reroute@example.org")
		time.Sleep(time.Minute)
		tried := s.attempts()

		n, err := q.Bounce(t.Context(), bounce, nil)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = q.Bounce(t.Context(), bounce, mail.NewReply(450, mail.EnhancedCode{}, "later"))
		require.Error(t, err)
		synctest.Wait()
		got := reports(&s)
		require.Len(t, got, 1)
		require.Equal(t, "bounce@example.org", got[0].to)
		require.Contains(t, got[0].body, "Status: 5.7.1")
		require.Equal(t, tried+1, s.attempts(), "only the report went out")

		_, err = q.Expire(t.Context(), expire)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, tried+3, s.attempts(), "an attempt and a report")
		got = reports(&s)
		require.Len(t, got, 2)
		require.Equal(t, "expire@example.org", got[1].to)

		_, err = q.Reroute(t.Context(), reroute, queue.Route{Transport: "nothing"})
		require.Error(t, err)
		_, err = q.Reroute(t.Context(), reroute, queue.Route{Transport: "other", Nexthop: "backup.example"})
		require.NoError(t, err)
		synctest.Wait()
		all := s.all()
		require.Equal(t, "backup.example", all[len(all)-1].nexthop)
		require.Empty(t, states(t, q))
	})
}

// A message that was queued with a way of its own goes it, also after a restart; without a next hop each recipient goes to his domain.
func TestSetRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s, scan sink
		disk := newDisk(t)
		post := func(q *queue.Queue, hop string, to ...string) {
			tx, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
			require.NoError(t, err)
			tx.(*queue.Transaction).SetRoute(queue.Route{Transport: "scan", Nexthop: hop})
			for _, a := range to {
				require.NoError(t, tx.Recipient(t.Context(), a, &mail.RcptOptions{}))
			}
			require.NoError(t, tx.Body(t.Context(), strings.NewReader(letter)))
			tx.(*queue.Transaction).SetRoute(queue.Route{Transport: "late"})
			_, err = tx.Commit(t.Context())
			require.NoError(t, err)
		}
		ways := map[string]*queue.Transport{"smtp": s.transport()}
		q := start(t, &queue.Queue{Dir: "/spool", FS: disk, Transports: ways})
		post(q, "", "b@Example.net", "c@other.example")
		synctest.Wait()
		require.Zero(t, s.attempts(), "the transport isn't there: nobody goes another way")
		require.Len(t, states(t, q), 1)
		require.NoError(t, q.Close())

		ways["scan"] = scan.transport()
		q = start(t, &queue.Queue{Dir: "/spool", FS: disk, Transports: ways})
		post(q, "[127.0.0.1]:10024", "d@example.net")
		time.Sleep(time.Hour)
		hops := map[string]string{}
		for _, d := range scan.all() {
			hops[d.to] = d.nexthop
		}
		require.Equal(t, map[string]string{"b@Example.net": "example.net", "c@other.example": "other.example", "d@example.net": "[127.0.0.1]:10024"}, hops)
		require.Zero(t, s.attempts())
		require.Empty(t, states(t, q))
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		require.NoError(t, q.Pause(t.Context(), "Example.NET"))
		require.Equal(t, []string{"example.net"}, q.Paused())
		id := send(t, q, "a@example.org", letter, "b@example.net", "c@other.example")
		time.Sleep(24 * time.Hour)
		require.Equal(t, 1, s.attempts())

		var b bytes.Buffer
		require.NoError(t, queue.WriteJSON(&b, q.List(t.Context(), queue.Filter{})))
		var e map[string]any
		require.NoError(t, json.Unmarshal(b.Bytes(), &e))
		require.Equal(t, id, e["queue_id"])
		require.Equal(t, "deferred", e["queue_name"])
		require.Equal(t, "a@example.org", e["sender"])
		rcpts := e["recipients"].([]any)
		require.Len(t, rcpts, 1)
		require.Equal(t, "b@example.net", rcpts[0].(map[string]any)["address"])
		require.Equal(t, "451 4.3.2 delivery to this domain is paused", rcpts[0].(map[string]any)["delay_reason"])
		attempts := 0
		for o, err := range q.History(t.Context(), id) {
			require.NoError(t, err)
			attempts += len(o.Recipients)
		}
		require.Greater(t, attempts, 10)

		n, err := q.Resume(t.Context(), "example.net")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		synctest.Wait()
		require.Len(t, s.all(), 2)
		require.Empty(t, states(t, q))
	})
}

// A pause outlives restarts and crashes, and so does its end; an operator can read it. What can't be written down holds until the
// end of the queue.
func TestPauseAcrossRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newDisk(t)
		var s sink
		mk := func() *queue.Queue {
			return &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": s.transport()}}
		}
		q := mk()
		require.NoError(t, q.Pause(t.Context(), "two.example"))
		require.NoError(t, q.Pause(t.Context(), "One.example"))
		require.Error(t, q.Pause(t.Context(), "no\nway"))
		require.Error(t, q.Pause(t.Context(), ""))
		text := func() string {
			f, err := disk.OpenFile("/spool/paused", os.O_RDONLY, 0)
			require.NoError(t, err)
			defer f.Close()
			b, err := io.ReadAll(f)
			require.NoError(t, err)
			return string(b)
		}
		require.Equal(t, "one.example\ntwo.example\n", text())
		disk.Stop()
		_ = q.Close()
		disk = disk.Recover(rand.New(rand.NewPCG(1, 2)))
		q = mk()
		require.NoError(t, q.Start())
		require.Equal(t, []string{"one.example", "two.example"}, q.Paused())
		send(t, q, "a@example.org", letter, "b@one.example", "b@two.example")
		time.Sleep(time.Hour)
		require.Empty(t, s.all())
		_, err := q.Resume(t.Context(), "ONE.example")
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, s.all(), 1)

		var broken atomic.Bool
		broken.Store(true)
		disk.Fail = func(op, name string) error {
			if broken.Load() && strings.HasPrefix(name, "/spool/paused") {
				return syscall.EIO
			}
			return nil
		}
		require.ErrorIs(t, q.Pause(t.Context(), "three.example"), syscall.EIO)
		require.Equal(t, []string{"three.example", "two.example"}, q.Paused())
		_, err = q.Resume(t.Context(), "two.example")
		require.ErrorIs(t, err, syscall.EIO)
		synctest.Wait()
		require.Len(t, s.all(), 2)
		require.NoError(t, q.Shutdown(t.Context()))
		require.ErrorIs(t, mk().Start(), syscall.EIO, "mail that must not go out isn't sent because a list can't be read")
		broken.Store(false)
		disk.Fail = nil
		q = start(t, mk())
		require.Equal(t, []string{"two.example"}, q.Paused())
	})
}

// A message that is begun again keeps its id, and nothing else.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		begun, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{UTF8: true})
		require.NoError(t, err)
		tx := begun.(*queue.Transaction)
		tx.SetHold()
		tx.SetRoute(queue.Route{Transport: "nowhere"})
		require.NoError(t, tx.Recipient(t.Context(), "b@example.net", &mail.RcptOptions{}))
		require.Error(t, tx.Restart("a\r\n@example.org", &mail.MailOptions{}))
		require.NoError(t, tx.Restart("c@example.org", &mail.MailOptions{}))
		require.Error(t, tx.Body(t.Context(), strings.NewReader(letter)), "nobody gets it")

		begun, err = q.Begin(t.Context(), "a@example.org", &mail.MailOptions{UTF8: true})
		require.NoError(t, err)
		tx = begun.(*queue.Transaction)
		tx.SetHold()
		require.NoError(t, tx.Recipient(t.Context(), "b@example.net", &mail.RcptOptions{}))
		id := tx.ID()
		require.NoError(t, tx.Restart("c@example.org", &mail.MailOptions{}))
		require.Equal(t, id, tx.ID())
		require.NoError(t, tx.Recipient(t.Context(), "d@example.net", &mail.RcptOptions{}))
		require.NoError(t, tx.Body(t.Context(), strings.NewReader(letter)))
		require.Error(t, tx.Restart("e@example.org", &mail.MailOptions{}))
		_, err = tx.Commit(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		all := s.all()
		require.Len(t, all, 1)
		require.Equal(t, "c@example.org", all[0].from)
		require.Equal(t, "d@example.net", all[0].to)
	})
}
