package server

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
	"github.com/buuta/mail/examples/fullserver/config"
)

// authServer makes the server of auth_listen and auth_userdb_listen.
func (s *Server) authServer() (*dovecotauth.Server, error) {
	for name, list := range map[string][]config.Address{"auth_listen": s.set.Accounts.AuthListen, "auth_userdb_listen": s.set.Accounts.AuthUserdbListen} {
		for _, a := range list {
			if a.Network != "unix" {
				return nil, s.cfg.ErrorFor(name, errors.New("is unix:/path: what it is told of a client it believes"))
			}
		}
	}
	loc, _ := locationOf(s.cfg) // checkSettings has looked
	return &dovecotauth.Server{
		Authenticator: s.authenticator(), Guard: s.admission(), Mechanisms: s.mechanisms(), AllowPlaintext: !s.set.DisablePlaintextAuth, Hostname: s.set.MyHostname,
		Users: people{s, loc}, Logger: s.log.Logger(dovecot+" auth:", slog.LevelInfo),
	}, nil
}

// people are the users as Dovecot wants to know them.
type people struct {
	s   *Server
	loc location
}

// User implements dovecotauth.Users. Where userdb has no mail field it is where mail_location has the mailboxes.
func (p people) User(ctx context.Context, name string) (*dovecotauth.User, error) {
	u, err := p.s.users.Lookup(ctx, name)
	if u == nil || err != nil {
		return nil, err
	}
	out := &dovecotauth.User{Name: u.Name, Fields: map[string]string{}}
	for n, v := range u.Fields() {
		if n, ok := strings.CutPrefix(n, "userdb_"); ok {
			out.Fields[n] = v
		}
	}
	if u.Home != "" {
		out.Fields["home"] = u.Home
	}
	if out.Fields["mail"] == "" {
		path, err := p.loc.of(u)
		if err != nil {
			return nil, err
		}
		out.Fields["mail"] = p.loc.at(path)
	}
	return out, nil
}

// List implements dovecotauth.Users.
func (p people) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		names, err := p.s.users.Users(ctx)
		for _, n := range names {
			if !yield(n, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

// senders checks the passwords of those who send by a service: those of smtpd_sasl_type.
func (s *Server) senders(set *config.Settings) mail.Authenticator {
	if set.Receiving.SASLType != "dovecot" {
		return s.authenticator()
	}
	path := set.Receiving.SASLPath
	if !filepath.IsAbs(path) {
		path = filepath.Join(set.QueueDirectory, path)
	}
	c := &dovecotauth.Client{Path: path}
	s.onClose(func() { _ = c.Close() })
	return c
}
