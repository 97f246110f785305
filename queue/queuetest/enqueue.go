package queuetest

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// testEnqueue: what is committed is there, due at once, and survives.
func testEnqueue(s *suite) {
	id := s.put("a@example.org", "b@example.net", "c@example.net")
	if id == "" {
		s.Fatal("the ID is empty")
	}
	s.reopen()
	l := s.claimOne()
	s.equal(l.ID, id, "ID of the lease")
	s.equal(l.Message.ID, id, "ID of the message")
	s.equal(l.Message.From, "a@example.org", "sender")
	s.equal(len(l.Message.Recipients), 2, "recipients")
	s.equal(l.Message.Recipients[1].Address, "c@example.net", "second recipient")
	s.equal(l.Message.Recipients[1].State, queue.Pending, "state of a recipient")
	s.equal(l.Message.Size, int64(len(content)), "size")
	if d := time.Since(l.Message.Arrived); d < -time.Second || d > time.Minute {
		s.Fatalf("arrived %v ago", d)
	}
	s.equal(s.text(id), content, "content")
}

// testArrived: what has been in another queue before keeps its age, in any state.
func testArrived(s *suite) {
	at := time.Now().Add(-50 * time.Hour).Round(time.Second).UTC()
	ids := map[string]bool{}
	for _, p := range []queue.Placement{{}, {Held: true}, {NotBefore: time.Now().Add(time.Hour)}} {
		d, err := s.st.Create(s.ctx)
		s.noError(err, "Create")
		s.noError(d.Write(s.ctx, &queue.Message{From: "a@example.org", Arrived: at, Recipients: []queue.Recipient{{Address: "b@example.net", State: queue.Pending}}}, strings.NewReader(content)), "Write")
		s.noError(d.Commit(s.ctx, p), "Commit")
		ids[d.ID()] = true
	}
	s.reopen()
	s.equal(s.claimOne().Message.Arrived, at, "arrival of the message that is due")
	for e, err := range s.st.List(s.ctx, queue.Filter{}) {
		s.noError(err, "List")
		s.equal(e.Arrived, at, "arrival of "+string(e.State))
		delete(ids, e.ID)
	}
	s.equal(len(ids), 0, "messages that are not in the list")
}

// testEnvelope: every parameter comes back as it was, whatever bytes are in it.
func testEnvelope(s *suite) {
	auth, prio := "", -3
	hard := "x=\"y\\z\" \t\r\n\x00\xff é =?"
	want := queue.Message{
		From: "\"a b\"@example.org",
		Options: mail.MailOptions{
			Size: 7, Body: mail.Body8BitMIME, UTF8: true, RequireTLS: true, Plaintext: true, Return: mail.ReturnHeaders, EnvelopeID: hard,
			Auth: &auth, DeliverBy: &mail.DeliverBy{Time: -time.Minute, Mode: 'N', Trace: true}, Priority: &prio,
			Hold:  mail.HoldOptions{For: time.Second, Until: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)},
			Extra: []mail.Parameter{{Name: "X", Value: hard, HasValue: true}, {Name: "Y"}, {Name: "Z", HasValue: true}},
		},
		Recipients: []queue.Recipient{
			{Address: "Postmaster", State: queue.Pending},
			{Address: "ü@bücher.example", State: queue.Pending, Options: mail.RcptOptions{
				Notify: mail.NotifySuccess | mail.NotifyDelay, OriginalRecipient: "utf-8;" + hard,
				ValidSince: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				Extra:      []mail.Parameter{{Name: "Q", Value: "=", HasValue: true}},
			}},
			{Address: "n@example.net", State: queue.Pending, Options: mail.RcptOptions{Notify: mail.NotifyNever}},
		},
		Order: queue.Order{Route: &queue.Route{Transport: "scan", Nexthop: hard}},
	}
	m := want
	d, err := s.st.Create(s.ctx)
	s.noError(err, "Create")
	s.noError(d.Write(s.ctx, &m, strings.NewReader("")), "Write")
	s.noError(d.Commit(s.ctx, queue.Placement{}), "Commit")
	s.reopen()
	got := *s.claimOne().Message
	want.ID, want.Arrived, want.Size = d.ID(), got.Arrived, 0
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func testAbort(s *suite) {
	d, err := s.st.Create(s.ctx)
	s.noError(err, "Create")
	s.noError(d.Abort(), "Abort of an empty draft")
	d, err = s.st.Create(s.ctx)
	s.noError(err, "Create")
	s.noError(d.Write(s.ctx, message("b@example.net"), strings.NewReader(content)), "Write")
	s.noError(d.Abort(), "Abort of a written draft")
	s.noError(d.Abort(), "a second Abort")
	if err := d.Commit(s.ctx, queue.Placement{}); err == nil {
		s.Fatal("Commit after Abort went well")
	}
	kept := s.put("a@example.org", "b@example.net")
	s.equal(len(s.states()), 1, "messages")
	s.equal(s.claimOne().ID, kept, "what is due")
}

