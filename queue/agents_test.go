package queue_test

import (
	"testing"
	"testing/synctest"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

func TestDiscardAndRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		var ev events
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{
			"smtp": s.transport(), "discard": {Deliverer: queue.Discard}, "error": {Deliverer: queue.Refuse},
		}, Trace: ev.trace})
		for domain, to := range map[string]queue.Route{
			"gone.example": {Transport: "discard"}, "moved.example": {Transport: "error", Nexthop: "5.1.6 has moved"},
			"later.example": {Transport: "error", Nexthop: "4.7.0 come again"}, "no.example": {Transport: "error", Nexthop: "no mail here"},
		} {
			require.NoError(t, q.Pause(t.Context(), domain))
			send(t, q, domain+"@example.org", letter, "b@"+domain)
			synctest.Wait()
			_, err := q.Reroute(t.Context(), queue.Filter{Destination: domain}, to)
			require.NoError(t, err)
			_, err = q.Resume(t.Context(), domain)
			require.NoError(t, err)
			synctest.Wait()
		}
		said := map[string]*mail.Reply{}
		for _, e := range ev.all {
			if e.Kind == queue.EventAttempt && e.From != "" {
				said[e.From] = e.Reply
			}
		}
		require.True(t, said["gone.example@example.org"].OK())
		require.Equal(t, "550 5.1.6 has moved", said["moved.example@example.org"].String())
		require.Equal(t, "450 4.7.0 come again", said["later.example@example.org"].String())
		require.Equal(t, "550 5.0.0 no mail here", said["no.example@example.org"].String())
		require.Len(t, reports(&s), 2)
		require.Len(t, states(t, q), 1)
	})
}
