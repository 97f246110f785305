package queuetest

import (
	"fmt"
	"time"

	"github.com/buuta/mail/queue"
)

// testClaimLimits: what is due longest comes first, no more than was asked for.
func testClaimLimits(s *suite) {
	var ids []string
	for i := range 5 {
		ids = append(ids, s.put("a@example.org", fmt.Sprintf("b%d@example.net", i), "c@example.net"))
		time.Sleep(2 * time.Millisecond) // the clock must tell them apart
	}
	leases, _, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 2})
	s.noError(err, "Claim")
	s.equal(len(leases), 2, "leases of two messages")
	s.equal(leases[0].ID, ids[0], "the first")
	s.equal(leases[1].ID, ids[1], "the second")
	leases, _, err = s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 10, Recipients: 3})
	s.noError(err, "Claim")
	s.equal(len(leases), 2, "leases until there are three recipients")
	s.equal(leases[0].ID, ids[2], "the third")
	leases, next, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 0})
	s.noError(err, "Claim of nothing")
	s.equal(len(leases), 0, "leases of no message")
	if next.After(time.Now().Add(time.Second)) {
		s.Fatalf("a message is due, but Claim says to come again at %v", next)
	}
	s.equal(s.claimOne().ID, ids[4], "the last")
}

func testExclusive(s *suite) {
	id := s.put("a@example.org", "b@example.net")
	s.claimOne()
	s.equal(len(s.claim()), 0, "leases of a message that is leased")
	s.equal(s.states()[id], queue.Active, "its state")
}

// testRecord: outcomes are marked for each recipient and survive.
func testRecord(s *suite) {
	s.put("a@example.org", "r0@example.net", "r1@example.net", "r2@example.net", "r3@example.net")
	l := s.claimOne()
	done, bad, later := outcome(queue.Delivered, false, 0, 2), outcome(queue.Failed, true, 1), outcome(queue.Pending, false, 3)
	later.Detail = "connect to mx.example.net[192.0.2.1]:25: Connection refused"
	done.Final, bad.Expired = true, true
	s.noError(s.st.Record(s.ctx, l, []queue.Outcome{done}), "Record")
	s.noError(s.st.Record(s.ctx, l, []queue.Outcome{bad, later}), "Record again")
	s.reopen()
	m := s.claimOne().Message
	for i, want := range []queue.Outcome{done, bad, done} {
		s.sameOutcome(&m.Recipients[i], &want)
	}
	s.equal(m.Recipients[3].State, queue.Pending, "state of what was only tried")
}

func (s *suite) sameOutcome(r *queue.Recipient, want *queue.Outcome) {
	s.Helper()
	s.equal(r.State, want.State, r.Address+": state")
	s.equal(r.Owed, want.Owed, r.Address+": owed")
	s.equal(r.Last.Reply.String(), want.Reply.String(), r.Address+": reply")
	s.equal(r.Last.Reply.Text, want.Reply.Text, r.Address+": text")
	s.equal(r.Last.Relay, want.Relay, r.Address+": relay")
	s.equal(r.Last.Detail, want.Detail, r.Address+": detail")
	s.equal(r.Last.Final, want.Final, r.Address+": final")
	s.equal(r.Last.Expired, want.Expired, r.Address+": expired")
	if d := r.Last.Time.Sub(want.Time); d < -time.Millisecond || d > time.Millisecond {
		s.Fatalf("%s: time is off by %v", r.Address, d)
	}
}

// testRetry: a message that is finished but not done comes back at its time.
func testRetry(s *suite) {
	id := s.put("a@example.org", "b@example.net")
	l := s.claimOne()
	retry := time.Now().Add(time.Hour).Truncate(time.Second)
	later := outcome(queue.Pending, false, 0)
	s.finish(l, queue.Finish{Outcomes: []queue.Outcome{later}, Retry: retry})
	leases, next, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 10})
	s.noError(err, "Claim")
	s.equal(len(leases), 0, "leases before its time")
	if next.After(retry.Add(time.Second)) {
		s.Fatalf("Claim says %v, which is after the message is due at %v", next, retry)
	}
	for e, err := range s.st.List(s.ctx, queue.Filter{}) {
		s.noError(err, "List")
		s.equal(e.ID, id, "id")
		s.equal(e.State, queue.Deferred, "state")
		s.equal(e.Due.Truncate(time.Second).Equal(retry), true, "due at its time")
		s.sameOutcome(&e.Recipients[0], &later)
	}
	s.edit(queue.Filter{IDs: []string{id}}, queue.OpFlush, 1)
	l = s.claimOne()
	s.finish(l, queue.Finish{Retry: time.Now().Add(-time.Second)})
	s.equal(s.claimOne().Fence > l.Fence, true, "fences rise")
}

