package queue

import (
	"time"

	"github.com/buuta/mail"
)

// released is when the message's time in the queue began: its arrival, or the time that its sender wanted to wait for
// (FUTURERELEASE, RFC 4865).
func (m *Message) released() time.Time {
	switch h := m.Options.Hold; {
	case h.Until.After(m.Arrived):
		return h.Until
	case h.For > 0:
		return m.Arrived.Add(h.For)
	}
	return m.Arrived
}

// deliverBy is the deliver-by-time (RFC 2852 section 4), zero for none.
func (m *Message) deliverBy() time.Time {
	if by := m.Options.DeliverBy; by != nil {
		return m.Arrived.Add(by.Time)
	}
	return time.Time{}
}

// mustReturn reports whether the sender wants the message back rather than late: no further attempts may be made once
// deliver-by-time has come (RFC 2852 section 4.1.3).
func (m *Message) mustReturn(now time.Time) bool {
	by := m.Options.DeliverBy
	return by != nil && by.Mode == 'R' && !now.Before(m.deliverBy())
}

// isLate reports whether deliver-by-time has passed for a message whose sender wants to be told and no more (mode N).
func (m *Message) isLate(now time.Time) bool {
	by := m.Options.DeliverBy
	return by != nil && by.Mode == 'N' && !now.Before(m.deliverBy())
}

// isOver reports whether the message is to be given up.
func (q *Queue) isOver(m *Message, now time.Time) bool {
	old := now.Sub(m.released()) >= q.lifetime(m) && !q.SoftBounce
	return old || m.mustReturn(now) || m.Order.Expire
}

// lateReply is what is said about a recipient that is given up because of deliver-by-time.
var lateReply = mail.NewReply(554, mail.EnhancedCode{5, 4, 7}, "delivery time expired")

// remaining are the options for an attempt now: a BY parameter says how much of its time is left, which is negative for
// one of mode N that is late (RFC 2852 section 4.1.4).
func (m *Message) remaining(now time.Time) mail.MailOptions {
	o := m.Options
	if o.DeliverBy != nil {
		by := *o.DeliverBy
		by.Time = m.deliverBy().Sub(now)
		o.DeliverBy = &by
	}
	o.Hold = mail.HoldOptions{} // the time has come
	return o
}
