package queuetest

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/queue"
)

func byID(id string) queue.Filter { return queue.Filter{IDs: []string{id}} }

// testHold: what is on hold isn't tried, even after reopening, until it is released.
func testHold(s *suite) {
	now := s.put("a@example.org", "b@example.net")
	later := s.putAt(time.Now().Add(time.Hour), "a@example.org", "b@example.net")
	s.edit(queue.Filter{}, queue.OpHold, 2)
	s.edit(queue.Filter{}, queue.OpHold, 0)
	s.edit(queue.Filter{}, queue.OpFlush, 0)
	s.equal(len(s.claim()), 0, "leases of what is on hold")
	s.reopen()
	s.equal(len(s.claim()), 0, "leases after reopening")
	s.equal(s.states()[later], queue.Held, "state")
	s.equal(s.text(now), content, "content")
	s.edit(byID(later), queue.OpRelease, 1)
	s.edit(byID(later), queue.OpRelease, 0)
	s.equal(s.claimOne().ID, later, "what was released is due")
	s.equal(s.states()[now], queue.Held, "state of the other")
}

// testEditLeased: an edit of a leased message takes effect when the lease ends.
func testEditLeased(s *suite) {
	held, deleted, requeued, changed := s.put("a@example.org", "b@example.net"), s.put("a@example.org", "b@example.net"),
		s.put("a@example.org", "b@example.net"), s.put("a@example.org", "b@example.net")
	leases := map[string]*queue.Lease{}
	for _, l := range s.claim() {
		leases[l.ID] = l
	}
	s.edit(byID(held), queue.OpHold, 1)
	s.edit(byID(deleted), queue.OpDelete, 1)
	s.edit(byID(requeued), queue.OpRequeue, 1)
	s.edit(byID(changed), queue.OpHold, 1)
	s.edit(byID(changed), queue.OpRelease, 1)
	for _, l := range leases {
		s.noError(s.st.Record(s.ctx, l, []queue.Outcome{outcome(queue.Pending, false, 0)}), "Record")
		s.finish(l, queue.Finish{Retry: time.Now().Add(time.Hour)})
	}
	states := s.states()
	s.equal(states[held], queue.Held, "state of what was put on hold")
	s.equal(states[deleted], queue.State(""), "state of what was deleted")
	if len(s.claim()) == 0 {
		s.Fatal("what was requeued is not due")
	}
	s.equal(len(states), 3, "messages")
}

func testDelete(s *suite) {
	a, b := s.put("a@example.org", "b@example.net"), s.put("a@example.org", "c@example.net")
	s.edit(byID(a), queue.OpDelete, 1)
	s.edit(byID(a), queue.OpDelete, 0)
	s.edit(queue.Filter{IDs: []string{"0", "../x", "", "."}}, queue.OpDelete, 0)
	s.reopen()
	s.equal(s.claimOne().ID, b, "what is left")
}

func testFlush(s *suite) {
	later := s.putAt(time.Now().Add(time.Hour), "a@example.org", "b@example.net")
	held := s.put("a@example.org", "b@example.net")
	s.edit(byID(held), queue.OpHold, 1)
	s.edit(queue.Filter{}, queue.OpFlush, 1)
	s.equal(s.claimOne().ID, later, "what was flushed")
	s.edit(byID(held), queue.OpRequeue, 1)
	s.equal(s.claimOne().ID, held, "what was requeued")
}

