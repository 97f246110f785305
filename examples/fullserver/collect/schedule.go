package collect

import (
	"context"
	"sync"
	"time"
)

// work is what is under way with an account.
type work struct {
	next   time.Time
	asked  bool               // by its user: also while it is paused or stopped
	cancel context.CancelFunc // of the run; nil while there is none
	ended  chan struct{}      // closed with the run that was asked for; nil: nobody waits
	bad    map[string]time.Time
}

// stop ends a run that is under way.
func (w *work) stop() {
	if w.cancel != nil {
		w.cancel()
	}
}

// Times between runs: between two that a user asks for, after a wrong password, the longest after failures, and for which a message is left alone that could not be taken.
const (
	breather   = time.Minute
	afterWrong = time.Hour
	longest    = 6 * time.Hour
	forBad     = 24 * time.Hour
)

// due is when an account is fetched from next, after what has come of the last run.
func (e *entry) due(interval time.Duration) time.Time {
	s := &e.Status
	wait := interval
	for range min(s.Failures, 10) {
		wait = min(2*wait, max(longest, interval))
	}
	if s.Refusals > 0 {
		wait = max(wait, afterWrong)
	}
	return s.Ended.Add(wait)
}

func (c *Collector) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run fetches what is due until ctx is done, then waits for the runs that it ends with it.
func (c *Collector) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for {
			p, e := c.take()
			if e == nil {
				break
			}
			wg.Go(func() { c.do(ctx, p, e) })
		}
		timer.Reset(c.wait())
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// take returns the account that has been due for the longest, and marks its user as busy.
func (c *Collector) take() (*person, *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running >= c.o.Limits.Concurrency {
		return nil, nil
	}
	var who *person
	var what *entry
	now := c.o.Now()
	c.ready(func(p *person, e *entry) {
		if !e.work.next.After(now) && (what == nil || e.work.next.Before(what.work.next)) {
			who, what = p, e
		}
	})
	if what != nil {
		who.busy = true
		c.running++
	}
	return who, what
}

// ready calls f with the accounts that may be fetched from when their time has come. c.mu is held.
func (c *Collector) ready(f func(p *person, e *entry)) {
	for _, p := range c.people {
		if p.busy {
			continue
		}
		for _, e := range p.entries {
			if e.work.asked || !e.Account.Paused && !e.Status.Stopped {
				f(p, e)
			}
		}
	}
}

// wait is how long nothing is due; a run that ends wakes the loop.
func (c *Collector) wait() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := time.Hour
	if c.running >= c.o.Limits.Concurrency {
		return wait
	}
	now := c.o.Now()
	c.ready(func(_ *person, e *entry) { wait = min(wait, e.work.next.Sub(now)) })
	return max(wait, 0)
}

// do fetches from one account, and notes what has come of it.
func (c *Collector) do(ctx context.Context, p *person, e *entry) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	a, asked := e.Account, e.work.asked
	e.work.cancel = cancel
	password, err := c.open(p.name, e)
	now := c.o.Now()
	for uidl, at := range e.work.bad {
		if now.Sub(at) > forBad {
			delete(e.work.bad, uidl)
		}
	}
	bad := e.work.bad
	c.mu.Unlock()
	var r run
	idle := false
	switch {
	case err != nil:
		r.err = err
	case !asked && c.o.May != nil && !c.o.May(ctx, p.name):
		idle = true
	default:
		limited, done := context.WithTimeout(ctx, c.o.Limits.Time)
		r = c.fetch(limited, p.name, a, password, bad)
		done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case idle:
		e.work.next = now.Add(c.o.Limits.Interval)
	case ctx.Err() == nil: // else the server stops, or the account is another now
		c.note(p, e, r, password)
	}
	e.work.cancel, e.work.asked, p.busy = nil, false, false
	c.running--
	if e.work.ended != nil {
		close(e.work.ended)
		e.work.ended = nil
	}
	c.nudge()
}

// note keeps what has come of a run. c.mu is held.
func (c *Collector) note(p *person, e *entry, r run, password string) {
	now, s := c.o.Now(), &e.Status
	s.Ended, s.Fetched, s.TooLarge, s.Problem = now, r.Filed, r.Skipped-r.waited, nil
	s.Total += int64(r.Filed)
	if r.err == nil {
		s.Failures, s.Refusals = 0, 0
	} else {
		s.Problem = c.told(p.name, &e.Account, r.err, password)
		if s.Failures++; r.Filed > 0 {
			s.Failures = 1
		}
		if s.Problem.Code == Password {
			s.Refusals++
		}
	}
	s.Stopped = s.Refusals >= c.o.Limits.Refusals || r.err != nil && s.Problem.Code == NeedPassword
	if r.Filed > 0 {
		c.o.Log.Info("collect", "user", p.name, "host", e.Account.Host, "account", e.Account.User, "messages", r.Filed)
	}
	for uidl := range r.failed {
		if e.work.bad == nil {
			e.work.bad = map[string]time.Time{}
		}
		e.work.bad[uidl] = now
	}
	if e.work.next = e.due(c.o.Limits.Interval); r.Left > 0 && r.err == nil {
		e.work.next = now.Add(breather)
	}
	if err := c.save(p); err != nil {
		c.o.Log.Error("collect", "user", p.name, "err", err)
	}
}

// Fetch fetches from a user's account now, and waits until that has ended or ctx is done. What came of it is in the account's Status; an error is about the asking.
func (c *Collector) Fetch(ctx context.Context, user, id string) error {
	c.mu.Lock()
	p := c.person(user)
	e := p.find(id)
	err := error(nil)
	switch {
	case e == nil:
		err = &Problem{Code: Gone}
	case e.work.cancel != nil || e.work.asked: // it is under way
	case c.o.Now().Sub(e.Status.Ended) < breather:
		err = &Problem{Code: TooOften}
	default:
		err = c.try(p)
	}
	if err != nil {
		c.mu.Unlock()
		return err
	}
	if e.work.cancel == nil {
		e.work.asked, e.work.next = true, time.Time{}
	}
	if e.work.ended == nil {
		e.work.ended = make(chan struct{})
	}
	ended := e.work.ended
	c.nudge()
	c.mu.Unlock()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return nil
}
