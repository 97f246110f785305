package queue

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// job is a message in delivery, or a part of one that has a long list of recipients. Its batches have the places of
// recipients in the part; outcomes have their numbers in the message.
type job struct {
	list  *list
	msg   *Message // states as of the last round; written by finishRound alone
	since time.Time
	count int // recipients that were pending at the start

	// Under Queue.mu:
	open     int       // batches that are not done yet, and the activation
	outcomes []Outcome // of this round, not recorded yet
	recorded []Outcome // of this round, recorded
	finish   Finish    // what the round leaves to be recorded
}

// activate finds where each recipient goes and puts the message into the schedule.
func (q *Queue) activate(j *job) {
	if j.msg.First == j.list.first {
		q.mu.Lock()
		count := j.count + j.list.rest
		q.mu.Unlock()
		q.emit(Event{Kind: EventActive, ID: j.msg.ID, From: j.msg.From, Size: j.msg.Size, Recipients: count})
	}
	var routes map[string]*laneRoutes
	var order []string
	switch {
	case j.msg.Order.Fail != nil:
		q.failAll(j, j.msg.Order.Fail)
	case !j.msg.mustReturn(q.now()):
		routes, order = q.routes(j)
	}
	if q.stopping() {
		return
	}
	q.mu.Lock()
	j.open++ // so that the round doesn't end while it is still being put together
	now := q.now()
	var dead []*batch
	for _, name := range order {
		r := routes[name]
		l := q.sched.lane(name, q.Transports[name])
		bad := q.sched.add(l, j, r.hops, r.order, now)
		for _, hop := range r.order {
			j.open += batches(len(r.hops[hop]), l.t)
		}
		for _, b := range bad {
			j.open -= batches(len(b.rcpts), l.t)
		}
		dead = append(dead, bad...)
	}
	q.mu.Unlock()
	for _, b := range dead {
		q.suspend(b, 0)
	}
	q.dispatch()
	q.refill(j.list)
	q.batchDone(j, 1)
}

// failAll gives up what is pending without an attempt.
func (q *Queue) failAll(j *job, why *mail.Reply) {
	for i := range j.msg.Recipients {
		if j.msg.Recipients[i].State == Pending {
			q.settle(j, "error", []int{i}, []mail.Result{{Reply: why}}, Delays{}, false)
		}
	}
}

// batches is in how many transactions so many recipients are handed over.
func batches(n int, t *Transport) int {
	limit := orInt(t.RecipientLimit, 50)
	return (n + limit - 1) / limit
}

// laneRoutes are a message's recipients for one transport by next hop, and the next hops in order.
type laneRoutes struct {
	hops  map[string][]int
	order []string
}

// errNoTransport is what mail waits for that is to go by a transport that there isn't, in Postfix's words.
var errNoTransport = &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "mail transport unavailable"}

// routes asks where the pending recipients go. Those that go nowhere have their outcome at once.
func (q *Queue) routes(j *job) (map[string]*laneRoutes, []string) {
	lanes := map[string]*laneRoutes{}
	var order []string
	for i := range j.msg.Recipients {
		r := &j.msg.Recipients[i]
		if r.State != Pending {
			continue
		}
		if i%64 == 0 && q.stopping() {
			break
		}
		to, err := q.route(q.ctx, j.msg, r.Address)
		if err == nil && q.Transports[to.Transport] == nil {
			err = errNoTransport
			q.log().Error("queue: no such transport", slog.String("transport", to.Transport))
		}
		if err != nil {
			if q.ctx.Err() == nil {
				res := q.resultOf(err, nil)
				if err == errNoTransport {
					res.Detail = errNoTransport.Text
				}
				q.settle(j, "error", []int{i}, []mail.Result{res}, Delays{}, false)
			}
			continue
		}
		l := lanes[to.Transport]
		if l == nil {
			l = &laneRoutes{hops: map[string][]int{}}
			lanes[to.Transport] = l
			order = append(order, to.Transport)
		}
		if l.hops[to.Nexthop] == nil {
			l.order = append(l.order, to.Nexthop)
		}
		l.hops[to.Nexthop] = append(l.hops[to.Nexthop], i)
	}
	return lanes, order
}

func (q *Queue) route(ctx context.Context, m *Message, to string) (Route, error) {
	switch {
	case q.isPaused(to):
		return Route{}, errPaused
	case m.Order.Route != nil:
		r := *m.Order.Route
		if r.Nexthop == "" {
			r.Nexthop = strings.ToLower(domainOf(to))
		}
		return r, nil
	case q.Route != nil:
		return q.Route(ctx, m.From, to)
	}
	return Route{Transport: "smtp", Nexthop: domainOf(to)}, nil
}

