package webmail

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
)

// accounts are the users with connections to the IMAP server. Sessions of one user with the same password share theirs.
type accounts struct {
	site   *Site
	secret [32]byte // makes keys of the map that tell nothing
	mu     sync.Mutex
	byKey  map[[32]byte]*account
	closed bool
	group  sync.WaitGroup // of what waits for news
}

// account is a user's connections, and what is worth remembering between two of his pages.
type account struct {
	owner  *accounts
	key    [32]byte
	user   string
	secret string
	pool   *imapclient.Pool

	// Of accounts.mu:
	uses  int // requests under way
	timer *time.Timer

	mu     sync.Mutex
	prefs  *prefsState
	book   *book
	wrote  *written        // whom the user writes to
	done   []*done         // what can be undone, the last at the end
	failed []failed        // what could not be sent
	sent   map[string]bool // forms whose message has gone out
	counts countsCache
	live   live

	writing sync.Mutex // held while contacts are changed
}

func (a *accounts) init(s *Site) {
	a.site = s
	a.byKey = map[[32]byte]*account{}
	rand.Read(a.secret[:]) // never fails
}

// get returns the account of a user and password, which may be wrong. Release it.
func (a *accounts) get(user, password string) *account {
	m := hmac.New(sha256.New, a.secret[:])
	m.Write([]byte(user))
	m.Write([]byte{0})
	m.Write([]byte(password))
	var key [32]byte
	m.Sum(key[:0])
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.byKey[key]
	if acc == nil {
		acc = &account{owner: a, key: key, user: user, secret: password}
		acc.pool = &imapclient.Pool{Connect: acc.connect, Max: a.site.limits.Connections, MaxWait: 10 * time.Second}
		if !a.closed {
			a.byKey[key] = acc
		} else {
			acc.live.close()
			_ = acc.pool.Close()
		}
	}
	acc.uses++
	if acc.timer != nil {
		acc.timer.Stop()
		acc.timer = nil
	}
	return acc
}

// retain adds a use, for what goes on behind a page. Release it.
func (acc *account) retain() {
	acc.owner.mu.Lock()
	acc.uses++
	acc.owner.mu.Unlock()
}

// release ends a use. Some time after the last one the connections are closed.
func (acc *account) release() {
	a := acc.owner
	a.mu.Lock()
	defer a.mu.Unlock()
	if acc.uses--; acc.uses > 0 || a.byKey[acc.key] != acc {
		return
	}
	acc.timer = time.AfterFunc(a.site.limits.Idle, func() {
		a.mu.Lock()
		over := acc.uses == 0 && a.byKey[acc.key] == acc
		if over {
			delete(a.byKey, acc.key)
		}
		a.mu.Unlock()
		if over {
			_ = acc.pool.Close()
		}
	})
}

// forget closes the connections of an account that nobody can use: its password was wrong.
func (acc *account) forget() {
	a := acc.owner
	a.mu.Lock()
	if a.byKey[acc.key] == acc {
		delete(a.byKey, acc.key)
	}
	a.mu.Unlock()
	acc.live.close()
	_ = acc.pool.Close()
}

func (a *accounts) close() {
	a.mu.Lock()
	a.closed = true
	list := a.byKey
	a.byKey = map[[32]byte]*account{}
	a.mu.Unlock()
	for _, acc := range list {
		if acc.timer != nil {
			acc.timer.Stop()
		}
		acc.live.close()
		_ = acc.pool.Close()
	}
	a.group.Wait()
}

func (acc *account) credentials() *mail.Credentials {
	c := &mail.Credentials{Username: acc.user, Password: acc.secret}
	if o := acc.owner.site.cfg.IMAPOptions.Auth; o != nil {
		c.AllowPlaintext, c.Mechanisms = o.AllowPlaintext, o.Mechanisms
	}
	return c
}

// noWait is the key under which a context has what ends it when a connection can't be made: somebody waits for a page.
type noWait struct{}

func (acc *account) connect(ctx context.Context) (*imapclient.Client, error) {
	o := acc.owner.site.cfg.IMAPOptions
	o.Auth = acc.credentials()
	c, err := imapclient.Dial(ctx, acc.owner.site.cfg.IMAP, &o)
	if end, ok := ctx.Value(noWait{}).(context.CancelCauseFunc); ok && err != nil {
		end(err)
	}
	return c, err
}

// verify tries the password, with a connection of its own: one that is open already proves nothing.
func (acc *account) verify(ctx context.Context) error {
	c, err := acc.connect(ctx)
	if errors.Is(err, mail.ErrAuthFailed) {
		acc.forget()
	}
	if err != nil {
		return err
	}
	go c.Logout(context.WithoutCancel(ctx)) // within its own time
	return nil
}

// do calls f with a connection.
func (q *request) do(f func(ctx context.Context, c *imapclient.Client) error) error {
	ctx, cancel := context.WithCancelCause(q.ctx)
	defer cancel(nil)
	return q.acc.pool.Do(context.WithValue(ctx, noWait{}, cancel), f)
}

// in calls f with a connection that has a folder selected.
func (q *request) in(folder string, f func(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox) error) error {
	return q.do(func(ctx context.Context, c *imapclient.Client) error {
		m, err := selectFolder(ctx, c, folder)
		if err != nil {
			return err
		}
		return f(ctx, c, m)
	})
}

// selectFolder selects a folder, or where that has been done before asks what is new.
func selectFolder(ctx context.Context, c *imapclient.Client, folder string) (*imapclient.Mailbox, error) {
	if m := c.Mailbox(); m != nil && m.Name == folder && !m.ReadOnly {
		if err := c.Noop(ctx); err != nil {
			return nil, err
		}
		if m = c.Mailbox(); m != nil {
			return m, nil
		}
	}
	return c.Select(ctx, folder, nil)
}
