package mail

import (
	"hash/maphash"
	"math"
	"net"
	"strings"
	"time"
)

// Throttled is what an [AuthThrottle] knows of an address or an account.
type Throttled struct {
	Failures int           // that count still
	Wait     time.Duration // until the next attempt is looked at
}

// Address returns what is known of the network that an address belongs to.
func (t *AuthThrottle) Address(remote net.Addr) Throttled {
	t.mu.Lock()
	defer t.mu.Unlock()
	network, ok := t.network(remote)
	if !ok || t.start.IsZero() {
		return Throttled{}
	}
	return t.look(t.addresses.get(maphash.Comparable(t.seed, network)))
}

// Account returns what is known of an account.
func (t *AuthThrottle) Account(name string) Throttled {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		return Throttled{}
	}
	return t.look(t.accounts.get(maphash.String(t.seed, strings.ToLower(name))))
}

func (t *AuthThrottle) look(a *attempts) Throttled {
	if a == nil {
		return Throttled{}
	}
	now := time.Since(t.start)
	return Throttled{Failures: int(math.Round(a.count(now, t.halfLife()))), Wait: max(0, a.next-now)}
}

// ForgetAddress forgets the failures of the network that an address belongs to.
func (t *AuthThrottle) ForgetAddress(remote net.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if network, ok := t.network(remote); ok && !t.start.IsZero() {
		t.addresses.get(maphash.Comparable(t.seed, network)).forget()
	}
}

// ForgetAccount forgets the failures of an account.
func (t *AuthThrottle) ForgetAccount(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.start.IsZero() {
		t.accounts.get(maphash.String(t.seed, strings.ToLower(name))).forget()
	}
}

// forget leaves the attempts that are being looked at.
func (a *attempts) forget() {
	if a != nil {
		a.failures, a.next, a.wrong, a.n = 0, 0, [4]uint32{}, 0
	}
}
