package accounts

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// dovecotSource is a socket of Dovecot's: auth-client among the passdbs, auth-userdb among the userdbs.
type dovecotSource struct {
	a      *Accounts
	spec   string
	path   string
	logins *dovecotauth.Client
	people *dovecotauth.UserClient
}

func openDovecot(spec, path string, a *Accounts) (source, error) {
	if path == "" {
		return nil, errors.New("dovecot: names no socket; write dovecot:/run/dovecot/auth-client")
	}
	return &dovecotSource{a: a, spec: spec, path: path, logins: &dovecotauth.Client{Path: path}, people: &dovecotauth.UserClient{Path: path}}, nil
}

func (s *dovecotSource) name() string      { return s.spec }
func (s *dovecotSource) variables() string { return "w" } // nothing is remembered: Dovecot has a cache of its own
func (s *dovecotSource) takesTokens()      {}

// login has Dovecot check the password or token. Who it is Dovecot says then.
func (s *dovecotSource) login(_ context.Context, r *request) (*record, error) {
	if r.password == "" && r.token == "" {
		return nil, nil // somebody asks who there is
	}
	rec := &record{user: r.user}
	rec.bind = func(ctx context.Context, password string) (bool, error) {
		q := &mail.AuthRequest{Username: r.user, Password: password, Mechanism: r.mechanism, Service: r.service, Remote: r.remote, Secured: r.secured}
		var id *mail.Identity
		var err error
		if r.token != "" {
			q.Username, q.Password, q.Authorize = "", "", r.user
			id, err = s.logins.AuthenticateToken(ctx, q, r.token)
		} else {
			id, err = s.logins.Authenticate(ctx, q)
		}
		if errors.Is(err, mail.ErrAuthFailed) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if rec.user, err = passwdfile.Canonical(id.AccountName(), s.a.o.Domain); err != nil {
			return false, err
		}
		return true, nil
	}
	return rec, nil
}

func (s *dovecotSource) user(ctx context.Context, r *request) (*User, error) {
	u, err := s.people.User(ctx, r.user)
	if u == nil || err != nil {
		return nil, err
	}
	out, err := newUser(u.Name, u.Fields, s.a.o.Domain)
	if err == nil && out.Name != r.user {
		return nil, nil // a name for another is an alias here, no account
	}
	return out, err
}

func (s *dovecotSource) list(ctx context.Context) (names []string, err error) {
	for name, lerr := range s.people.List(ctx) {
		if lerr != nil {
			err = lerr
			continue
		}
		names = append(names, name)
	}
	return names, err
}

// ping reports whether somebody listens.
func (s *dovecotSource) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", s.path)
	if err != nil {
		return err
	}
	return c.Close()
}

func (s *dovecotSource) close() {
	_ = s.logins.Close()
	_ = s.people.Close()
}

// pretend says that whoever there isn't takes Dovecot's own time: it was asked already.
func (s *dovecotSource) pretend(context.Context, *request) bool { return true }
