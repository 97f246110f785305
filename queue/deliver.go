package queue

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// deliver hands a batch to its transport and takes the results in.
func (q *Queue) deliver(b *batch) {
	t := b.dest.lane.t
	ctx := q.ctx
	if t.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.Timeout)
		defer cancel()
	}
	d := delivery{q: q, b: b, began: q.now(), results: make([]mail.Result, len(b.rcpts))}
	err := d.run(ctx)
	cut := q.ctx.Err() != nil && err != nil // the queue is closing and this delivery was cut off: it says nothing
	if errors.Is(err, ErrCorrupt) {
		q.mu.Lock()
		b.job.list.damaged = err
		q.mu.Unlock()
	} else if !cut {
		end := q.now()
		delays := Delays{Connect: d.begun.Sub(d.began), Transmit: end.Sub(d.begun)}
		q.settle(b.job, b.dest.lane.label(), b.rcpts, d.results, delays, t.Final)
	}
	if !cut {
		// The place at the destination is kept until what came of it is on disk: a crash repeats what was under way, no more.
		q.recordSome(b.job)
		q.batchDone(b.job, 1)
	}

	q.mu.Lock()
	now := q.now()
	var why Attempt
	if d.siteFailed {
		why = Attempt{Time: now, Reply: d.results[0].Reply, Detail: d.results[0].Detail}
	}
	until := now.Add(orTime(q.Backoff.Minimal, 300*time.Second))
	dead := q.sched.done(b, !cut && !d.siteFailed, !cut && d.siteFailed, why, now, until)
	q.mu.Unlock()
	for _, x := range dead {
		q.suspend(x, batches(len(x.rcpts), t))
	}
	q.dispatch()
}

// delivery is one transaction with a transport's deliverer.
type delivery struct {
	q            *Queue
	b            *batch
	began, begun time.Time // Begin was called, and has returned
	results      []mail.Result
	siteFailed   bool
}

// run fills results, one for each recipient of the batch. Its error says why not all is as the other side wanted it.
func (d *delivery) run(ctx context.Context) error {
	m := d.b.job.msg
	if d.q.isPaused(m.Recipients[d.b.rcpts[0]].Address) {
		d.begun = d.began
		d.failAll(errPaused, nil)
		return errPaused
	}
	content, err := d.q.storage.Content(ctx, d.b.job.list.lease)
	d.begun = d.q.now()
	if err != nil {
		d.failAll(err, nil)
		return err
	}
	defer content.Close()
	opts := m.remaining(d.begun)
	opts.Size = content.Size()
	to := d.b.dest.lane.t.Deliverer(d.b.dest.hop)
	tx, err := to.Begin(ctx, m.From, &opts)
	d.begun = d.q.now()
	if err != nil {
		d.siteFailed = isSiteFailure(err)
		d.failAll(err, nil)
		if _, ok := errors.AsType[*mail.Reply](err); !ok && d.siteFailed {
			for k := range d.results {
				d.results[k].Reply = &mail.Reply{
					Code: 451, Enhanced: mail.EnhancedCode{4, 4, 1}, Text: "No answer from host", Err: err,
				}
			}
		}
		return err
	}
	defer tx.Abort()
	var accepted []int // indexes into results
	for k, i := range d.b.rcpts {
		r := &m.Recipients[i]
		if err := tx.Recipient(ctx, r.Address, &r.Options); err != nil {
			d.results[k] = d.q.resultOf(err, tx)
		} else {
			accepted = append(accepted, k)
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	if err := tx.Body(ctx, content); err != nil {
		return d.failRest(accepted, err, tx)
	}
	results, err := tx.Commit(ctx)
	if err == nil && len(results) != len(accepted) {
		err = errors.New("queue: the deliverer gave another number of results than it took recipients")
	}
	if err != nil {
		return d.failRest(accepted, err, tx)
	}
	for n, k := range accepted {
		d.results[k] = results[n]
		if results[n].Reply == nil {
			d.results[k] = d.q.resultOf(errors.New("queue: the deliverer gave no reply"), tx)
		}
	}
	d.siteFailed = allSiteFailures(d.results)
	return nil
}

// allSiteFailures reports whether a deliverer that does its work late found the site unusable for every recipient.
func allSiteFailures(results []mail.Result) bool {
	for i := range results {
		r := results[i].Reply
		switch reached := results[i].Relay != "" && results[i].Relay != "none"; {
		case !r.Temporary():
			return false
		case r.Code == 421, r.Enhanced[1] == 4, r.Enhanced[1] == 3 && !reached:
		default:
			return false
		}
	}
	return true
}

func (d *delivery) failAll(err error, tx mail.Transaction) {
	for k := range d.results {
		d.results[k] = d.q.resultOf(err, tx)
	}
}

func (d *delivery) failRest(which []int, err error, tx mail.Transaction) error {
	for _, k := range which {
		d.results[k] = d.q.resultOf(err, tx)
	}
	return err
}

// resultOf makes a result of an error. A reply that is neither a temporary nor a permanent failure is none of a failure:
// the recipient is tried again.
func (q *Queue) resultOf(err error, tx mail.Transaction) mail.Result {
	r := mail.ReplyOf(err)
	if !r.Temporary() && !r.Permanent() {
		r = mail.ReplyOf(errors.New(r.String()))
	}
	res := mail.Result{Reply: r, Relay: relayOf(err, tx)}
	if d, ok := errors.AsType[interface {
		error
		Detail() string
	}](err); ok {
		res.Detail = d.Detail()
	} else if r.Err != nil && r.LocalError() {
		res.Detail = oneLine(r.Err.Error())
	}
	return res
}

// relayOf asks the error, and then the transaction, who the peer was.
func relayOf(err error, tx mail.Transaction) string {
	if r, ok := errors.AsType[interface {
		error
		Relay() string
	}](err); ok {
		return r.Relay()
	}
	if r, ok := tx.(interface{ Relay() string }); ok {
		return r.Relay()
	}
	return ""
}

// isSiteFailure reports whether an error of Begin is about the destination as a whole, not about this sender.
func isSiteFailure(err error) bool {
	r, ok := errors.AsType[*mail.Reply](err)
	if !ok {
		_, isNet := errors.AsType[net.Error](err)
		return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	if r.Code == 421 || r.Enhanced[1] == 4 || r.Enhanced[1] == 3 {
		return true
	}
	_, isNet := errors.AsType[net.Error](r.Err)
	return r.Err != nil && isNet
}

func cutType(s string) (kind, address string, ok bool) { return strings.Cut(s, ";") }
