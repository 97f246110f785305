package intake_test

import (
	"context"
	"testing"

	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// HOLD is as durable as the message: in the moment it is in the queue it is on hold there.
func TestHeldFromTheStart(t *testing.T) {
	s := newSite(t, intake.MTA, "smtpd_recipient_restrictions = check_sender_access inline:{ {s@far.test = HOLD look} }\n")
	found := make(chan map[string]queue.State, 10)
	trace := s.queue.Trace
	s.queue.Trace = func(e queue.Event) {
		trace(e)
		if e.Kind == queue.EventQueued {
			states := map[string]queue.State{}
			for x, err := range s.queue.List(context.Background(), queue.Filter{}) {
				if err == nil {
					states[x.ID] = x.State
				}
			}
			found <- states
		}
	}
	k := s.dial()
	k.say("EHLO c.test", "250")
	n := 0
	for _, to := range [][]string{{"x@far.test"}, {"alice@here.test"}, {"alice@here.test", "x@far.test"}} {
		k.send(text, "250 2.0.0 Ok: queued as ", to...)
		n++
		states := <-found
		require.Len(t, states, n)
		for _, st := range states {
			require.Equal(t, queue.Held, st)
		}
	}
	require.Empty(t, s.inbox("alice@here.test"))

	s = newSite(t, intake.MTA, "")
	x, err := lookup.Open(t.Context(), "regexp:{{/^Subject: x/ HOLD}}", nil)
	require.NoError(t, err)
	s.back.Checks = func() *checks.Checker { return &checks.Checker{Header: x} }
	k = s.dial()
	k.say("EHLO c.test", "250")
	k.send(text, "250 2.0.0 Ok: queued as ", "alice@here.test")
	for e, err := range s.queue.List(t.Context(), queue.Filter{}) {
		require.NoError(t, err)
		require.Equal(t, queue.Held, e.State)
		n--
	}
	require.Equal(t, 2, n)
	_, err = s.queue.Release(t.Context(), queue.Filter{})
	require.NoError(t, err)
	s.logged("status=sent (delivered to maildir)")
	require.Len(t, s.inbox("alice@here.test"), 1)
}
