// Package admin changes a site's users, aliases, domains and limits, on behalf of its operator or of somebody who administers some domains: he gets at
// what belongs to these, and at nothing else. What is changed are files: a password file and Postfix's tables, in which everything else stays as it is.
// Each change is whole and durable, or isn't made, and is told to the log with who wanted it.
package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/smtp/rewrite"
)

// Site is what there is to administer. Files that are "" can't be changed.
type Site struct {
	Users    string // passwd-file
	MyDomain string // of users without one

	Aliases      string   // table: address, who gets its mail
	Domains      string   // table of the domains with mailboxes here
	Named        []string // domains with mailboxes here that are in no table, but in main.cf itself: they can't be changed
	DomainQuotas string   // table: domain, its limits
	AdminFile    string   // table: user@domain, the domains that he administers, with commas between

	// Admins is asked for the same; "ALL" stands for all domains. nil: nobody but the operator administers anything.
	Admins *lookup.List
	// Quotas are the limits that there are.
	Quotas *quota.Rules
	// Class says what a domain is here.
	Class func(ctx context.Context, domain string) (rewrite.Class, error)
	// Log hears of each change that was wanted, by whom, and why it wasn't made; err is nil where it was.
	Log func(who, what string, err error)

	once sync.Once
	key  [32]byte // of versions
}

// ErrDenied is what somebody gets who wants what isn't his: always the same, whether there is such a thing or not.
var ErrDenied = errors.New("permission denied")

// Actor is somebody who administers.
type Actor struct {
	s       *Site
	name    string // "" for the operator
	all     bool
	domains []string
	from    string // where he is; "" where that is this machine
	seen    string // the version that he has seen of what he changes; "" for any
}

// Operator may do everything.
func (s *Site) Operator() *Actor { return &Actor{s: s, all: true} }

// As returns somebody with what he may do. Who administers nothing is ErrDenied.
func (s *Site) As(ctx context.Context, user string) (*Actor, error) {
	name, err := passwdfile.Canonical(user, s.MyDomain)
	if err != nil {
		return nil, err
	}
	all, domains, err := s.administers(ctx, name)
	if err != nil {
		return nil, err
	}
	if !all && len(domains) == 0 {
		err = fmt.Errorf("%w: %s administers no domain", ErrDenied, name)
		s.log(name, "log in", err)
		return nil, err
	}
	return &Actor{s: s, name: name, all: all, domains: domains}, nil
}

// administers returns the domains that somebody administers.
func (s *Site) administers(ctx context.Context, name string) (all bool, domains []string, err error) {
	if s.Admins == nil {
		return false, nil, nil
	}
	value, _, err := s.Admins.Find(ctx, name)
	if err != nil {
		return false, nil, err
	}
	for _, d := range fields(value) {
		if d == "ALL" {
			return true, nil, nil
		}
		domains = append(domains, strings.ToLower(d))
	}
	return false, domains, nil
}

func (s *Site) log(who, what string, err error) {
	if s.Log != nil {
		s.Log(who, what, err)
	}
}

// Name is who it is; "operator" for the operator.
func (a *Actor) Name() string {
	if a.name == "" {
		return "operator"
	}
	return a.name
}

// Operator reports whether it is the operator.
func (a *Actor) Operator() bool { return a.name == "" }

// All reports whether all domains are his to administer, and the server with them.
func (a *Actor) All() bool { return a.all }

// From returns him as one who is at an address, which the log then has.
func (a Actor) From(remote string) *Actor { a.from = remote; return &a }

// May reports whether he administers a domain.
func (a *Actor) May(domain string) bool {
	return a.all || slices.Contains(a.domains, strings.ToLower(domain))
}

// own returns an address of a domain that is his, in the form in which it is kept.
func (a *Actor) own(address string) (name, domain string, err error) {
	if strings.HasPrefix(address, "@") { // all of a domain, for aliases
		if name, err = passwdfile.Canonical("x"+address, ""); err == nil {
			name = name[1:]
		}
	} else {
		name, err = passwdfile.Canonical(address, a.s.MyDomain)
	}
	if err != nil {
		return "", "", err
	}
	if domain = quota.DomainOf(name); !a.May(domain) {
		return "", "", a.denied(domain)
	}
	return name, domain, nil
}

func (a *Actor) denied(domain string) error {
	return fmt.Errorf("%w: %s does not administer %s", ErrDenied, a.Name(), strings.ToLower(domain))
}

// above refuses what would give him the rights of somebody in his domains who has more of them than he: that one's password, or his mail.
func (a *Actor) above(ctx context.Context, user string) error {
	if a.all {
		return nil
	}
	all, domains, err := a.s.administers(ctx, user)
	if err != nil {
		return err
	}
	if all {
		return fmt.Errorf("%w: %s administers all domains", ErrDenied, user)
	}
	for _, d := range domains {
		if !a.May(d) {
			return fmt.Errorf("%w: %s administers other domains, too", ErrDenied, user)
		}
	}
	return nil
}

// do makes a change and tells the log.
func (a *Actor) do(what string, change func() error) error {
	err := change()
	a.s.log(a.logged(), what, err)
	return err
}

// logged is who and where he is, for the log.
func (a *Actor) logged() string {
	if a.from == "" {
		return a.Name()
	}
	return a.Name() + " from " + a.from
}

// Note tells the log of something that he has done, and that changes nothing here.
func (a *Actor) Note(what string) { a.s.log(a.logged(), what, nil) }

// file is a file that is to be changed.
func file(name, what string) error {
	if name == "" {
		return fmt.Errorf("%s are in no file that this program could change: change them where they are", what)
	}
	return nil
}
