package queue_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// 2bounce_notice_recipient: "The recipient of undeliverable mail that cannot be returned to the sender." double_bounce_sender: "All
// mail to this address is silently discarded, in order to terminate mail bounce loops." (postconf(5))
func TestDoubleBounceTo(t *testing.T) {
	for name, sender := range map[string]string{"": "double-bounce@mail.example.org", "nobody@example.org": "nobody@example.org"} {
		synctest.Test(t, func(t *testing.T) {
			q, s, ev := post(t, reject, func(q *queue.Queue) {
				q.Notify.DoubleBounceTo, q.Notify.DoubleBounceSender = "postmaster@example.org", name
				q.Notify.Copy = func(*queue.Message, mail.Notify) string { return "copies@example.org" }
			})
			send(t, q, "", letter, "b@example.net")
			synctest.Wait()
			require.Empty(t, states(t, q))
			got := s.all()
			require.Len(t, got, 1, "no copy of what the postmaster gets")
			require.Equal(t, sender, got[0].from)
			require.Equal(t, "postmaster@example.org", got[0].to)
			require.Equal(t, mail.NotifyNever, got[0].ropts.Notify)
			r, err := dsn.Parse(strings.NewReader(got[0].body), int64(len(got[0].body)))
			require.NoError(t, err)
			require.Equal(t, "Postmaster Copy: Undelivered Mail", r.Subject)
			require.Equal(t, "b@example.net", r.Recipients[0].Final)
			require.Contains(t, got[0].body, "from the null sender")
			require.Contains(t, got[0].body, letter, "it is all that is left of what somebody should have heard")
			lines := strings.Join(ev.lines(), "\n")
			require.Contains(t, lines, ": postmaster non-delivery notification: ")
		})
	}
}

// The loop ends: what can't be delivered to the postmaster is told to nobody, by whatever way it comes back.
func TestDoubleBounceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, ev := post(t, reject, func(q *queue.Queue) { q.Notify.DoubleBounceTo = "postmaster@example.net" })
		send(t, q, "a@example.net", letter, "b@example.net") // its sender can't be told, nor can the postmaster
		send(t, q, "Double-Bounce@MAIL.example.org", letter, "b@example.net")
		time.Sleep(10 * 24 * time.Hour)
		synctest.Wait()
		require.Empty(t, states(t, q))
		require.Empty(t, s.all())
		require.Equal(t, 4, ev.count(queue.EventRemoved), "the letter, its report, the postmaster's, and the other one")
		require.Equal(t, 2, ev.count(queue.EventNotified))
	})
}

// soft_bounce: "Safety net to keep mail queued that would otherwise be returned to the sender. This parameter disables
// locally-generated bounces, changes the handling of negative responses from remote servers". (postconf(5))
func TestSoftBounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newDisk(t)
		q, s, ev := post(t, reject, func(q *queue.Queue) { q.SoftBounce, q.FS = true, disk })
		by := mail.DeliverBy{Time: time.Hour, Mode: 'R'}
		late, err := sendEnvelope(q, &mail.Envelope{
			From: "late@example.org", Options: mail.MailOptions{DeliverBy: &by}, Recipients: []mail.Recipient{{Address: "b@example.net"}},
		}, letter)
		require.NoError(t, err)
		kept := send(t, q, "a@example.org", letter, "b@example.net")
		given := send(t, q, "c@example.org", letter, "b@example.net")
		time.Sleep(9 * 24 * time.Hour)
		synctest.Wait()
		require.Equal(t, map[string]queue.State{kept: queue.Deferred, given: queue.Deferred}, states(t, q), "%s is what its sender wanted", late)
		require.Contains(t, strings.Join(ev.lines(), "\n"), "dsn=5.1.1, status=SOFTBOUNCE (550 5.1.1 No such user)")
		require.Len(t, reports(s), 1)
		n, err := q.Bounce(t.Context(), queue.Filter{IDs: []string{given}}, mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "no"))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		synctest.Wait()
		require.Equal(t, map[string]queue.State{kept: queue.Deferred}, states(t, q))
		require.Len(t, reports(s), 2)
		require.NoError(t, q.Shutdown(t.Context()))

		q, s, _ = post(t, accept, func(q *queue.Queue) { q.FS = disk; q.Backoff.Lifetime = 30 * 24 * time.Hour })
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		require.Empty(t, states(t, q))
		require.Equal(t, "b@example.net", s.all()[0].to, "when it is over, it is delivered")
	})
}
