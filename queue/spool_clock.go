package queue

import "time"

// A clock that was wrong for a while leaves times behind that are in the future once it is right again: a retry that would
// be due next year, a message that is not a minute old until then. What such a time meant is still known, by what it
// was counted from, and so it is put right. A clock that is ahead makes messages old: they are tried at once, and returned only
// if that fails, which is what Postfix does.

// clockSlack is how far ahead a time may be before the clock is to blame.
const clockSlack = time.Minute

// look notes the time and whether it is earlier than it was. The lock is held.
func (s *Spool) look(now time.Time) {
	now = now.Round(0) // without the monotonic reading, which never goes back
	if s.latest.IsZero() || now.Before(s.latest.Add(-clockSlack)) {
		s.doubt = true // at the start nobody knows what has happened before
	}
	s.latest = now
}

// setRight gives a message that waits longer than any retry does the time that was meant, and returns it.
func (s *Spool) setRight(id string, at, now time.Time) time.Time {
	if at.Sub(now) <= orTime(s.MaxDelay, 4000*time.Second)+clockSlack || s.isHeld(id) {
		return at
	}
	q, err := s.readPart(Deferred, id, 0)
	if err != nil {
		return at // Claim finds out what ails it, if it isn't gone
	}
	meant := q.msg.meantDue(at, now)
	if !meant.Equal(at) && s.fs.Chtimes(s.path(Deferred, id), meant, meant) != nil {
		return at
	}
	return meant
}

// meantDue is when a message that is due at a time is due by a clock that may have been put back since that was settled.
func (m *Message) meantDue(at, now time.Time) time.Time {
	if m.Options.Hold.Until.Equal(at) {
		return at // the sender's, and absolute
	}
	from := m.Arrived
	for i := range m.Recipients {
		if t := m.Recipients[i].Last.Time; t.After(from) {
			from = t
		}
	}
	if !from.After(now.Add(clockSlack)) || at.Before(from) {
		return at
	}
	return now.Add(at.Sub(from))
}

// arrivedNow puts a time of arrival right that is yet to come, and reports whether it did.
func (m *Message) arrivedNow(now time.Time) bool {
	if !m.Arrived.After(now.Add(clockSlack)) {
		return false
	}
	m.Arrived = now.Add(-m.Options.Hold.For).UTC().Round(0) // what the sender wanted to wait for is over
	return true
}
