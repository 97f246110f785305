package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// Authenticator returns the accounts as protocols use them. Which of the optional interfaces of package mail it implements follows from
// mechanisms, as with passwdfile.File.
func (a *Accounts) Authenticator(mechanisms ...string) mail.Authenticator {
	var t mail.TokenAuthenticator
	if slices.ContainsFunc(a.passdbs, func(e *entry) bool { return knowsTokens(e.source) }) {
		t = tokens{a}
	}
	return passwdfile.Offer(mechanisms, checker{a}, passwords{a}, keys{a}, t)
}

// request takes a login apart. login is as whom he wants in where he is a master user, "" otherwise.
func (a *Accounts) request(q *mail.AuthRequest) (r *request, login string, ok bool) {
	name := q.Username
	if sep := a.o.MasterSeparator; sep != "" && len(a.masters) > 0 {
		if user, master, has := strings.Cut(name, sep); has {
			login, name = user, master
		}
	}
	r = &request{user: "?@?", password: q.Password, service: q.Service, remote: q.Remote, mechanism: q.Mechanism, secured: q.Secured}
	key, err := passwdfile.Canonical(name, a.o.Domain)
	if err != nil {
		return r, "", false
	}
	r.user = key
	if login == "" && q.Authorize != "" && len(a.masters) > 0 {
		if other, err := passwdfile.Canonical(q.Authorize, a.o.Domain); err == nil && other != key {
			login = q.Authorize
		}
	}
	if login != "" {
		if login, err = passwdfile.Canonical(login, a.o.Domain); err != nil {
			return r, "?@?", false
		}
	}
	return r, login, true
}

// identity is who a user is. A client that asks to act as him, in whatever spelling, finds that spelling.
func (a *Accounts) identity(user string, q *mail.AuthRequest) *mail.Identity {
	id := &mail.Identity{Username: user, Account: user}
	if q.Authorize != "" {
		if key, err := passwdfile.Canonical(q.Authorize, a.o.Domain); err == nil && key == user {
			id.Username = q.Authorize
		}
	}
	return id
}

// checker implements mail.Authenticator.
type checker struct{ a *Accounts }

// Authenticate implements mail.Authenticator.
func (c checker) Authenticate(ctx context.Context, q *mail.AuthRequest) (*mail.Identity, error) {
	a := c.a
	if len(q.Password) > passwdfile.MaxPassword {
		return nil, a.delay(ctx, mail.ErrAuthFailed)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, login, ok := a.request(q)
	t := &attempt{a: a, r: r}
	t.verify = t.password
	list := a.passdbs
	if login != "" {
		list = a.masters
	}
	user, err := "", mail.ErrAuthFailed
	if ok {
		user, err = t.through(ctx, list)
	}
	if err == nil && login != "" {
		user, err = a.become(ctx, user, login, r)
	} else if err == nil && t.app {
		if err = a.offTheWeb(ctx, user, r); err == nil {
			err = a.barred(ctx, r, user)
		}
	} else if err == nil {
		err = a.onlyOnTheWeb(ctx, user, r)
	}
	if err != nil {
		t.pretend(ctx, list)
		return nil, a.delay(ctx, err)
	}
	return a.identity(user, q), nil
}

// become lets a master user in as somebody else, who has to exist.
func (a *Accounts) become(ctx context.Context, master, login string, r *request) (string, error) {
	u, err := a.Lookup(ctx, login)
	if err != nil {
		return "", err
	}
	if u == nil {
		return "", mail.ErrAuthFailed
	}
	a.log.Info("master user logs in as another", "master", master, "user", u.Name, "service", r.service)
	return u.Name, nil
}

// passwords implements mail.PasswordStore.
type passwords struct{ a *Accounts }

// Password implements mail.PasswordStore.
func (p passwords) Password(ctx context.Context, q *mail.AuthRequest) (string, *mail.Identity, error) {
	r, login, ok := p.a.request(q)
	if !ok || login != "" {
		return "", nil, mail.ErrAuthFailed
	}
	password := ""
	t := &attempt{a: p.a, r: r, verify: func(_ context.Context, rec *record) (bool, error) {
		if rec.secret == nil {
			return false, nil
		}
		plain, ok := rec.secret.Plain()
		if ok {
			password = plain
		}
		return ok, nil
	}}
	user, err := t.through(ctx, p.a.passdbs)
	if err == nil {
		err = p.a.onlyOnTheWeb(ctx, user, r)
	}
	if err != nil {
		return "", nil, err
	}
	return password, p.a.identity(user, q), nil
}

// keys implements mail.SCRAMStore.
type keys struct{ a *Accounts }

// SCRAM implements mail.SCRAMStore. Passwords in the clear get their keys made with a salt that depends on the name only.
func (k keys) SCRAM(ctx context.Context, q *mail.AuthRequest, hash string) (*mail.SCRAMCredentials, *mail.Identity, error) {
	m := hmac.New(sha256.New, k.a.seed)
	m.Write([]byte(q.Username))
	invented := &mail.SCRAMCredentials{Salt: m.Sum(nil)[:16], Iterations: 4096}
	r, login, ok := k.a.request(q)
	if !ok || login != "" {
		return invented, nil, mail.ErrAuthFailed
	}
	var found *mail.SCRAMCredentials
	t := &attempt{a: k.a, r: r, verify: func(ctx context.Context, rec *record) (bool, error) {
		if rec.secret == nil {
			return false, nil
		}
		if err := k.a.turn(ctx); err != nil {
			return false, err
		}
		defer func() { <-k.a.busy }()
		c, ok := rec.secret.SCRAM(hash, invented.Salt, invented.Iterations)
		if ok {
			found = c
		}
		return ok, nil
	}}
	user, err := t.through(ctx, k.a.passdbs)
	if err == nil {
		err = k.a.onlyOnTheWeb(ctx, user, r)
	}
	if err != nil {
		return invented, nil, err
	}
	return found, k.a.identity(user, q), nil
}
