package queuetest

import (
	"fmt"

	"github.com/buuta/mail/queue"
)

// testRefill: a long list is read in parts, and outcomes name recipients by their number in the whole.
func testRefill(s *suite) {
	var to []string
	for i := range 25 {
		to = append(to, fmt.Sprintf("r%d@example.net", i))
	}
	s.put("a@example.org", to...)
	claim := func() *queue.Lease {
		leases, _, err := s.st.Claim(s.ctx, queue.ClaimQuery{Messages: 1, Refill: 10})
		s.noError(err, "Claim")
		s.equal(len(leases), 1, "leases")
		return leases[0]
	}
	l := claim()
	m := l.Message
	seen := 0
	for part := 0; m != nil; part++ {
		s.equal(m.First, part*10, "number of the part's first recipient")
		s.equal(l.Rest, max(0, 15-10*part), "recipients that are not read yet")
		for i, r := range m.Recipients {
			s.equal(r.Address, to[m.First+i], "recipient")
			seen++
		}
		s.equal(m.From, "a@example.org", "sender of the part")
		n := m.First
		s.noError(s.st.Record(s.ctx, l, []queue.Outcome{outcome(queue.Delivered, false, n, n+1)}), "Record")
		var err error
		m, err = s.st.Refill(s.ctx, l, 10)
		s.noError(err, "Refill")
	}
	s.equal(seen, 25, "recipients in all parts")
	all := []int{2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19}
	s.finish(l, queue.Finish{Outcomes: []queue.Outcome{outcome(queue.Failed, false, all...)}})
	s.reopen()
	l = claim()
	s.equal(l.Message.First, 20, "the first part in which something is left")
	s.equal(l.Rest, 0, "behind it")
	s.equal(l.Message.Recipients[1].State, queue.Delivered, "the second of it")
	s.equal(l.Message.Recipients[2].State, queue.Pending, "the third of it")
	s.finish(l, queue.Finish{Done: true})
	_, err := s.st.Refill(s.ctx, l, 10)
	s.errorIs(err, queue.ErrFenced, "Refill after Finish")
}