// dispatch starts all that may be started now.
func (q *Queue) dispatch() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	now := q.now()
	q.sched.tick(now)
	for b := q.sched.next(now); b != nil; b = q.sched.next(now) {
		q.tasks.Go(func() { q.deliver(b) })
	}
	if at := q.sched.tick(now); !at.IsZero() {
		if q.ticking != nil {
			q.ticking.Stop()
		}
		q.ticking = time.AfterFunc(at.Sub(now), q.dispatch)
	}
}

// suspend defers a batch whose destination is dead.
func (q *Queue) suspend(b *batch, open int) {
	q.mu.Lock()
	why := b.dest.why
	q.mu.Unlock()
	r := &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 4, 1}, Text: "delivery temporarily suspended"}
	if why.Reply != nil {
		r.Code, r.Enhanced = why.Reply.Code, enhancedOf(why.Reply)
		if !r.Temporary() { // the site refuses us, which is no verdict about this recipient
			r.Code, r.Enhanced = 451, mail.EnhancedCode{4, 4, 1}
		}
	}
	results := make([]mail.Result, len(b.rcpts))
	for i := range results {
		results[i] = mail.Result{Reply: r, Relay: "none", Detail: "delivery temporarily suspended: " + why.text()}
	}
	q.settle(b.job, b.dest.lane.label(), b.rcpts, results, Delays{}, false)
	if open > 0 {
		q.batchDone(b.job, open)
	}
}

// label is what the log calls the lane's program.
func (l *lane) label() string {
	if l.t.Name != "" {
		return l.t.Name
	}
	return l.name
}

// settle turns the results for some recipients into outcomes of the round and tells Trace.
func (q *Queue) settle(j *job, transport string, rcpts []int, results []mail.Result, d Delays, final bool) {
	now := q.now()
	d.Before = max(0, j.since.Sub(j.msg.Arrived))
	d.Active = max(0, now.Sub(j.since)-d.Connect-d.Transmit)
	var out []Outcome
	for k, i := range rcpts {
		res, r := &results[k], &j.msg.Recipients[i]
		o := Outcome{Recipients: []int{j.msg.First + i}, State: Pending, Attempt: Attempt{
			Time: now, Reply: res.Reply, Relay: res.Relay, Detail: res.Detail, Final: final, Expanded: res.Expanded,
		}}
		status := StatusDeferred
		switch {
		case res.Reply.OK():
			o.State, status = Delivered, StatusSent
			o.Owed = r.Options.Notify&mail.NotifySuccess != 0 && j.msg.From != "" && (final || res.Expanded || !res.Notifies)
		case res.Reply.Permanent() && q.SoftBounce && j.msg.Order.Fail == nil:
			status = StatusSoftBounce
		case res.Reply.Permanent():
			o.State, status = Failed, StatusBounced
			o.Owed = q.owesFailure(j.msg, r)
		}
		if o.Relay == "none" {
			o.Relay = ""
		}
		each := d
		if res.Connect > 0 || res.Transmit > 0 {
			each.Connect, each.Transmit = res.Connect, res.Transmit
			each.Active = max(0, now.Sub(j.since)-res.Connect-res.Transmit)
		}
		q.emit(Event{
			Kind: EventAttempt, ID: j.msg.ID, From: j.msg.From, Size: j.msg.Size, Recipient: r.Address,
			OriginalRecipient: originalOf(r), Transport: transport, Relay: orString(res.Relay, "none"),
			Reply: res.Reply, Detail: res.Detail, Status: status, Delays: each,
		})
		out = mergeOutcome(out, o)
	}
	q.mu.Lock()
	j.outcomes = append(j.outcomes, out...)
	q.mu.Unlock()
}

// owesFailure reports whether somebody has to be told that a recipient has failed: the sender, or for a message of the
// null sender whoever looks after double bounces.
func (q *Queue) owesFailure(m *Message, r *Recipient) bool {
	if m.From == "" {
		return !q.endsHere(m)
	}
	return r.Options.Notify.Wants(mail.NotifyFailure)
}

// mergeOutcome adds o to out, as one with the last if all but the recipient is the same, so that a thousand recipients
// of a dead destination make one line in the queue file.
func mergeOutcome(out []Outcome, o Outcome) []Outcome {
	if n := len(out) - 1; n >= 0 {
		last := &out[n]
		a, b := last.Attempt, o.Attempt
		same := a.Reply != nil && b.Reply != nil && a.Reply.String() == b.Reply.String()
		a.Reply, b.Reply = nil, nil
		if same && a == b && last.State == o.State && last.Owed == o.Owed {
			last.Recipients = append(last.Recipients, o.Recipients...)
			return out
		}
	}
	return append(out, o)
}

func originalOf(r *Recipient) string {
	_, addr, ok := cutType(r.Options.OriginalRecipient)
	if !ok || addr == r.Address {
		return ""
	}
	return addr
}

func orString(s, d string) string {
	if s == "" {
		return d
	}
	return s
}
