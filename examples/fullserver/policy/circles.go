package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/smtp/rewrite"
)

// Circles looks through the first limit lines of canonical and virtual alias tables, those that can be listed, for what leads back to where it
// began, and for aliases whose mail nobody gets. tell hears the parameter and, in a line, which addresses, and how to mend it. Mail for such an
// address is put off or returned; the server does what it can without it.
func (p *Policy) Circles(ctx context.Context, limit int, tell func(param, text string)) {
	r := p.Rules
	canonicals := []circled{
		{r.Canonical, "canonical_maps"}, {r.RecipientCanonical, "recipient_canonical_maps"}, {r.SenderCanonical, "sender_canonical_maps"},
	}
	told := map[string]bool{} // the others of a circle would say the same
	for _, t := range canonicals {
		p.each(ctx, t.table, limit, func(key string) bool {
			if told[strings.ToLower(key)] {
				return true
			}
			if chain := p.circle(ctx, t, key); chain != nil {
				for _, a := range chain {
					told[strings.ToLower(a)] = true
				}
				tell(t.param, strings.Join(chain, " -> ")+" goes in a circle: take one of these lines out of the table")
				return false
			}
			return true
		})
	}
	clear(told)
	p.each(ctx, r.VirtualAlias, limit, func(key string) bool {
		if told[strings.ToLower(key)] {
			return true
		}
		text, chain := p.oneAlias(ctx, key, canonicals)
		for _, a := range chain {
			told[strings.ToLower(a)] = true
		}
		if text != "" {
			tell("virtual_alias_maps", text)
		}
		return text == ""
	})
}

// circled is a table with its parameter.
type circled struct {
	table rewrite.Table
	param string
}

// maxFindings is how many lines about one table are enough to see what is wrong.
const maxFindings = 20

// anybody stands for whoever is written to at a domain.
const anybody = "someone"

// each calls f with addresses that a table has, until it has said maxFindings times that there is something wrong.
func (p *Policy) each(ctx context.Context, t rewrite.Table, limit int, f func(key string) bool) {
	list, ok := t.(*lookup.List)
	if !ok {
		return
	}
	wrong := 0
	for _, table := range list.Tables() {
		s, ok := table.(lookup.Sequencer)
		if !ok {
			continue
		}
		for e, err := range s.All(ctx) {
			if limit--; err != nil || limit < 0 || ctx.Err() != nil {
				break // a table of patterns, or one that a server has
			}
			key := e.Key
			switch {
			case strings.HasPrefix(key, "@"):
				key = anybody + key
			case !strings.Contains(key, "@") && strings.Contains(key, "."): // a domain, for virtual_alias_domains
				continue
			}
			if !f(p.Rules.Complete(key)) {
				if wrong++; wrong == maxFindings {
					return
				}
			}
		}
	}
}

// circle follows an address through a canonical table; nil where there is an end.
func (p *Policy) circle(ctx context.Context, t circled, address string) []string {
	chain := []string{address}
	for range 20 {
		value, found, err := p.Rules.Find(ctx, t.table, t.param, address)
		next := p.Rules.Complete(value)
		if err != nil || !found || strings.HasPrefix(value, "@") || strings.EqualFold(next, address) {
			return nil
		}
		for _, a := range chain {
			if strings.EqualFold(a, next) {
				return append(chain, next)
			}
		}
		chain, address = append(chain, next), next
	}
	return nil
}

// oneAlias says what is wrong with one alias, "" for nothing, and which addresses go in a circle with it.
func (p *Policy) oneAlias(ctx context.Context, key string, canonicals []circled) (text string, chain []string) {
	list, err := p.Rules.Recipients(ctx, key)
	if loop, ok := errors.AsType[*rewrite.LoopError](err); ok {
		return strings.TrimPrefix(loop.Error(), loop.Table+": "), loop.Chain
	}
	if err != nil {
		return "", nil
	}
	for _, to := range list {
		if strings.HasPrefix(key, anybody+"@") {
			continue // whoever that is
		}
		_, err := p.resolve(ctx, "", to, to)
		reply := mail.ReplyOf(err)
		if err == nil || !reply.Permanent() {
			continue
		}
		for _, t := range canonicals {
			if t.table == nil {
				continue
			}
			if back, found, err := p.Rules.Find(ctx, t.table, t.param, to); err == nil && found && strings.EqualFold(p.Rules.Complete(back), key) {
				return fmt.Sprintf("%s -> %s, which nobody has, and which %s turns back into %s: take one of the two lines out", key, to, t.param, back), nil
			}
		}
		return fmt.Sprintf("%s -> %s, which nobody has (%s): mend the line, or make the user", key, to, reply.Text), nil
	}
	return "", nil
}
