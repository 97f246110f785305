package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/quota"
)

// Domain is a domain with its limits and what there is of them.
type Domain struct {
	Name      string
	Limits    quota.Rule
	Mailboxes []string // its users
	Aliases   int      // those in the file
}

// DomainsOf tells of domains.
func (a *Actor) DomainsOf(ctx context.Context, domains ...string) ([]*Domain, error) {
	aliases := map[string]int{}
	if a.s.Aliases != "" {
		t, err := read(a.s.Aliases, "aliases")
		if err != nil {
			return nil, err
		}
		for key := range t.All {
			if strings.Contains(key, "@") {
				aliases[strings.ToLower(quota.DomainOf(key))]++
			}
		}
	}
	var out []*Domain
	for _, domain := range domains {
		domain = strings.ToLower(domain)
		if !a.May(domain) {
			return nil, a.denied(domain)
		}
		users, err := a.s.Quotas.Users.InDomain(ctx, domain)
		if err != nil {
			return nil, err
		}
		out = append(out, &Domain{Name: domain, Limits: a.s.Quotas.Domain(ctx, domain), Mailboxes: users, Aliases: aliases[domain]})
	}
	return out, nil
}

// Names lists the domains that he administers: of all of them, those in the file.
func (a *Actor) Names(_ context.Context) (out []string, err error) {
	if !a.all {
		return slices.Clone(a.domains), nil
	}
	out = slices.Clone(a.s.Named)
	if a.s.Domains == "" && len(out) > 0 {
		return out, nil
	}
	t, err := read(a.s.Domains, "domains")
	if err != nil {
		return nil, err
	}
	for key := range t.All {
		if name := strings.ToLower(key); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// operator is do for what only those may do who administer all domains.
func (a *Actor) operator(what string, change func() error) error {
	return a.do(what, func() error {
		if !a.all {
			return fmt.Errorf("%w: domains and their limits are the operator's", ErrDenied)
		}
		return change()
	})
}

// AddDomain makes a domain one with mailboxes here. note is what stands beside it, "" for a word that says nothing.
func (a *Actor) AddDomain(ctx context.Context, domain, note string) error {
	return a.operator("domain add "+domain, func() error {
		name, err := domainName(domain)
		if err != nil {
			return err
		}
		if note == "" {
			note = "x"
		}
		return a.table(ctx, a.s.Domains, "domains", func(t *lookup.Text) error {
			if _, there := t.Get(name); there {
				return fmt.Errorf("there is a domain %s", name)
			}
			return t.Set(name, note)
		}, nil)
	})
}

// DeleteDomain takes a domain away that has no users any more, with its aliases and limits.
func (a *Actor) DeleteDomain(ctx context.Context, domain string) error {
	return a.operator("domain del "+domain, func() error {
		all, err := a.DomainsOf(ctx, domain)
		if err != nil {
			return err
		}
		d := all[0]
		if n := len(d.Mailboxes); n > 0 {
			return fmt.Errorf("%s has %d users: take them out first", d.Name, n)
		}
		if err := a.table(ctx, a.s.Domains, "domains", func(t *lookup.Text) error { return t.Delete(d.Name) }, nil); err != nil {
			return err
		}
		if d.Aliases > 0 {
			err = a.table(ctx, a.s.Aliases, "aliases", func(t *lookup.Text) error {
				for _, alias := range aliasesOf(t, d.Name) {
					if err := t.Delete(alias.Address); err != nil && !errors.Is(err, lookup.ErrNoEntry) { // it stood there twice
						return err
					}
				}
				return nil
			}, nil)
		}
		if err == nil && a.s.DomainQuotas != "" {
			err = a.table(ctx, a.s.DomainQuotas, "", func(t *lookup.Text) error {
				if _, there := t.Get(d.Name); there {
					return t.Delete(d.Name)
				}
				return nil
			}, nil)
		}
		return err
	})
}

// SetDomainQuota gives a domain limits: *:storage=50G:mailboxes=20; "" takes them away.
func (a *Actor) SetDomainQuota(ctx context.Context, domain, rule string) error {
	return a.operator("domain quota "+domain+" "+rule, func() error {
		name, err := domainName(domain)
		if err != nil {
			return err
		}
		if _, err := quota.ParseDomain(rule); err != nil {
			return err
		}
		return a.table(ctx, a.s.DomainQuotas, "domains' limits", func(t *lookup.Text) error {
			if rule == "" {
				return t.Delete(name)
			}
			return t.Set(name, rule)
		}, func(t *lookup.Text) string { return entryOf(t, name) })
	})
}

// SetAdmin makes somebody administer a domain, or not.
func (a *Actor) SetAdmin(ctx context.Context, user, domain string, yes bool) error {
	word := "del"
	if yes {
		word = "add"
	}
	return a.operator("domain admin "+word+" "+domain+" "+user, func() error {
		who, err := passwdfile.Canonical(user, a.s.MyDomain)
		if err != nil {
			return err
		}
		name, err := domainName(domain)
		if err != nil {
			return err
		}
		return a.table(ctx, a.s.AdminFile, "administrators", func(t *lookup.Text) error {
			value, _ := t.Get(who)
			var domains []string
			for _, d := range fields(value) {
				if !strings.EqualFold(d, name) {
					domains = append(domains, d)
				}
			}
			if yes {
				domains = append(domains, name)
			}
			if len(domains) == 0 {
				return t.Delete(who)
			}
			return t.Set(who, strings.Join(domains, ", "))
		}, func(t *lookup.Text) string { return entryOf(t, who) })
	})
}

// domainName checks a domain's name, which may be one of letters beyond ASCII.
func domainName(s string) (string, error) {
	s = strings.ToLower(s)
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.ContainsFunc(label, func(r rune) bool {
			return r < 0x80 && r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
		}) {
			return "", fmt.Errorf("%q is no domain", s)
		}
	}
	if len(s) > 253 {
		return "", fmt.Errorf("%q is no domain", s)
	}
	return s, nil
}
