package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/buuta/mail/examples/fullserver/internal/editfile"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/smtp/rewrite"
)

// AddUser makes a user with a password: a mailbox in a domain that has mailboxes here, as long as the domain may have more.
func (a *Actor) AddUser(ctx context.Context, user, password string) error {
	return a.do("user add "+user, func() error {
		name, domain, err := a.own(user)
		if err == nil {
			err = a.above(ctx, name)
		}
		if err == nil {
			err = a.s.mailboxes(ctx, domain)
		}
		if err != nil {
			return err
		}
		secret, err := hash(password)
		if err != nil {
			return err
		}
		limit := a.s.Quotas.Domain(ctx, domain).Mailboxes
		return a.users(ctx, "", func(t *passwdfile.Text) error {
			n := t.InDomain(domain)
			if err := t.Add(name, secret); err != nil {
				return err
			}
			if limit > 0 && n >= limit {
				return fmt.Errorf("%s has %d mailboxes and may have %d", domain, n, limit)
			}
			return nil
		})
	})
}

// SetPassword gives a user another password.
func (a *Actor) SetPassword(ctx context.Context, user, password string) error {
	return a.do("user passwd "+user, func() error {
		name, _, err := a.own(user)
		if err == nil {
			err = a.above(ctx, name)
		}
		if err != nil {
			return err
		}
		secret, err := hash(password)
		if err != nil {
			return err
		}
		return a.users(ctx, name, func(t *passwdfile.Text) error { return t.SetPassword(name, secret) })
	})
}

// DeleteUser takes a user out. His mail stays in its folder.
func (a *Actor) DeleteUser(ctx context.Context, user string) error {
	return a.do("user del "+user, func() error {
		name, _, err := a.own(user)
		if err == nil {
			err = a.above(ctx, name)
		}
		if err != nil {
			return err
		}
		return a.users(ctx, name, func(t *passwdfile.Text) error { return t.Delete(name) })
	})
}

// SetQuota gives a user a limit of his own, in Dovecot's notation; "" takes it away. Who isn't the operator can't give more than the domain has, or, where that
// has no limit, more than each of its users has.
func (a *Actor) SetQuota(ctx context.Context, user, rule string) error {
	return a.do("user quota "+user+" "+rule, func() error {
		name, domain, err := a.own(user)
		if err != nil {
			return err
		}
		if err := a.mayHave(ctx, domain, rule); err != nil {
			return err
		}
		return a.users(ctx, name, func(t *passwdfile.Text) error { return t.SetExtra(name, "userdb_quota_rule", rule) })
	})
}

// mayHave says whether he can give a mailbox of a domain that much.
func (a *Actor) mayHave(ctx context.Context, domain, rule string) error {
	r, err := quota.Parse(rule)
	if err != nil {
		return err
	}
	if rule == "" || a.all {
		return nil
	}
	all, each := a.s.Quotas.Domain(ctx, domain), a.s.Quotas.Each(ctx, domain)
	for _, l := range []struct {
		what       string
		want, most int64
	}{{"storage", r.Storage, or(all.Storage, each.Storage)}, {"messages", r.Messages, or(all.Messages, each.Messages)}} {
		if l.most > 0 && (l.want == 0 || l.want > l.most) {
			return fmt.Errorf("%w: a mailbox of %s can have %d of %s at most", ErrDenied, domain, l.most, l.what)
		}
	}
	return nil
}

func or(a, b int64) int64 {
	if a != 0 {
		return a
	}
	return b
}

// SetDisabled keeps a user from logging in, or lets him in again. His mail goes on coming in.
func (a *Actor) SetDisabled(ctx context.Context, user string, yes bool) error {
	word, value := "enable", ""
	if yes {
		word, value = "disable", "y"
	}
	return a.do("user "+word+" "+user, func() error {
		name, _, err := a.own(user)
		if err == nil {
			err = a.above(ctx, name)
		}
		if err != nil {
			return err
		}
		return a.users(ctx, name, func(t *passwdfile.Text) error { return t.SetExtra(name, "nologin", value) })
	})
}

// User is a user, with what he may keep.
type User struct {
	Name     string
	Quota    quota.Rule
	Disabled bool // may not log in
}

// UsersOf lists the users of a domain.
func (a *Actor) UsersOf(ctx context.Context, domain string) ([]User, error) {
	if !a.May(domain) {
		return nil, a.denied(domain)
	}
	names, err := a.s.Quotas.Users.InDomain(ctx, domain)
	if err != nil {
		return nil, err
	}
	var out []User
	for _, n := range names {
		u, err := a.s.Quotas.Users.Lookup(ctx, n)
		if err != nil {
			return nil, err
		}
		out = append(out, User{n, a.s.Quotas.Account(ctx, n), u != nil && u.Disabled()})
	}
	return out, nil
}

// users changes the password file. name is whose line must still be as the actor has seen it.
func (a *Actor) users(ctx context.Context, name string, change func(*passwdfile.Text) error) error {
	if err := file(a.s.Users, "users"); err != nil {
		return err
	}
	return editfile.Edit(ctx, a.s.Users, 0o600, func(b []byte) ([]byte, error) {
		t := passwdfile.NewText(b, a.s.MyDomain)
		if name != "" {
			if err := a.fresh(t.Line(name)); err != nil {
				return nil, err
			}
		}
		err := change(t)
		return t.Bytes(), err
	})
}

// mailboxes refuses domains whose users would get no mail.
func (s *Site) mailboxes(ctx context.Context, domain string) error {
	class, err := s.Class(ctx, domain)
	if err != nil {
		return err
	}
	if class != rewrite.Local && class != rewrite.VirtualMailbox {
		return fmt.Errorf("%s is no domain with mailboxes here: it is in neither virtual_mailbox_domains nor mydestination", domain)
	}
	return nil
}

func hash(password string) (string, error) {
	if password == "" {
		return "", errors.New("no password was given")
	}
	return passwdfile.Hash("", password)
}
