package mail

import (
	"context"
	"errors"
	"hash/maphash"
	"math"
	"math/bits"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// AuthThrottle is an [AuthGuard] that makes guessing slow without shutting out those who are guessed at. It counts failures per
// address (an IPv6 network of 64 bits is one) and per account, whether there is such an account or not. After Free of them the next
// attempt has to come a second after the one before, then two, four, up to MaxDelay; those that would have to wait longer than MaxWait are
// refused unseen. A password that fails again counts once: a telephone that has the old one is no attack.
//
// An address from which somebody has logged in to an account is measured by its own failures for that account alone, so that neither an
// attack on the account nor one by others behind the same address stands in its way. What is known is kept in memory only.
//
// The zero value is ready to use. Fields must not change once it is used.
type AuthThrottle struct {
	Free       int           // failures that cost no wait; 0: 5
	MaxDelay   time.Duration // between two attempts; 0: 15 s
	MaxWait    time.Duration // how long an attempt waits; 0: 30 s
	HalfLife   time.Duration // of the count of failures; 0: 15 min
	MaxEntries int           // addresses, accounts and known pairs that are remembered, each; 0: 65536 (some 10 MiB when all are full)

	// Exempt, if not nil, reports addresses that are never slowed down: a proxy or web mail that has a guard of its own. A client
	// without an IP address, on a socket of this machine, is exempt, too.
	Exempt func(a netip.Addr) bool

	mu    sync.Mutex
	start time.Time    // what the times of attempts count from, for a clock that can't be set back
	seed  maphash.Seed // of the keys below, so that nobody can choose two that are one
	// By network, by account, and by both together.
	addresses, accounts, known aging
	stopped                    chan struct{}
}

// attempts are the failures of one address, account or pair.
type attempts struct {
	failures float64       // as of at
	at       time.Duration // of the last failure
	next     time.Duration // when the next attempt may be looked at
	wrong    [4]uint32     // the last passwords that were wrong, hashed with the account
	pending  int32         // attempts that are being looked at
	n        uint8         // of wrong
}

// maxPending is how many attempts for one account may be looked at at once before they count as failures: a client that comes back opens
// several connections.
const maxPending = 10

// Admit implements [AuthGuard].
func (t *AuthThrottle) Admit(ctx context.Context, a *AuthRequest) (settled func(error), err error) {
	address, ok := t.network(a.Remote)
	if !ok {
		return func(error) {}, nil
	}
	account := a.Username
	if account == "" {
		account = a.Authorize
	}
	account = strings.ToLower(account)

	t.mu.Lock()
	if t.start.IsZero() {
		t.start, t.seed = time.Now(), maphash.MakeSeed()
	}
	stopped := t.stop()
	now := time.Since(t.start)
	byAddress, byAccount := maphash.Comparable(t.seed, address), maphash.String(t.seed, account)
	pair := byAddress ^ bits.RotateLeft64(byAccount, 1)
	measured := []*attempts{t.known.get(pair)}
	if measured[0] == nil {
		measured = []*attempts{t.addresses.add(byAddress, t.entries()), t.accounts.add(byAccount, t.entries())}
	}
	at := now
	for _, m := range measured {
		at = max(at, m.next)
	}
	wait := at - now
	if deadline, ok := ctx.Deadline(); wait > t.maxWait() || ok && time.Until(deadline) < wait {
		t.mu.Unlock()
		return nil, &TooManyAttemptsError{wait}
	}
	for i, m := range measured {
		failures := m.count(now, t.halfLife())
		if i > 0 && m.pending > maxPending {
			failures += float64(m.pending - maxPending)
		}
		m.pending++
		if d := t.delay(failures); d > 0 {
			m.next = at + d
		}
	}
	t.mu.Unlock()

	ended := false
	settled = func(err error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if ended {
			return
		}
		ended = true
		t.settle(measured, pair, account, a.Password, err)
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-stopped:
			settled(ErrTooManyAttempts)
			return nil, &TooManyAttemptsError{wait}
		case <-ctx.Done():
			settled(ctx.Err())
			return nil, context.Cause(ctx)
		}
	}
	return settled, nil
}

