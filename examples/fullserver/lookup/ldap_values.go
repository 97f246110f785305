package lookup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/dbtable"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// gathering is one answer being put together, of the entries that were found and those that their special attributes name.
type gathering struct {
	*ldapTable
	ctx      context.Context
	key      string
	out      dbtable.Results
	searches int
	octets   int
}

// maxSearches is how many further entries one key may ask for.
const maxSearches = 10_000

// maxGathered is how many octets of results there may be.
const maxGathered = 1 << 20

// entries adds what entries have; depth is 1 for those of the query itself.
func (g *gathering) entries(entries []directory.Entry, depth int) error {
	for i := range entries {
		if err := g.entry(&entries[i], depth); err != nil {
			return err
		}
	}
	return nil
}

// entry adds what one has: of a terminal attribute if there is one, else leaf attributes only where there is no special one (ldap_table(5)).
func (g *gathering) entry(e *directory.Entry, depth int) error {
	has := func(names []string) bool {
		for _, n := range names {
			if len(e.Values(n)) > 0 {
				return true
			}
		}
		return false
	}
	terminal := has(g.attributes[:g.terminal])
	leaf := terminal || g.leaf == 0 || !has(g.attributes[g.values:])
	for _, a := range e.Attributes {
		i := g.index(a.Name)
		switch {
		case len(a.Values) == 0:
		case i < g.values || terminal:
			if terminal && i >= g.terminal || !leaf && i < g.terminal+g.leaf {
				continue
			}
			if err := g.add(a.Values); err != nil {
				return err
			}
		case i == len(g.attributes):
		case depth >= g.recursion:
			return fmt.Errorf("recursion_limit exceeded for %s", source.Quote(g.key))
		default:
			for _, v := range a.Values {
				if err := g.follow(v, depth); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// index is which attribute of ours a name is, or is a subtype of.
func (g *gathering) index(name string) int {
	for i, a := range g.attributes {
		if subtype(a, name) {
			return i
		}
	}
	return len(g.attributes)
}

// subtype says whether b is a, or a with options: "mail" and "mail;lang-vi" (RFC 4512 section 2.5).
func subtype(a, b string) bool {
	return len(b) >= len(a) && strings.EqualFold(b[:len(a)], a) && (len(b) == len(a) || b[len(a)] == ';')
}

func (g *gathering) add(values []string) error {
	for _, v := range values {
		text, ok := g.templates.Format(v, g.key)
		if !ok {
			continue
		}
		if g.octets += len(text) + 1; g.octets > maxGathered {
			return fmt.Errorf("results of more than %d octets: %w", maxGathered, ErrLimit)
		}
		if err := g.out.Add(text, g.limit); err != nil {
			return fmt.Errorf("%w: %s", err, source.Quote(g.key))
		}
	}
	return nil
}

// follow adds what an entry has that a special attribute names, or all those that it searches for. One that isn't there has nothing.
func (g *gathering) follow(value string, depth int) error {
	r := &directory.Request{Base: value, Filter: "(objectClass=*)", Attributes: g.attributes}
	if directory.IsURL(value) {
		var err error
		if r, err = directory.ParseURL(value); err != nil {
			return err
		}
		if r.Attributes = g.wantedOf(r.Attributes); len(r.Attributes) == 0 {
			return nil
		}
		r.Filter = completeFilter(r.Filter)
	}
	if g.searches++; g.searches > maxSearches {
		return fmt.Errorf("more than %d entries to look up for %s: %w", maxSearches, source.Quote(g.key), ErrLimit)
	}
	r.Deref, r.SizeLimit = g.deref, g.sizeLimit
	entries, err := g.dir.Search(g.ctx, r)
	if errors.Is(err, directory.ErrNoObject) {
		return nil
	}
	if err != nil {
		return err
	}
	return g.entries(entries, depth+1)
}

// wantedOf is which of the attributes that a URL names, or of all where it names none, are ours.
func (g *gathering) wantedOf(names []string) (out []string) {
	if len(names) == 0 {
		return g.attributes
	}
	for _, n := range names {
		for _, a := range g.attributes {
			switch {
			case subtype(n, a):
				out = append(out, a)
			case subtype(a, n):
				out = append(out, n)
			}
		}
	}
	return out
}