// testFilter: each field narrows, and only pending recipients count.
func testFilter(s *suite) {
	one := s.put("A@Example.org", "b@one.example", "c@sub.one.example")
	two := s.put("", "b@two.example")
	l := s.claim()
	for _, x := range l {
		f := queue.Finish{Retry: time.Now().Add(time.Hour)}
		if x.ID == one {
			f.Outcomes = []queue.Outcome{outcome(queue.Delivered, false, 0)}
		}
		s.finish(x, f)
	}
	null, a := "", "a@example.ORG"
	for _, tt := range []struct {
		name string
		f    queue.Filter
		want []string
	}{
		{"all", queue.Filter{}, []string{one, two}},
		{"ids", queue.Filter{IDs: []string{two, "0"}}, []string{two}},
		{"state", queue.Filter{States: []queue.State{queue.Deferred}}, []string{one, two}},
		{"other state", queue.Filter{States: []queue.State{queue.Held, queue.Incoming}}, nil},
		{"sender", queue.Filter{Sender: &a}, []string{one}},
		{"null sender", queue.Filter{Sender: &null}, []string{two}},
		{"recipient", queue.Filter{Recipient: "B@TWO.example"}, []string{two}},
		{"recipient that has it", queue.Filter{Recipient: "b@one.example"}, nil},
		{"destination", queue.Filter{Destination: "sub.ONE.example"}, []string{one}},
		{"destination that is done", queue.Filter{Destination: "one.example"}, nil},
		{"below", queue.Filter{Destination: ".one.example"}, []string{one}},
		{"match", queue.Filter{Match: func(m *queue.Message) bool { return len(m.Recipients) == 1 }}, []string{two}},
		{"two fields", queue.Filter{Sender: &null, Destination: "sub.one.example"}, nil},
	} {
		var got []string
		for e, err := range s.st.List(s.ctx, tt.f) {
			s.noError(err, tt.name)
			got = append(got, e.ID)
		}
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			s.Fatalf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	s.edit(queue.Filter{Destination: "two.example"}, queue.OpDelete, 1)
	s.equal(len(s.states()), 1, "messages left")
}

func testList(s *suite) {
	for range 20 {
		s.put("a@example.org", "b@example.net")
	}
	n := 0
	for _, err := range s.st.List(s.ctx, queue.Filter{}) {
		s.noError(err, "List")
		if n++; n == 3 {
			break // the rest isn't forced upon anybody
		}
	}
	s.equal(n, 3, "entries")
	s.equal(len(s.states()), 20, "entries")
}

func testOpen(s *suite) {
	id := s.put("a@example.org", "b@example.net")
	m, c, err := s.st.Open(s.ctx, id)
	s.noError(err, "Open")
	s.equal(m.From, "a@example.org", "sender")
	s.equal(c.Size(), int64(len(content)), "Size")
	var b strings.Builder
	n, err := c.WriteTo(&b)
	s.noError(err, "WriteTo")
	s.equal(n, int64(len(content)), "octets")
	s.equal(b.String(), content, "content")
	if sk, ok := c.(io.Seeker); ok {
		_, err := sk.Seek(0, io.SeekStart)
		s.noError(err, "Seek to the beginning")
		again, err := io.ReadAll(c)
		s.noError(err, "reading again")
		s.equal(string(again), content, "content read again")
	}
	s.noError(c.Close(), "Close")
	l := s.claimOne()
	s.equal(s.text(id), content, "content of a leased message")
	_, c, err = s.st.Open(s.ctx, id)
	s.noError(err, "Open")
	s.finish(l, queue.Finish{Done: true})
	got, err := io.ReadAll(c)
	s.noError(err, "reading what was removed meanwhile")
	s.equal(string(got), content, "its content")
	s.noError(c.Close(), "Close")
	for _, id := range []string{id, "0", "", "..", "a/b"} {
		_, _, err = s.st.Open(s.ctx, id)
		s.errorIs(err, queue.ErrNotFound, "Open of "+id)
	}
}

// testDamaged: damaged content never reads to a clean end, and such a message is set aside for good.
func testDamaged(s *suite) {
	if s.opened.Damage == nil {
		s.Skip("the storage under test can't be damaged")
	}
	id, good := s.put("a@example.org", "b@example.net"), s.put("a@example.org", "b@example.net")
	s.opened.Damage(s.T, id)
	var bad *queue.Lease
	for _, l := range s.claim() {
		if l.ID == id {
			bad = l
		}
	}
	if bad != nil { // the storage doesn't look at contents when it leases
		_, c, err := s.st.Open(s.ctx, id)
		s.noError(err, "Open")
		_, err = io.ReadAll(c)
		s.errorIs(err, queue.ErrCorrupt, "reading damaged content")
		s.noError(errors.Join(c.Close(), s.st.SetCorrupt(s.ctx, bad, err)), "SetCorrupt")
	}
	s.equal(s.opened.Damaged(s.T), 1, "messages set aside")
	s.edit(queue.Filter{}, queue.OpRequeue, 1)
	s.reopen()
	s.equal(s.claimOne().ID, good, "what is due")
	s.equal(s.opened.Damaged(s.T), 1, "messages set aside after reopening")
}
