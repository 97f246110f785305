package accounts

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// fileSource is a passwd-file.
type fileSource struct {
	spec string
	f    *passwdfile.File
}

// openFile opens "passwd-file:/path". Dovecot's "scheme=… username_format=…" before the path isn't understood: names have a domain here.
func openFile(spec, path string, a *Accounts) (source, error) {
	f, err := passwdfile.Open(path, passwdfile.Options{Domain: a.o.Domain, Logger: a.log})
	if err != nil {
		return nil, err
	}
	return &fileSource{spec, f}, nil
}

func (s *fileSource) name() string      { return s.spec }
func (s *fileSource) variables() string { return "" }

func (s *fileSource) login(_ context.Context, r *request) (*record, error) {
	u, ok := s.f.Lookup(r.user)
	if !ok {
		return nil, nil
	}
	rec := &record{user: u.Name, secret: u.Secret(), rules: u.Rules()} // the file has said what is wrong with passwords
	return rec, nil
}

func (s *fileSource) user(_ context.Context, r *request) (*User, error) {
	u, ok := s.f.Lookup(r.user)
	if !ok {
		return nil, nil
	}
	return userOf(u), nil
}

func (s *fileSource) list(context.Context) (names []string, err error) {
	for _, u := range s.f.Users() {
		names = append(names, u.Name)
	}
	return names, nil
}

func (s *fileSource) inDomain(_ context.Context, domain string) ([]string, error) {
	return s.f.InDomain(domain), nil
}

func (s *fileSource) ping(context.Context) error { return nil }

// staticSource is the same for everybody whom a passdb knows (Dovecot's userdb static).
type staticSource struct {
	a      *Accounts
	spec   string
	fields map[string]*template
	all    bool // allow_all_users: without asking
}

// openStatic reads "static:home=/var/mail/%d/%n …".
func openStatic(spec, arg string, a *Accounts) (source, error) {
	s := &staticSource{a: a, spec: spec, fields: map[string]*template{}}
	for _, w := range strings.Fields(arg) {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("static: expected name=value at %q", w)
		}
		if name == "allow_all_users" {
			s.all = value == "yes"
			continue
		}
		t, err := parseTemplate(value, "und")
		if err != nil {
			return nil, fmt.Errorf("static: %s: %w", name, err)
		}
		s.fields[name] = t
	}
	return s, nil
}

func (s *staticSource) name() string                                     { return s.spec }
func (s *staticSource) variables() string                                { return "" }
func (s *staticSource) list(context.Context) ([]string, error)           { return nil, errNoList }
func (s *staticSource) ping(context.Context) error                       { return nil }
func (s *staticSource) login(context.Context, *request) (*record, error) { return nil, nil }

// user is there when one of the passdbs knows him, whether he may log in or not.
func (s *staticSource) user(ctx context.Context, r *request) (*User, error) {
	name, known := r.user, s.all
	for _, e := range s.a.passdbs {
		if known || e.deny {
			continue
		}
		rec, err := e.source.login(ctx, r)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			name, known = rec.user, true
		}
	}
	if !known {
		return nil, nil
	}
	values := map[string]string{}
	for field, t := range s.fields {
		v, _ := t.expand(newRequest(name), func(v string) (string, error) { return v, nil })
		values[field] = v
	}
	return newUser(name, values, s.a.o.Domain)
}
