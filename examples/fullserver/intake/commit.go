package intake

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// Commit implements mail.Transaction. The queue comes first: when it fails, nothing has been filed and the client tries
// again with everybody. What fails in a mailbox afterwards is the client's to know when it is the whole message, and goes into
// the queue, to be tried again or returned, when others have got theirs: SMTP has one reply for all of them.
func (t *transaction) Commit(ctx context.Context) ([]mail.Result, error) {
	if t.done {
		return nil, mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
	}
	if err := t.endOfData(ctx); err != nil {
		_ = t.Abort()
		return nil, err
	}
	waiting := ctx
	ctx = context.WithoutCancel(ctx) // half of it done is worse than a client that doesn't hear of it
	if t.proxy != nil {
		return t.proxyCommit(ctx)
	}
	t.done = true
	t.dropReserved()
	defer t.source.Close()
	b := t.s.b
	if t.discarded {
		return t.taken(), nil
	}
	b.Log.Received(t.s.c, &t.msg)
	if t.queue != nil {
		if _, err := t.queue.Commit(ctx); err != nil {
			if t.local != nil {
				_ = t.local.Abort()
			}
			return nil, err
		}
	}
	var filed []mail.Result
	if t.local != nil {
		var err error
		if filed, err = t.local.Commit(ctx); err != nil && t.queue == nil {
			return nil, err
		} else if err != nil {
			filed = failed(t.rcpts, err)
		}
	}
	results := t.gather(filed)
	if b.Kind != LMTP {
		results = t.rescue(ctx, waiting, results)
	}
	t.tell(results)
	return t.answers(results), nil
}

// taken is the answer for a message that was thrown away.
func (t *transaction) taken() []mail.Result {
	out := make([]mail.Result, len(t.said))
	for i, s := range t.said {
		out[i] = mail.Result{Recipient: s.to, Reply: mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok"), ID: t.msg.ID}
	}
	return out
}

// answers are the results for the recipients as the client named them. Where one stands for several, a failure of one of them is his.
func (t *transaction) answers(results []mail.Result) []mail.Result {
	out := make([]mail.Result, 0, len(t.said))
	if t.redirected {
		for _, s := range t.said {
			out = append(out, mail.Result{Recipient: s.to, Reply: mail.Combine(results), ID: t.msg.ID, Relay: "queue"})
		}
		return out
	}
	for _, s := range t.said {
		part := results[s.first : s.first+s.n]
		r := part[0]
		if s.n > 1 {
			r.Reply = mail.Combine(part)
			r.Detail = ""
		}
		if r.Recipient = s.to; r.Reply.OK() {
			r.ID = t.msg.ID
		}
		out = append(out, r)
	}
	return out
}

// failed gives an error to each recipient that is here.
func failed(rcpts []rcpt, err error) []mail.Result {
	var out []mail.Result
	for i := range rcpts {
		if rcpts[i].here() {
			out = append(out, mail.Result{Recipient: rcpts[i].to, Reply: mail.ReplyOf(err)})
		}
	}
	return out
}

// gather puts the results in the order of the recipients.
func (t *transaction) gather(filed []mail.Result) []mail.Result {
	out := make([]mail.Result, len(t.rcpts))
	next := 0
	for i := range t.rcpts {
		r := &t.rcpts[i]
		switch {
		case r.twin >= 0:
			out[i] = out[r.twin]
		case r.here():
			out[i] = filed[next]
			next++
		default:
			out[i] = mail.Result{Reply: mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok"), Relay: "queue"}
		}
		out[i].Recipient = r.to
		if out[i].Reply.OK() {
			out[i].ID = t.msg.ID
		}
	}
	return out
}

// rescue queues the message for those whose mailboxes did not take it, if somebody has got it already. What fails in a mailbox, for want of room, often
// fails in the queue: it tries again while the client waits, until that ends.
func (t *transaction) rescue(ctx, waiting context.Context, results []mail.Result) []mail.Result {
	var lost []int
	taken := false
	for i := range results {
		switch {
		case results[i].Reply.OK():
			taken = true
		case t.rcpts[i].twin < 0:
			lost = append(lost, i)
		}
	}
	if !taken || len(lost) == 0 || t.source == nil {
		return results
	}
	waiting, cancel := context.WithTimeout(waiting, cmp.Or(t.s.b.RescueTime, time.Minute))
	defer cancel()
	id, err := t.requeue(ctx, lost)
	for err != nil && mail.ReplyOf(err).Temporary() && pause(waiting, 100*time.Millisecond) {
		id, err = t.requeue(ctx, lost)
	}
	for i := range results {
		r := &results[i]
		switch {
		case r.Reply.OK():
		case err == nil:
			r.Reply, r.ID, r.Relay = mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok"), id, "queue"
		default:
			// Now the client has to come again, and those who have it get it twice: nothing is lost.
			r.Reply = mail.ReplyOf(err)
		}
	}
	return results
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// requeue queues the message for some recipients.
func (t *transaction) requeue(ctx context.Context, which []int) (string, error) {
	tx, err := t.begin(ctx)
	if err != nil {
		return "", err
	}
	defer tx.Abort()
	for _, i := range which {
		if err := tx.Recipient(ctx, t.rcpts[i].target.Address, &t.rcpts[i].opts); err != nil {
			return "", err
		}
	}
	if err := tx.Body(ctx, t.source.NewReader()); err != nil {
		return "", err
	}
	_, err = tx.Commit(ctx)
	return tx.ID(), err
}

// tell writes to the log what became of the recipients that are here.
func (t *transaction) tell(results []mail.Result) {
	for i := range results {
		res := &results[i]
		if !t.rcpts[i].here() {
			continue
		}
		if res.Relay == "queue" {
			continue
		}
		e := &queue.Event{
			Kind: queue.EventAttempt, ID: t.msg.ID, From: t.from, Recipient: t.rcpts[i].target.Address,
			Transport: string(t.rcpts[i].target.Class), Relay: string(t.rcpts[i].target.Class), Reply: res.Reply, Detail: res.Detail,
			Status: queue.StatusSent,
		}
		e.Delays.Transmit = res.Transmit
		e.Delays.Before = max(0, t.s.b.now().Sub(t.began)-res.Transmit)
		switch {
		case res.Reply.Temporary():
			e.Status = queue.StatusDeferred
		case res.Reply.Permanent():
			e.Status = queue.StatusBounced
		}
		t.s.b.Log.Delivered(t.s.c, &t.msg, e)
	}
	if slices.ContainsFunc(results, func(r mail.Result) bool { return r.Reply.OK() }) {
		t.s.b.Log.Done(t.s.c, &t.msg)
	}
}