// testCommitAgain: the ID is the token that keeps a repeated Commit from storing a message twice.
func testCommitAgain(s *suite) {
	d, err := s.st.Create(s.ctx)
	s.noError(err, "Create")
	s.noError(d.Write(s.ctx, message("b@example.net"), strings.NewReader(content)), "Write")
	s.noError(d.Commit(s.ctx, queue.Placement{}), "Commit")
	s.noError(d.Commit(s.ctx, queue.Placement{}), "a second Commit")
	s.noError(d.Abort(), "Abort after Commit")
	s.equal(len(s.claim()), 1, "messages")
}

// testReadError: the sender went away. Its error comes back as it is.
func testReadError(s *suite) {
	gone := errors.New("connection reset")
	d, err := s.st.Create(s.ctx)
	s.noError(err, "Create")
	r := io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), &failing{gone})
	s.errorIs(d.Write(s.ctx, message("b@example.net"), r), gone, "Write")
	s.noError(d.Abort(), "Abort")
	s.equal(len(s.states()), 0, "messages")
	s.reopen()
	s.equal(len(s.states()), 0, "messages")
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// testNotBefore: a message can be given for later.
func testNotBefore(s *suite) {
	due := time.Now().Add(time.Hour)
	id := s.putAt(due, "a@example.org", "b@example.net")
	s.equal(len(s.claim()), 0, "messages due now")
	s.equal(s.states()[id], queue.Deferred, "state")
	s.reopen()
	leases, next, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 10})
	s.noError(err, "Claim")
	s.equal(len(leases), 0, "messages due after reopening")
	if next.After(due.Add(time.Second)) {
		s.Fatalf("Claim says %v, which is after the message is due at %v", next, due)
	}
	soon := s.putAt(time.Now().Add(-time.Hour), "a@example.org", "b@example.net")
	s.equal(s.claimOne().ID, soon, "a time that has passed is now")
}

// testHeld: a message can begin on hold, where it isn't due until it is released, whatever else was said of its time.
func testHeld(s *suite) {
	held := s.place(queue.Placement{Held: true}, "a@example.org", "b@example.net")
	later := s.place(queue.Placement{Held: true, NotBefore: time.Now().Add(time.Hour)}, "a@example.org", "b@example.net")
	for range 2 {
		s.equal(s.states()[held], queue.Held, "state")
		s.equal(s.states()[later], queue.Held, "state of one for later")
		s.edit(queue.Filter{}, queue.OpFlush, 0)
		s.equal(len(s.claim()), 0, "leases of what is on hold")
		s.equal(s.text(held), content, "content")
		s.reopen()
	}
	s.edit(byID(held), queue.OpRelease, 1)
	s.equal(s.claimOne().ID, held, "what was released is due")
	s.edit(byID(later), queue.OpRelease, 1)
	s.equal(s.claimOne().ID, later, "what was for later is due when it is released")
}

func message(to ...string) *queue.Message {
	m := &queue.Message{From: "a@example.org"}
	for _, a := range to {
		m.Recipients = append(m.Recipients, queue.Recipient{Address: a, State: queue.Pending})
	}
	return m
}

// testConcurrent: many writers and takers at once lose nothing and share nothing.
func testConcurrent(s *suite) {
	const writers, each = 16, 20
	ids := make(chan string, writers*each)
	errs := make(chan error, writers*2)
	for w := range writers {
		go func() {
			for i := range each {
				d, err := s.st.Create(s.ctx)
				if err == nil {
					err = d.Write(s.ctx, message(fmt.Sprintf("b%d@d%d.example", i, w)), strings.NewReader(content))
				}
				if err == nil {
					err = d.Commit(s.ctx, queue.Placement{})
				}
				if err != nil {
					errs <- err
					return
				}
				ids <- d.ID()
			}
			errs <- nil
		}()
	}
	taken := make(chan string, writers*each*2)
	stop := make(chan struct{})
	for range 4 {
		go func() {
			for last := false; ; {
				leases, _, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 7})
				for _, l := range leases {
					taken <- l.ID
					err = errors.Join(err, s.st.Finish(s.ctx, l, queue.Finish{Done: true}))
				}
				if err != nil {
					errs <- err
					return
				}
				if len(leases) > 0 {
					continue
				}
				if last {
					errs <- nil
					return
				}
				select {
				case <-stop:
					last = true // what was committed before is due by now
				case <-time.After(time.Millisecond):
				}
			}
		}()
	}
	for range writers {
		s.noError(<-errs, "a writer")
	}
	close(stop)
	for range 4 {
		s.noError(<-errs, "a taker")
	}
	close(ids)
	close(taken)
	seen := map[string]int{}
	for id := range ids {
		if seen[id]++; seen[id] > 1 {
			s.Fatalf("id %s was given twice at a time", id)
		}
	}
	for id := range taken {
		seen[id] += 10
	}
	s.equal(len(seen), writers*each, "messages taken and given")
	for id, n := range seen {
		s.equal(n, 11, "times that "+id+" was given (1) and taken (10)")
	}
	s.equal(len(s.states()), 0, "messages left")
}
