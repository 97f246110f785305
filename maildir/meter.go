package maildir

import (
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// meter is what one commit adds to its account and takes from it. A nil meter is that of an account whose quota nobody counts.
type meter struct {
	l        *ledger
	pool     *pool              // of the account's group; nil for none
	limits   maildirsize.Amount // of that
	change   maildirsize.Amount
	reserved maildirsize.Amount
	names    []string // in l.flying
}

// meterMark is a place that a meter can go back to.
type meterMark struct {
	change, reserved maildirsize.Amount
	names            int
}

// meter begins a commit.
func (l *ledger) meter() (*meter, error) {
	active, err := l.active()
	if err != nil || !active {
		return nil, err
	}
	m := &meter{l: l}
	m.pool, m.limits = l.s.groupOf(l.account)
	return m, nil
}

// add reserves a file that is about to come: mail.ErrOverQuota when it doesn't fit.
func (m *meter) add(base string, size maildirsize.Amount) error {
	if m == nil {
		return nil
	}
	if err := m.pool.reserve(m.limits, size); err != nil { // which may count other accounts: nothing is locked yet
		return err
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	if err := m.l.room(size); err != nil {
		m.pool.release(size)
		return err
	}
	m.l.pending, m.reserved, m.change = m.l.pending.Plus(size), m.reserved.Plus(size), m.change.Plus(size)
	m.fly(base, maildirsize.Amount{})
	return nil
}

// remove counts a file that is about to go.
func (m *meter) remove(base string, size maildirsize.Amount) {
	if m == nil {
		return
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	m.change = m.change.Minus(size)
	m.fly(base, size)
}

// kept takes back a remove: the file was not there any more, and whoever removed it has counted it.
func (m *meter) kept(base string, size maildirsize.Amount) {
	if m == nil {
		return
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	m.change = m.change.Plus(size)
	delete(m.l.flying, base)
}

// exchange counts a file that another takes the place of: in a move.
func (m *meter) exchange(from, to string, size maildirsize.Amount) {
	if m == nil {
		return
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	m.fly(from, size)
	m.fly(to, maildirsize.Amount{})
}

func (m *meter) fly(base string, counts maildirsize.Amount) {
	if m.l.flying == nil {
		m.l.flying = map[string]maildirsize.Amount{}
	}
	if _, flies := m.l.flying[base]; !flies { // else it came in this very commit
		m.l.flying[base] = counts
		m.names = append(m.names, base)
	}
}

func (m *meter) mark() meterMark {
	if m == nil {
		return meterMark{}
	}
	return meterMark{m.change, m.reserved, len(m.names)}
}

// rollback forgets what came after the mark. Files that went are gone, should the commit have failed after that: then the file
// is in doubt.
func (m *meter) rollback(at meterMark) {
	if m == nil {
		return
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	for _, base := range m.names[at.names:] {
		m.l.doubt = m.l.doubt || m.l.flying[base].Messages != 0
		delete(m.l.flying, base)
	}
	m.l.pending = m.l.pending.Minus(m.reserved.Minus(at.reserved))
	m.pool.release(m.reserved.Minus(at.reserved))
	m.change, m.reserved, m.names = at.change, at.reserved, m.names[:at.names]
}

// settle writes down what was done.
func (m *meter) settle() {
	if m == nil {
		return
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	m.l.write(m.change)
	for _, base := range m.names {
		delete(m.l.flying, base)
	}
	m.l.pending = m.l.pending.Minus(m.reserved)
	m.pool.settle(m.l.root, m.change, m.reserved)
	*m = meter{l: m.l, pool: m.pool, limits: m.limits}
}

// transfer is the meter of a move, which takes part in two commits.
type transfer struct{ *meter }

// transfer begins a move.
func (l *ledger) transfer() (*transfer, error) {
	m, err := l.meter()
	return &transfer{m}, err
}