// Stop refuses attempts that wait, and those that would have to from now on: a server that shuts down doesn't wait for them.
func (t *AuthThrottle) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.stop():
	default:
		close(t.stopped)
	}
}

// stop returns what Stop closes.
func (t *AuthThrottle) stop() chan struct{} {
	if t.stopped == nil {
		t.stopped = make(chan struct{})
	}
	return t.stopped
}

// settle notes how an attempt has ended.
func (t *AuthThrottle) settle(measured []*attempts, pair uint64, account, password string, err error) {
	now := time.Since(t.start)
	for _, m := range measured {
		m.pending--
	}
	switch {
	case err == nil:
		known := t.known.add(pair, t.entries())
		known.failures, known.next = 0, 0
	case errors.Is(err, ErrAuthFailed):
		var sum uint32
		if password != "" {
			sum = uint32(maphash.String(t.seed, account+"\x00"+password)) | 1
		}
		for _, m := range measured {
			if !m.again(sum) {
				m.failures, m.at = m.count(now, t.halfLife())+1, now
			}
		}
	}
}

// again reports whether this password has failed before, and remembers it.
func (m *attempts) again(sum uint32) bool {
	if sum == 0 {
		return false
	}
	for _, w := range m.wrong {
		if w == sum {
			return true
		}
	}
	m.wrong[m.n%uint8(len(m.wrong))] = sum
	m.n++
	return false
}

// count is what is left of the failures.
func (m *attempts) count(now, halfLife time.Duration) float64 {
	if m.failures == 0 {
		return 0
	}
	return m.failures * math.Exp2(-float64(now-m.at)/float64(halfLife))
}

// delay is how long the attempt after one with so many failures before it has to wait.
func (t *AuthThrottle) delay(failures float64) time.Duration {
	free, most := t.Free, t.MaxDelay
	if free <= 0 {
		free = 5
	}
	if most <= 0 {
		most = 15 * time.Second
	}
	over := int(math.Round(failures)) - free
	if over < 0 {
		return 0
	}
	if over > 20 {
		return most
	}
	return min(most, time.Second<<over)
}

func (t *AuthThrottle) maxWait() time.Duration {
	if t.MaxWait <= 0 {
		return 30 * time.Second
	}
	return t.MaxWait
}

func (t *AuthThrottle) halfLife() time.Duration {
	if t.HalfLife <= 0 {
		return 15 * time.Minute
	}
	return t.HalfLife
}

func (t *AuthThrottle) entries() int {
	if t.MaxEntries <= 0 {
		return 1 << 16
	}
	return t.MaxEntries
}

// network returns what counts as one address; false for a client that isn't slowed down.
func (t *AuthThrottle) network(a net.Addr) (netip.Prefix, bool) {
	var ip netip.Addr
	switch a := a.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case nil:
		return netip.Prefix{}, false
	default:
		p, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.Prefix{}, false
		}
		ip = p.Addr()
	}
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() || t.Exempt != nil && t.Exempt(ip) {
		return netip.Prefix{}, false
	}
	length := 32
	if ip.Is6() {
		length = 64
	}
	p, err := ip.Prefix(length)
	return p, err == nil
}

// aging is a map that forgets what was not used for long: when young is full it becomes old, and what was old is gone.
type aging struct{ young, old map[uint64]*attempts }

// get returns what is known of k, nil when that is nothing.
func (g *aging) get(k uint64) *attempts {
	if a := g.young[k]; a != nil {
		return a
	}
	return g.old[k]
}

// add returns what is known of k, as one that was used now; max is how many are kept.
func (g *aging) add(k uint64, max int) *attempts {
	a := g.young[k]
	if a != nil {
		return a
	}
	if len(g.young) >= (max+1)/2 {
		g.young, g.old = nil, g.young
	}
	if a = g.old[k]; a == nil {
		a = new(attempts)
	}
	if g.young == nil {
		g.young = map[uint64]*attempts{}
	}
	g.young[k] = a
	return a
}
