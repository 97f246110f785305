package maildir

import (
	"context"
	"slices"
	"sync"
	"time"
)

// watcher is one Watch.
type watcher struct{ wake func() }

// wake tells everybody who watches that something may have changed.
func (b *box) wake() {
	b.mu.RLock()
	all := make([]*watcher, 0, len(b.watch))
	for w := range b.watch {
		all = append(all, w)
	}
	b.mu.RUnlock()
	root := b.root
	for _, w := range all {
		w.wake()
	}
	b.sh.wakeTree(root)
}

// Watch implements mail.Mailbox. What other programs do is found out by looking every Store.Poll.
func (m *mailbox) Watch(wake func()) (cancel func()) {
	b := m.b
	w := &watcher{wake}
	b.mu.Lock()
	if b.watch == nil {
		b.watch = map[*watcher]struct{}{}
	}
	b.watch[w] = struct{}{}
	b.mu.Unlock()
	m.s.poller.add(m.s, b)
	return sync.OnceFunc(func() {
		b.mu.Lock()
		delete(b.watch, w)
		b.mu.Unlock()
		m.s.poller.remove(b)
	})
}

// watched is a mailbox or more that somebody wants to be woken for.
type watched interface {
	refresh(context.Context) error // looks, and wakes when it finds something
	wake()
	title() string
}

// poller looks at what is watched for what other programs did. It runs while there is something.
type poller struct {
	mu    sync.Mutex
	all   map[watched]int // how many watch it
	order []watched       // the same, in the order in which they came
	stop  context.CancelFunc
}

func (p *poller) add(s *Store, b watched) {
	every := s.Poll
	if every < 0 {
		return
	}
	if every == 0 {
		every = time.Second
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[watched]int{}
	}
	if p.all[b]++; p.all[b] == 1 {
		p.order = append(p.order, b)
	}
	if p.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		p.stop = cancel
		go p.run(ctx, s, every)
	}
}

func (p *poller) remove(b watched) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[b]--; p.all[b] <= 0 {
		delete(p.all, b)
		if i := slices.Index(p.order, b); i >= 0 {
			p.order = slices.Delete(p.order, i, i+1)
		}
	}
	if len(p.all) == 0 && p.stop != nil {
		p.stop()
		p.stop = nil
	}
}

// pollParts is into how many parts a round is cut: hundreds of mailboxes looked at in one go would keep a small machine from anything else meanwhile.
const pollParts = 20

// run looks at each once a round. A round takes every, and what the looking takes.
func (p *poller) run(ctx context.Context, s *Store, every time.Duration) {
	var all []watched
	for {
		p.mu.Lock()
		all = append(all[:0], p.order...)
		p.mu.Unlock()
		n := max(1, min(len(all), pollParts))
		for i := range n {
			select {
			case <-ctx.Done():
				return
			case <-time.After(every / time.Duration(n)):
			}
			for _, b := range all[i*len(all)/n : (i+1)*len(all)/n] {
				if ctx.Err() != nil {
					return
				}
				p.look(ctx, s, b)
			}
		}
		clear(all) // so that nothing is kept in memory by us alone
	}
}

// look looks at one. A commit that finds something wakes the watchers itself.
func (p *poller) look(ctx context.Context, s *Store, b watched) {
	p.mu.Lock()
	still := p.all[b] > 0
	p.mu.Unlock()
	if !still {
		return
	}
	if err := b.refresh(ctx); err != nil && ctx.Err() == nil {
		s.logger().Warn("can't look at a watched mailbox", "mailbox", b.title(), "error", err)
		b.wake()
	}
}
