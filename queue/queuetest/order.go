package queuetest

import (
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

func (s *suite) order(f queue.Filter, o queue.Order, want int) {
	s.Helper()
	n, err := s.st.Order(s.ctx, f, o)
	s.noError(err, "Order")
	s.equal(n, want, "messages with the order")
}

// testOrder: an order is kept, adds to those before it, and makes what waits due, but not what is held.
func testOrder(s *suite) {
	waits := s.putAt(time.Now().Add(time.Hour), "a@example.org", "b@example.net")
	held := s.put("h@example.org", "b@example.net")
	s.edit(byID(held), queue.OpHold, 1)
	s.order(queue.Filter{}, queue.Order{Route: &queue.Route{Transport: "smtp", Nexthop: "[192.0.2.1]:25"}}, 2)
	s.order(byID(waits), queue.Order{Expire: true}, 1)
	s.equal(s.states()[held], queue.Held, "state of what is held")
	s.reopen()
	l := s.claimOne()
	s.equal(l.ID, waits, "what is due")
	s.equal(l.Message.Order.Expire, true, "expire")
	s.equal(*l.Message.Order.Route, queue.Route{Transport: "smtp", Nexthop: "[192.0.2.1]:25"}, "route")
	s.finish(l, queue.Finish{Retry: time.Now().Add(time.Hour)})

	why := mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "no \"more\"\nof this")
	s.order(byID(held), queue.Order{Fail: why}, 1)
	m := s.claimOne().Message
	s.equal(m.From, "h@example.org", "a failure takes from hold")
	s.equal(m.Order.Fail.String(), why.String(), "its reason")
	s.equal(m.Order.Route.Nexthop, "[192.0.2.1]:25", "the order before it")
	s.order(queue.Filter{Recipient: "nobody@example.net"}, queue.Order{Expire: true}, 0)
}

// testOrderLeased: an order for a message that is leased comes with the next lease, at once.
func testOrderLeased(s *suite) {
	id := s.put("a@example.org", "b@example.net", "c@example.net")
	l := s.claimOne()
	s.order(byID(id), queue.Order{Expire: true}, 1)
	s.noError(s.st.Record(s.ctx, l, []queue.Outcome{outcome(queue.Delivered, false, 1)}), "Record")
	s.finish(l, queue.Finish{Outcomes: []queue.Outcome{outcome(queue.Pending, false, 0)}, Retry: time.Now().Add(time.Hour)})
	l = s.claimOne()
	s.equal(l.Message.Order.Expire, true, "expire")
	s.equal(l.Message.Recipients[1].State, queue.Delivered, "what was recorded after the order")
}

// testHistory: all attempts, in order.
func testHistory(s *suite) {
	id := s.put("a@example.org", "b@example.net", "c@example.net")
	l := s.claimOne()
	s.finish(l, queue.Finish{Outcomes: []queue.Outcome{outcome(queue.Pending, false, 0, 1)}, Retry: time.Now()})
	l = s.claimOne()
	s.noError(s.st.Record(s.ctx, l, []queue.Outcome{outcome(queue.Delivered, false, 1)}), "Record")
	var states string
	for o, err := range s.st.History(s.ctx, id) {
		s.noError(err, "History")
		states += string(rune(o.State))
		s.equal(o.Relay, "mx.example.net[192.0.2.1]:25", "relay")
	}
	s.equal(states, "PD", "states")
	for _, err := range s.st.History(s.ctx, "NONE") {
		s.errorIs(err, queue.ErrNotFound, "History of no message")
	}
}
