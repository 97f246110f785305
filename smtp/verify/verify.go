// Package verify finds out whether addresses take mail by asking the servers that would get it, and remembers what they said, as Postfix's verify(8)
// does.
//
//	v := &verify.Verifier{Probe: func(ctx context.Context, address string) mail.Result {
//		results, err := transport.Probe(ctx, "example.net", "probe@example.org", address) // an mx.Transport
//		…
//	}}
//	switch a := v.Verify(ctx, "bob@example.net"); a.Status {
//	case verify.Undeliverable:
//		return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "undeliverable address: "+a.Text)
//	case verify.Unknown:
//		return mail.NewReply(450, mail.EnhancedCode{4, 1, 1}, "unverified address: "+a.Text)
//	}
//
// What is known is answered at once, and asked for again in the background when it is old. What isn't is asked for while the caller waits a little; the
// answer then comes too late for some, who are told to try again, and is there when they do.
package verify

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// Status is what is known of an address.
type Status int

// The statuses.
const (
	Unknown       Status = iota // nobody has said yet, or what was said may change (4yz)
	Deliverable                 // it takes mail (2yz)
	Undeliverable               // it doesn't (5yz)
)

// String returns the status in a word.
func (s Status) String() string {
	switch s {
	case Deliverable:
		return "deliverable"
	case Undeliverable:
		return "undeliverable"
	}
	return "unknown"
}

// Answer is what is known of an address, and in whose words.
type Answer struct {
	Status Status
	Text   string
}

// InProgress is the text of an Answer that there was no time for.
const InProgress = "Address verification in progress"

// Verifier asks and remembers. Probe must be set; the zero value of every other field works. It may be used by many goroutines at once; its fields must
// not change after the first use.
type Verifier struct {
	// Probe asks whether an address takes mail, by MAIL and RCPT without a message. Of the result, Reply counts, and Detail, if there is one, is what is
	// told; a Reply of nil is as good as none.
	Probe func(ctx context.Context, address string) mail.Result

	Wait         time.Duration // that Verify waits for an answer; 0: 9 s, negative: not at all (address_verify_poll_count times address_verify_poll_delay)
	ProbeTimeout time.Duration // for a probe; 0: 5 min

	// How long answers are believed, and when they are asked for again before that. 0: 31 days, 7 days, 3 days, 3 hours, as
	// address_verify_positive_expire_time and its like.
	PositiveExpire, PositiveRefresh time.Duration
	NegativeExpire, NegativeRefresh time.Duration

	ForgetNegative bool // remember only who takes mail (address_verify_negative_cache = no)

	MaxEntries int // addresses remembered; 0: 100 000. The ones not confirmed for longest go first.
	MaxPending int // probes at a time; 0: 5000 (address_verify_pending_request_limit). More addresses are Unknown.

	// File keeps what is known from one run to the next; "": nothing does. It is written every ten minutes and by Close. Losing it costs no more than
	// asking again.
	File string

	Now func() time.Time // nil: time.Now

	once    sync.Once
	ctx     context.Context
	stop    context.CancelFunc
	probes  sync.WaitGroup
	mu      sync.Mutex
	known   map[string]*entry
	pending map[string]*question
	written time.Time
	changed bool
}

// entry is what is remembered of an address.
type entry struct {
	Answer
	Probed, Updated time.Time
}

// question is a probe under way.
type question struct {
	done   chan struct{}
	answer Answer // once done is closed
}

// probeTTL is how long a probe may have been lost for before there is another.
const probeTTL = 1000 * time.Second

