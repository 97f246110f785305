package maildir

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// pool is what the accounts of a group keep: the sum of their ledgers, kept in memory. A ledger's lock comes before the pool's, so nobody
// may count who holds one.
type pool struct {
	s     *Store
	group string
	count chan struct{} // held while the accounts are counted

	mu      sync.Mutex
	used    map[string]maildirsize.Amount // by account's folder
	sum     maildirsize.Amount            // of used
	pending maildirsize.Amount            // reserved and not yet written down
	touched map[string]bool               // accounts that changed while they are counted; nil while they aren't
	counted time.Time                     // when they were last
	took    time.Duration
}

func (sh *shared) pool(s *Store, group string) *pool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.pools[group]
	if p == nil {
		if sh.pools == nil {
			sh.pools = map[string]*pool{}
		}
		p = &pool{s: s, group: group, count: make(chan struct{}, 1), used: map[string]maildirsize.Amount{}}
		sh.pools[group] = p
	}
	return p
}

// reserve sets room aside for what is about to come: mail.ErrOverQuota when there is none.
func (p *pool) reserve(limits, more maildirsize.Amount) error {
	if p == nil {
		return nil
	}
	p.refresh(poolFresh)
	if p.take(limits, more) {
		return nil
	}
	p.refresh(p.patience()) // accounts are gone, or another program has removed mail
	if p.take(limits, more) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%w: all of %s use %d octets and %d messages", mail.ErrOverQuota, p.group, p.sum.Bytes, p.sum.Messages)
}

func (p *pool) take(limits, more maildirsize.Amount) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sum.Plus(p.pending).Plus(more).Within(limits) {
		return false
	}
	p.pending = p.pending.Plus(more)
	return true
}

// release gives back what was reserved.
func (p *pool) release(less maildirsize.Amount) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = p.pending.Minus(less)
}

// fits is reserve for who reserves nothing yet.
func (p *pool) fits(limits, more maildirsize.Amount) error {
	err := p.reserve(limits, more)
	if err == nil {
		p.release(more)
	}
	return err
}

// settle adds to what an account uses, of which something was reserved. Its ledger is locked.
func (p *pool) settle(root string, change, reserved maildirsize.Amount) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store(root, p.used[root].Plus(change))
	p.pending = p.pending.Minus(reserved)
}

// set says what an account uses. Its ledger is locked.
func (p *pool) set(root string, used maildirsize.Amount) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store(root, used)
}

func (p *pool) store(root string, used maildirsize.Amount) {
	p.sum = p.sum.Minus(p.used[root]).Plus(used)
	p.used[root] = used
	if p.touched != nil {
		p.touched[root] = true
	}
}

const (
	poolFresh    = 15 * time.Minute // how old a sum may be that lets mail in
	poolPatience = time.Second      // and one that keeps it out, at least: floods at a full group must not mean that it is counted all the time
)

// patience is how old a sum may be that somebody is refused by: so much that counting takes a twentieth of the time.
func (p *pool) patience() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(poolPatience, 20*p.took)
}

// refresh counts the group's accounts when that was done longer than age ago. No ledger is locked.
func (p *pool) refresh(age time.Duration) {
	if !p.older(age) {
		return
	}
	p.count <- struct{}{}
	defer func() { <-p.count }()
	if !p.older(age) { // somebody has, meanwhile
		return
	}
	began := time.Now()
	p.mu.Lock()
	p.touched = map[string]bool{}
	p.mu.Unlock()
	err := p.recount()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		for root := range p.used {
			if !p.touched[root] { // no longer of the group
				p.sum = p.sum.Minus(p.used[root])
				delete(p.used, root)
			}
		}
	} else {
		p.s.logger().Warn("accounts of a group can't be counted; what was known counts", "group", p.group, "error", err)
	}
	p.touched, p.counted, p.took = nil, p.s.now(), time.Since(began)
}

func (p *pool) older(age time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := p.s.now().Sub(p.counted)
	return p.counted.IsZero() || since > age || since < 0
}

// recount asks every account's ledger. An account that can't be read counts as before.
func (p *pool) recount() error {
	accounts, err := p.s.Groups.Accounts(context.Background(), p.group)
	if err != nil {
		return err
	}
	var errs []error
	for _, account := range accounts {
		if err := p.ask(account); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", account, err))
		}
	}
	return errors.Join(errs...)
}

// ask asks an account's ledger. What it says and what it is changed by afterwards come in this order, because it is locked.
func (p *pool) ask(account string) error {
	l, end, err := p.s.ledgerOf(account)
	if l == nil {
		return err
	}
	defer end()
	l.mu.Lock()
	defer l.mu.Unlock()
	file, _, err := l.read()
	if err == nil {
		p.set(l.root, file.Used)
	}
	return err
}

// usage returns what the group's accounts use.
func (p *pool) usage() maildirsize.Amount {
	p.refresh(p.patience())
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sum
}
