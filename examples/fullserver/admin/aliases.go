package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/editfile"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/smtp/rewrite"
)

// Alias is an address and who gets its mail.
type Alias struct{ Address, To string }

// SetAlias makes mail for an address, or for all of a domain that nobody has ("@domain"), go to others: to addresses anywhere, and to whole domains ("@domain") that are
// his.
func (a *Actor) SetAlias(ctx context.Context, address string, to ...string) error {
	return a.do("alias set "+address+" "+strings.Join(to, ", "), func() error {
		name, domain, err := a.own(address)
		if err == nil {
			err = a.diverts(ctx, name, domain)
		}
		if err == nil {
			err = a.s.aliased(ctx, domain)
		}
		if err == nil {
			err = a.targets(to)
		}
		if err != nil {
			return err
		}
		limit := a.s.Quotas.Domain(ctx, domain).Aliases
		return a.table(ctx, a.s.Aliases, "aliases", func(t *lookup.Text) error {
			if _, there := t.Get(name); !there && limit > 0 {
				if n := aliasesOf(t, domain); int64(len(n)) >= limit {
					return fmt.Errorf("%s has %d aliases and may have %d", domain, len(n), limit)
				}
			}
			return t.Set(name, strings.Join(to, ", "))
		}, func(t *lookup.Text) string { return entryOf(t, name) })
	})
}

// diverts refuses what would take mail of somebody who has more rights: who gets it gets what is sent to him because of them.
func (a *Actor) diverts(ctx context.Context, name, domain string) error {
	if name[0] != '@' {
		return a.above(ctx, name)
	}
	if a.all {
		return nil
	}
	users, err := a.s.Quotas.Users.InDomain(ctx, domain)
	for _, u := range users {
		if err == nil {
			err = a.above(ctx, u)
		}
	}
	return err
}

// targets checks who is to get an alias's mail.
func (a *Actor) targets(to []string) error {
	if len(to) == 0 {
		return errors.New("an alias needs somebody who gets its mail")
	}
	for _, t := range to {
		local, domain := "", ""
		if i := strings.LastIndexByte(t, '@'); i >= 0 {
			local, domain = t[:i], t[i+1:]
		}
		switch {
		case domain == "" || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(",:;<>()[]\\|\"", r) }):
			return fmt.Errorf("%q is no address with a domain", t)
		case local == "" && !a.May(domain):
			return a.denied(domain)
		}
	}
	return nil
}

// DeleteAlias takes an alias away.
func (a *Actor) DeleteAlias(ctx context.Context, address string) error {
	return a.do("alias del "+address, func() error {
		name, domain, err := a.own(address)
		if err == nil {
			err = a.diverts(ctx, name, domain)
		}
		if err != nil {
			return err
		}
		return a.table(ctx, a.s.Aliases, "aliases", func(t *lookup.Text) error { return t.Delete(name) },
			func(t *lookup.Text) string { return entryOf(t, name) })
	})
}

// AliasesOf lists the aliases of domains that are in the file, in its order.
func (a *Actor) AliasesOf(_ context.Context, domains ...string) (out []Alias, err error) {
	wanted := map[string]bool{}
	for _, d := range domains {
		if !a.May(d) {
			return nil, a.denied(d)
		}
		wanted[strings.ToLower(d)] = true
	}
	t, err := read(a.s.Aliases, "aliases")
	if err != nil {
		return nil, err
	}
	for key, value := range t.All {
		if strings.Contains(key, "@") && wanted[strings.ToLower(quota.DomainOf(key))] {
			out = append(out, Alias{key, value})
		}
	}
	return out, nil
}

// read reads a table's file; one that isn't there yet is empty.
func read(name, what string) (*lookup.Text, error) {
	if err := file(name, what); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return lookup.NewText(b), nil
}

func aliasesOf(t *lookup.Text, domain string) (out []Alias) {
	for key, value := range t.All {
		if strings.EqualFold(quota.DomainOf(key), domain) && strings.Contains(key, "@") {
			out = append(out, Alias{key, value})
		}
	}
	return out
}

// aliased refuses domains that are elsewhere: an alias there would take mail that isn't ours.
func (s *Site) aliased(ctx context.Context, domain string) error {
	class, err := s.Class(ctx, domain)
	if err != nil {
		return err
	}
	if class == rewrite.Default {
		return fmt.Errorf("%s is no domain of this server", domain)
	}
	return nil
}

// table changes a table's file. entry is what must still be as the actor has seen it; nil where he has seen nothing of it.
func (a *Actor) table(ctx context.Context, name, what string, change func(*lookup.Text) error, entry func(*lookup.Text) string) error {
	if err := file(name, what); err != nil {
		return err
	}
	return editfile.Edit(ctx, name, 0o644, func(b []byte) ([]byte, error) {
		t := lookup.NewText(b)
		if entry != nil {
			if err := a.fresh(entry(t)); err != nil {
				return nil, err
			}
		}
		err := change(t)
		return t.Bytes(), err
	})
}
