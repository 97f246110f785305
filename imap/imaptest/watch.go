package imaptest

import "github.com/buuta/mail"

// Watch implements [mail.AccountWatcher].
func (a *account) Watch(wake func()) (cancel func()) {
	key := &wake
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	a.store.watchers[key] = a
	return func() {
		a.store.mu.Lock()
		defer a.store.mu.Unlock()
		delete(a.store.watchers, key)
	}
}

// wakers returns a function that gives a hint to the users whose account is watched and whom who chooses, all if it is
// nil. The store is locked now, and must not be when the function is called.
func (s *Store) wakers(who func(*account) bool) func() {
	var list []func()
	for wake, a := range s.watchers {
		if who == nil || who(a) {
			list = append(list, *wake)
		}
	}
	return func() {
		for _, wake := range list {
			wake()
		}
	}
}

func (v *view) Watch(wake func()) (cancel func()) {
	key := &wake
	v.box.account.store.mu.Lock()
	defer v.box.account.store.mu.Unlock()
	v.box.watchers[key] = v
	return func() {
		v.box.account.store.mu.Lock()
		defer v.box.account.store.mu.Unlock()
		delete(v.box.watchers, key)
	}
}

// wake gives everybody who watches and may know of the mailbox a hint. The store must not be locked.
func (b *box) wake() {
	s := b.account.store
	s.mu.Lock()
	var list []func()
	for wake, v := range b.watchers {
		if v.user.rights(b) != 0 {
			list = append(list, *wake)
		}
	}
	accounts := s.wakers(func(a *account) bool { return a.rights(b) != 0 })
	s.mu.Unlock()
	for _, wake := range list {
		wake()
	}
	accounts()
}

var _ mail.AccountWatcher = (*account)(nil)
