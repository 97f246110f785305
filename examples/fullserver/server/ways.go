package server

import (
	"context"
	"errors"
	"time"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/webmail"
)

// ways has users of web mail change their second factor and app passwords.
type ways struct{ *accounts.Ways }

// waysIn returns nil without auth_totp.
func (s *Server) waysIn() webmail.Security {
	f := s.secondFactor()
	if f == nil {
		return nil
	}
	now := s.opts.Now
	if now == nil {
		now = time.Now
	}
	return ways{&accounts.Ways{Factor: f, AppPasswords: s.set.Accounts.AppPasswords, Now: now}}
}

// Scopes implements webmail.Security.
func (ways) Scopes() []string { return accounts.Scopes }

// AppPasswords implements webmail.Security.
func (w ways) AppPasswords(ctx context.Context, user string) ([]webmail.AppPassword, error) {
	all, err := w.Apps(ctx, user)
	var out []webmail.AppPassword
	for _, p := range all {
		out = append(out, webmail.AppPassword{ID: p.ID(), Label: p.Label, Scopes: p.Scopes, Made: p.Made})
	}
	return out, err
}

// AddApp implements webmail.Security.
func (w ways) AddApp(ctx context.Context, user, label string, scopes []string) (string, error) {
	password, err := w.Ways.AddApp(ctx, user, label, scopes)
	if errors.Is(err, accounts.ErrManyApps) {
		err = webmail.ErrManyApps
	}
	return password, err
}
