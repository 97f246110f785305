package queue

import (
	"context"
	"time"

	"github.com/buuta/mail"
)

// recordSome records what is known of a message while other batches of it are still under way. The last batch leaves it
// to finishRound, which may get by with one sync.
func (q *Queue) recordSome(j *job) {
	q.mu.Lock()
	if j.open <= 1 || j.list.lost {
		q.mu.Unlock()
		return
	}
	out := j.outcomes
	j.outcomes = nil
	q.mu.Unlock()
	q.record(j, out)
}

// record marks outcomes in the storage. Those that change nothing but the time of the last attempt are kept for the
// round's end.
func (q *Queue) record(j *job, out []Outcome) {
	var now, later []Outcome
	for _, o := range out {
		if o.State == Pending {
			later = append(later, o)
		} else {
			now = append(now, o)
		}
	}
	ok := len(now) == 0 || q.persist(j.msg.ID, func() error {
		return q.storage.Record(context.WithoutCancel(q.ctx), j.list.lease, now)
	})
	q.mu.Lock()
	defer q.mu.Unlock()
	j.outcomes = append(j.outcomes, later...)
	if !ok {
		j.list.lost = true
		return
	}
	j.recorded = append(j.recorded, now...)
}

// batchDone counts batches of a message as done. With the last one the round ends.
func (q *Queue) batchDone(j *job, n int) {
	q.mu.Lock()
	j.open -= n
	last := j.open == 0
	q.mu.Unlock()
	if last {
		q.finishRound(j)
	}
}

// finishRound decides what becomes of a message, or a part of one, of which every recipient has been tried: it is
// removed, returned, or kept for another time.
func (q *Queue) finishRound(j *job) {
	defer q.endJob(j)
	q.mu.Lock()
	over := j.list.lost || j.list.damaged != nil
	q.mu.Unlock()
	if over {
		return
	}
	m, now := j.msg, q.now()
	for _, set := range [][]Outcome{j.recorded, j.outcomes} {
		for i := range set {
			m.apply(&set[i])
		}
	}
	if m.pending() > 0 && q.isOver(m, now) {
		q.expire(j)
	}
	f := Finish{Outcomes: j.outcomes}
	if owed := m.owed(); len(owed) > 0 || q.delayDue(m, now) {
		q.record(j, j.outcomes) // the debt must be known before it is paid
		f = Finish{Outcomes: j.outcomes}
		f.Notified, f.Warned = q.notify(j)
	}
	q.mu.Lock()
	j.finish = f
	q.mu.Unlock()
}

// endJob forgets a part of a message. With the last part the message's lease ends.
func (q *Queue) endJob(j *job) {
	l := j.list
	q.mu.Lock()
	alone := l.parts == 1 && l.rest == 0 // then no part will begin any more
	lost := l.lost || l.damaged != nil
	q.mu.Unlock()
	if !alone && !lost {
		q.recordPart(j)
	}
	q.mu.Lock()
	l.parts--
	l.add(j)
	q.pending -= len(j.msg.Recipients)
	last := l.parts == 0 && (l.rest == 0 && !l.reading || l.lost || l.damaged != nil)
	q.mu.Unlock()
	switch {
	case !last:
		q.refill(l)
	case alone:
		q.endList(l, j.finish)
	default:
		q.endList(l, Finish{Warned: l.warned})
	}
}

func (q *Queue) lifetime(m *Message) time.Duration {
	if m.From == "" {
		return orTime(q.Backoff.BounceLifetime, 5*24*time.Hour)
	}
	return orTime(q.Backoff.Lifetime, 5*24*time.Hour)
}

// expire gives the recipients up that are still pending.
func (q *Queue) expire(j *job) {
	m := j.msg
	q.emit(Event{Kind: EventExpired, ID: m.ID, From: m.From, Size: m.Size, Recipients: m.pending()})
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.State != Pending {
			continue
		}
		o := Outcome{Recipients: []int{m.First + i}, State: Failed, Owed: q.owesFailure(m, r), Attempt: r.Last}
		o.Expired = true
		if m.mustReturn(q.now()) {
			o.Reply, o.Time = lateReply, q.now()
			o.Relay, o.Detail = "", lateReply.Text
		}
		m.apply(&o)
		j.outcomes = mergeOutcome(j.outcomes, o)
	}
}

// maxDelay is the longest that retryAt makes a message wait.
func (q *Queue) maxDelay() time.Duration {
	return max(orTime(q.Backoff.Minimal, 300*time.Second), orTime(q.Backoff.Maximal, 4000*time.Second))
}

// retryAt is when the message is due again: after as long as it has been here, within limits (minimal_backoff_time and
// maximal_backoff_time). A message of which only a notification is left, which could not be made, comes soon.
func (q *Queue) retryAt(m *Message, now time.Time, pending bool) time.Time {
	least := orTime(q.Backoff.Minimal, 300*time.Second)
	if !pending {
		return now.Add(least)
	}
	at := now.Add(max(least, min(now.Sub(m.released()), orTime(q.Backoff.Maximal, 4000*time.Second))))
	if by := m.deliverBy(); by.After(now) && by.Before(at) {
		return by // the sender hears of it in time
	}
	return at
}

// delayDue reports whether the sender is to be told of a delay now.
func (q *Queue) delayDue(m *Message, now time.Time) bool {
	if m.Warned || m.From == "" || len(m.delayed()) == 0 {
		return false
	}
	return m.isLate(now) || q.Backoff.DelayWarning > 0 && now.Sub(m.released()) >= q.Backoff.DelayWarning
}

// delayed returns the recipients of whose delay the sender wants to know.
func (m *Message) delayed() (rcpts []int) {
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.State == Pending && r.Options.Notify.Wants(mail.NotifyDelay) {
			rcpts = append(rcpts, i)
		}
	}
	return rcpts
}

// owed returns the recipients for whom a notification has still to be made.
func (m *Message) owed() (rcpts []int) {
	for i := range m.Recipients {
		if m.Recipients[i].Owed {
			rcpts = append(rcpts, i)
		}
	}
	return rcpts
}

func (q *Queue) emit(e Event) {
	if q.Trace != nil {
		e.Time = q.now()
		q.Trace(e)
	}
}
