package queue_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// clock is one that can be wrong. Its times have no monotonic reading.
type clock struct{ wrong atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Round(0).Add(time.Duration(c.wrong.Load())) }

func (c *clock) set(by time.Duration) { c.wrong.Store(int64(by)) }

// clocked is a queue whose clock can be wrong, with mail to grey.example put off until yes.
func clocked(t *testing.T, c *clock, disk *vfs.Crash, yes *atomic.Bool) (*queue.Queue, *sink, *events) {
	disk.Now = c.now
	s := &sink{answer: func(_, from, to string) *mail.Reply {
		if from == "" || yes.Load() {
			return nil
		}
		return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "Later")
	}}
	ev := new(events)
	q := &queue.Queue{Dir: "/spool", FS: disk, Now: c.now, Trace: ev.trace, Transports: map[string]*queue.Transport{"smtp": s.transport()}}
	require.NoError(t, q.Start())
	t.Cleanup(func() { _ = q.Close() })
	return q, s, ev
}

// A clock that is put back by a day, as it runs or while the queue is down, holds up no mail for a day: what was to wait for an
// hour waits for an hour.
func TestClockPutBack(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var c clock
			var yes atomic.Bool
			disk := newDisk(t)
			q, s, _ := clocked(t, &c, disk, &yes)
			for range 20 {
				send(t, q, "a@example.org", letter, "b@grey.example")
			}
			until := c.now().Add(2 * time.Hour)
			_, err := sendEnvelope(q, &mail.Envelope{
				From: "a@example.org", Options: mail.MailOptions{Hold: mail.HoldOptions{Until: until}}, Recipients: []mail.Recipient{{Address: "c@good.example"}},
			}, letter)
			require.NoError(t, err)
			time.Sleep(90 * time.Minute) // tried five times, and the next time at 160 min
			synctest.Wait()
			tried := s.attempts()
			require.Equal(t, 20*6, tried)
			c.set(-day)
			yes.Store(true)
			if restart {
				require.NoError(t, q.Shutdown(t.Context()))
				q, s, _ = clocked(t, &c, disk, &yes)
			}
			time.Sleep(4000*time.Second + 310*time.Second) // the longest delay, and until it is noticed
			synctest.Wait()
			require.Len(t, s.all(), 20, "all but one that its sender wants to wait")
			time.Sleep(until.Sub(c.now()) - time.Second)
			synctest.Wait()
			require.Len(t, s.all(), 20, "HOLDUNTIL is an absolute time (RFC 4865 section 3)")
			time.Sleep(6 * time.Minute)
			synctest.Wait()
			require.Len(t, s.all(), 21)
			require.NoError(t, q.Shutdown(t.Context()))
		})
	}
}

// A clock that is ahead by a year for a while returns no message that has not been tried by then, and once it is right
// again, no message is younger than new: those that came meanwhile are tried as all others, and given up after five days.
func TestClockAheadForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		var yes atomic.Bool
		disk := newDisk(t)
		q, s, ev := clocked(t, &c, disk, &yes)
		send(t, q, "patient@example.org", letter, "b@grey.example")
		time.Sleep(time.Minute)
		yes.Store(true)
		c.set(year)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.Len(t, s.all(), 1, "too old by this clock, but tried before it is returned, and taken")
		require.Zero(t, ev.count(queue.EventExpired))

		yes.Store(false)
		send(t, q, "last@example.org", letter, "b@grey.example")
		synctest.Wait()
		c.set(0)
		tried := s.attempts()
		time.Sleep(4 * day)
		synctest.Wait()
		require.Zero(t, ev.count(queue.EventExpired), "four days old")
		require.InDelta(t, 4*86400/4000, s.attempts()-tried, 8, "the delays grow as always")
		require.NoError(t, q.Shutdown(t.Context()))
		q, s, ev = clocked(t, &c, disk, &yes)
		time.Sleep(day + 4000*time.Second + 310*time.Second)
		synctest.Wait()
		require.Equal(t, 1, ev.count(queue.EventExpired), "five days old, whatever time it arrived")
		require.Len(t, reports(s), 1)
		require.Contains(t, strings.Join(ev.lines(), "\n"), "from=<last@example.org>, status=expired")
		require.Empty(t, states(t, q))
		require.NoError(t, q.Shutdown(t.Context()))
	})
}

// A destination that is suspended, or gets mail at a rate, isn't left alone for a day because the clock was put back by one;
// and no clock makes the queue busy.
func TestClockAndDestinations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		var yes atomic.Bool
		var looks atomic.Int64
		yes.Store(true)
		disk := newDisk(t)
		disk.Fail = func(op, name string) error {
			looks.Add(1)
			return nil
		}
		disk.Now = c.now
		s := &sink{}
		tr := s.transport()
		tr.RateDelay = 10 * time.Second
		q := start(t, &queue.Queue{Dir: "/spool", FS: disk, Now: c.now, Transports: map[string]*queue.Transport{"smtp": tr}})
		for range 50 {
			send(t, q, "a@example.org", letter, "b@example.net")
		}
		time.Sleep(5 * time.Second)
		c.set(-day)
		time.Sleep(300*time.Second + 50*10*time.Second)
		synctest.Wait()
		require.Len(t, s.all(), 50)
		for _, by := range []time.Duration{year, 0, -day, 0, -50 * year, 100 * year} {
			c.set(by)
			before := looks.Load()
			time.Sleep(day)
			synctest.Wait()
			require.Less(t, looks.Load()-before, int64(24*12+10)*20, "one scan in 300 s")
			require.NotZero(t, send(t, q, "a@example.org", letter, "b@example.net"))
			time.Sleep(time.Hour)
		}
		require.Len(t, s.all(), 56)
	})
}
