package accounts

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// Users is what a mail server asks of its accounts. *Accounts and File are.
type Users interface {
	Voucher
	// Authenticator checks who somebody is.
	Authenticator(mechanisms ...string) mail.Authenticator
	// Lookup returns a user, nil where there is none of that name.
	Lookup(ctx context.Context, name string) (*User, error)
	// Find returns the account that a name stands for.
	Find(ctx context.Context, name string) (account string, ok bool, err error)
	// Account is Find where an error is as good as nobody.
	Account(name string) (account string, ok bool)
	// First is who gets postmaster's mail when nobody is named for it.
	First() string
	Home(account string) string
	// FindHome is Home with an error where nobody knows.
	FindHome(ctx context.Context, account string) (home string, err error)
	Users(ctx context.Context) ([]string, error)
	// InDomain is Users for one domain. An error says that nobody knows.
	InDomain(ctx context.Context, domain string) ([]string, error)
	// Reload reads again what is in files, and forgets what was remembered.
	Reload() error
	Ping(ctx context.Context) error
}

var (
	_ Users = (*Accounts)(nil)
	_ Users = File{}
)

// Account is Find without an error.
func (a *Accounts) Account(name string) (account string, ok bool) {
	account, ok, err := a.Find(context.Background(), name)
	return account, ok && err == nil
}

// First returns the first user of the first passwd-file, "" where there is none.
func (a *Accounts) First() string {
	for _, e := range a.userdbs {
		if f, ok := e.source.(*fileSource); ok && f.f.First() != "" {
			return f.f.First()
		}
	}
	return ""
}

// Reload reads passwd-files again and empties the cache. The other files count after a restart.
func (a *Accounts) Reload() error {
	a.cache.clear()
	var errs []error
	for _, list := range [][]*entry{a.passdbs, a.masters, a.userdbs} {
		for _, e := range list {
			if f, ok := e.source.(*fileSource); ok {
				errs = append(errs, f.f.Reload())
			}
		}
	}
	return errors.Join(errs...)
}

// File is a passwd-file alone.
type File struct{ F *passwdfile.File }

// Authenticator implements Users.
func (f File) Authenticator(mechanisms ...string) mail.Authenticator {
	return f.F.Authenticator(mechanisms...)
}

// Lookup implements Users.
func (f File) Lookup(_ context.Context, name string) (*User, error) {
	u, ok := f.F.Lookup(name)
	if !ok {
		return nil, nil
	}
	return userOf(u), nil
}

func userOf(u *passwdfile.User) *User {
	out := &User{Name: u.Name, Home: u.Home, fields: map[string]string{}}
	for _, f := range u.Fields() {
		name, value, _ := strings.Cut(f, "=")
		out.fields[name] = value
	}
	return out
}

// Find implements Users.
func (f File) Find(_ context.Context, name string) (account string, ok bool, err error) {
	account, ok = f.F.Account(name)
	return account, ok, nil
}

// Account implements Users.
func (f File) Account(name string) (account string, ok bool) { return f.F.Account(name) }

// First implements Users.
func (f File) First() string { return f.F.First() }

// FindHome implements Users.
func (f File) FindHome(_ context.Context, account string) (string, error) {
	return f.F.Home(account), nil
}

// FullName returns what people call a user, "" where that isn't known.
func (f File) FullName(account string) string {
	if u, ok := f.F.Lookup(account); ok {
		return u.FullName
	}
	return ""
}

// FullName returns what people call a user as far as a passwd-file says it, "" where none does.
func (a *Accounts) FullName(account string) string {
	for _, e := range a.userdbs {
		if f, ok := e.source.(*fileSource); ok {
			if u, ok := f.f.Lookup(account); ok && u.FullName != "" {
				return u.FullName
			}
		}
	}
	return ""
}

// Home implements Users.
func (f File) Home(account string) string { return f.F.Home(account) }

// Users implements Users.
func (f File) Users(context.Context) (names []string, err error) {
	for _, u := range f.F.Users() {
		names = append(names, u.Name)
	}
	return names, nil
}

// InDomain implements Users.
func (f File) InDomain(_ context.Context, domain string) ([]string, error) {
	return f.F.InDomain(domain), nil
}

// Reload implements Users.
func (f File) Reload() error { return f.F.Reload() }

// Ping implements Users.
func (f File) Ping(context.Context) error { return nil }

// CheckMechanisms finds mechanisms that nobody could use.
func CheckMechanisms(u Users, mechanisms []string) error {
	for _, m := range mechanisms {
		if _, ok := u.Authenticator(mechanisms...).(mail.TokenAuthenticator); !ok && (m == "oauthbearer" || m == "xoauth2") {
			return errors.New(m + " needs a passdb that knows tokens, such as oauth2:/etc/dovecot/dovecot-oauth2.conf.ext")
		}
	}
	return nil
}

// Or is a list of passdbs, or where it is empty a passwd-file.
func Or(passdbs, file string) string {
	if passdbs == "" {
		return "passwd-file:" + file
	}
	return passdbs
}
