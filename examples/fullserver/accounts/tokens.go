package accounts

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// tokens implements mail.TokenAuthenticator.
type tokens struct{ a *Accounts }

// AuthenticateToken implements mail.TokenAuthenticator. Who is let in must be somebody whom userdb knows.
func (k tokens) AuthenticateToken(ctx context.Context, q *mail.AuthRequest, token string) (*mail.Identity, error) {
	a := k.a
	r := &request{user: "?@?", service: q.Service, remote: q.Remote, mechanism: q.Mechanism, secured: q.Secured, token: token}
	user, err := k.user(ctx, q, r)
	if err == nil {
		t := &attempt{a: a, r: r}
		t.verify = t.password
		user, err = t.through(ctx, a.passdbs)
	}
	if err == nil {
		err = a.barred(ctx, r, user)
	}
	if err == nil {
		var u *User
		if u, err = a.Lookup(ctx, user); u == nil && err == nil {
			a.log.Info("there is no such user, though the token is good", "user", user, "service", q.Service)
			err = mail.ErrAuthFailed
		}
	}
	if errors.Is(err, mail.ErrAuthFailed) {
		return nil, a.delay(ctx, k.refusal(err))
	}
	if err != nil {
		return nil, err
	}
	return a.identity(user, q), nil
}

// user puts the user's name into the request: the one that the client says, or else the token's.
func (k tokens) user(ctx context.Context, q *mail.AuthRequest, r *request) (name string, err error) {
	if q.Authorize != "" {
		if name, err = passwdfile.Canonical(q.Authorize, k.a.o.Domain); err != nil {
			return "", mail.ErrAuthFailed
		}
		r.user = name
		return name, nil
	}
	err = mail.ErrAuthFailed
	for _, e := range k.a.passdbs {
		s, ok := e.source.(*oauthSource)
		if !ok || !e.takes(r) {
			continue
		}
		v := s.ask(ctx, r)
		if name, ok = s.named(v); ok {
			r.user = name
			return name, nil
		}
		if v.err != nil && !errors.Is(v.err, mail.ErrAuthFailed) {
			err = v.err
		}
	}
	return "", err
}

// refusal is what the client is told.
func (k tokens) refusal(err error) error {
	e := &mail.TokenError{Err: err}
	for _, entry := range k.a.passdbs {
		if s, ok := entry.source.(*oauthSource); ok && e.Configuration == "" {
			e.Configuration, e.Scope = s.configuration, strings.Join(s.scope, " ")
		}
	}
	return e
}