func or(d, usual time.Duration) time.Duration {
	if d == 0 {
		return usual
	}
	return d
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// start reads what was remembered.
func (v *Verifier) start() {
	v.once.Do(func() {
		v.ctx, v.stop = context.WithCancel(context.Background())
		v.known, v.pending, v.written = map[string]*entry{}, map[string]*question{}, v.now()
		v.load()
	})
}

// Verify returns what is known of an address, asking for it where nothing is. Domains are compared without regard to case, local parts as they are.
func (v *Verifier) Verify(ctx context.Context, address string) Answer {
	v.start()
	key := fold(address)
	v.mu.Lock()
	now := v.now()
	e := v.known[key]
	if e != nil && v.expired(e, now) {
		delete(v.known, key)
		e = nil
	}
	if e != nil {
		if v.stale(e, now) && now.Sub(e.Probed) > probeTTL {
			e.Probed = now
			v.probe(key, address)
		}
		a := e.Answer
		v.mu.Unlock()
		return a
	}
	q := v.probe(key, address)
	v.mu.Unlock()
	wait := or(v.Wait, 9*time.Second)
	if q == nil || wait < 0 {
		return Answer{Unknown, InProgress}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-q.done:
		return q.answer
	case <-timer.C:
	case <-ctx.Done():
	}
	return Answer{Unknown, InProgress}
}

// expired and stale compare an entry's age with what its kind may have.
func (v *Verifier) expired(e *entry, now time.Time) bool {
	if e.Status == Deliverable {
		return now.Sub(e.Updated) > or(v.PositiveExpire, 31*24*time.Hour)
	}
	return now.Sub(e.Updated) > or(v.NegativeExpire, 3*24*time.Hour)
}

func (v *Verifier) stale(e *entry, now time.Time) bool {
	if e.Status == Deliverable {
		return now.Sub(e.Updated) > or(v.PositiveRefresh, 7*24*time.Hour)
	}
	return now.Sub(e.Updated) > or(v.NegativeRefresh, 3*time.Hour)
}

// probe has an address asked for, unless it is being asked for. It returns nil when there are too many. v.mu is held.
func (v *Verifier) probe(key, address string) *question {
	if q := v.pending[key]; q != nil {
		return q
	}
	most := v.MaxPending
	if most <= 0 {
		most = 5000
	}
	if len(v.pending) >= most || v.ctx.Err() != nil {
		return nil
	}
	q := &question{done: make(chan struct{}), answer: Answer{Unknown, InProgress}}
	v.pending[key] = q
	v.probes.Go(func() {
		defer close(q.done)
		ctx, cancel := context.WithTimeout(v.ctx, or(v.ProbeTimeout, 5*time.Minute))
		defer cancel()
		r := v.Probe(ctx, address)
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.pending, key)
		if v.ctx.Err() == nil && r.Reply != nil {
			q.answer = answerOf(r)
			v.learn(key, q.answer)
		}
	})
	return q
}

func answerOf(r mail.Result) Answer {
	a := Answer{Unknown, r.Detail}
	switch {
	case r.Reply.OK():
		a.Status = Deliverable
	case r.Reply.Permanent():
		a.Status = Undeliverable
	}
	if a.Text == "" {
		a.Text = r.Reply.String()
	}
	return a
}

// learn remembers what a probe has brought. An address that was deliverable stays so until that is too old: a server in trouble is no reason to refuse
// its users' mail. v.mu is held.
func (v *Verifier) learn(key string, a Answer) {
	now := v.now()
	old := v.known[key]
	if a.Status != Deliverable && (v.ForgetNegative || old != nil && old.Status == Deliverable && !v.expired(old, now)) {
		return
	}
	if old == nil {
		v.evict()
	}
	v.known[key] = &entry{a, now, now}
	v.changed = true
	if v.File != "" && now.Sub(v.written) > 10*time.Minute {
		v.written = now
		v.probes.Go(func() { _ = v.save() })
	}
}

// evict makes room for one more: of a few it forgets the one that was confirmed longest ago. v.mu is held.
func (v *Verifier) evict() {
	most := v.MaxEntries
	if most <= 0 {
		most = 100_000
	}
	for len(v.known) >= most {
		var oldest string
		n := 0
		for key, e := range v.known {
			if oldest == "" || e.Updated.Before(v.known[oldest].Updated) {
				oldest = key
			}
			if n++; n == 16 {
				break
			}
		}
		delete(v.known, oldest)
	}
}

// Close ends probes and writes File.
func (v *Verifier) Close() error {
	v.start()
	v.stop()
	v.probes.Wait()
	return v.save()
}

// fold is an address as it is remembered.
func fold(address string) string {
	i := strings.LastIndexByte(address, '@')
	return address[:i+1] + strings.ToLower(address[i+1:])
}