func testDone(s *suite) {
	id := s.put("a@example.org", "b@example.net")
	l := s.claimOne()
	s.finish(l, queue.Finish{Outcomes: []queue.Outcome{outcome(queue.Delivered, false, 0)}, Done: true})
	s.equal(len(s.states()), 0, "messages")
	_, _, err := s.st.Open(s.ctx, id)
	s.errorIs(err, queue.ErrNotFound, "Open of what is gone")
	s.reopen()
	s.equal(len(s.claim()), 0, "messages after reopening")
}

// testOwed: a message without pending recipients stays as long as a notification is owed, and remembers which is made.
func testOwed(s *suite) {
	s.put("a@example.org", "r0@example.net", "r1@example.net", "r2@example.net")
	l := s.claimOne()
	s.noError(s.st.Record(s.ctx, l, []queue.Outcome{outcome(queue.Failed, true, 0, 1), outcome(queue.Delivered, true, 2)}), "Record")
	s.reopen()
	l = s.claimOne()
	s.finish(l, queue.Finish{Notified: []int{1, 2}, Warned: true})
	s.reopen()
	m := s.claimOne().Message
	s.equal(m.Recipients[0].Owed, true, "owed for r0")
	s.equal(m.Recipients[1].Owed, false, "owed for r1")
	s.equal(m.Recipients[2].Owed, false, "owed for r2")
	s.equal(m.Recipients[1].State, queue.Failed, "state of r1")
	s.equal(m.Warned, true, "warned")
}

// testFence: who has lost a lease changes nothing.
func testFence(s *suite) {
	id := s.put("a@example.org", "b@example.net")
	old := s.claimOne()
	s.noError(s.st.Extend(s.ctx, old, time.Minute), "Extend")
	s.finish(old, queue.Finish{})
	s.errorIs(s.st.Extend(s.ctx, old, time.Minute), queue.ErrFenced, "Extend of what is finished")
	fresh := s.claimOne()
	for _, l := range []*queue.Lease{old, {ID: id, Fence: fresh.Fence + 1}, {ID: "0", Fence: 1}} {
		s.errorIs(s.st.Record(s.ctx, l, []queue.Outcome{outcome(queue.Delivered, false, 0)}), queue.ErrFenced, "Record")
		s.errorIs(s.st.Finish(s.ctx, l, queue.Finish{Done: true}), queue.ErrFenced, "Finish")
		s.errorIs(s.st.Extend(s.ctx, l, time.Minute), queue.ErrFenced, "Extend")
		s.errorIs(s.st.SetCorrupt(s.ctx, l, queue.ErrCorrupt), queue.ErrFenced, "SetCorrupt")
	}
	s.reopen()
	m := s.claimOne()
	s.equal(m.ID, id, "id")
	s.equal(m.Message.Recipients[0].State, queue.Pending, "state")
}

func testReopen(s *suite) {
	ids := map[string]bool{}
	for range 10 {
		ids[s.put("a@example.org", "b@example.net")] = true
	}
	old := s.claim()
	s.equal(len(old), 10, "leases")
	s.reopen()
	s.errorIs(s.st.Finish(s.ctx, &queue.Lease{ID: old[0].ID, Fence: 0}, queue.Finish{Done: true}), queue.ErrFenced, "Finish")
	for _, l := range s.claim() {
		s.equal(ids[l.ID], true, l.ID+" is ours")
		delete(ids, l.ID)
	}
	s.equal(len(ids), 0, "messages that were leased and are lost")
}
