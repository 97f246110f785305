package rewrite

import (
	"context"
	"strings"
)

// Recipients returns whom a recipient stands for: the address written in full and mapped by recipient_canonical_maps, canonical_maps and
// masquerade_domains, and then, again and again, what virtual_alias_maps says. Without an alias that is one address. An address that stands, among
// others, for itself is looked up once. The errors are *LookupError and *LoopError.
func (r *Rules) Recipients(ctx context.Context, address string) ([]string, error) {
	a, err := r.recipient(ctx, address)
	if err != nil {
		return nil, err
	}
	list, err := r.expand(ctx, a)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i] = Quote(list[i])
	}
	return list, nil
}

// recipient is the part of Recipients before virtual aliases. It takes the form of the wire and returns the internal one.
func (r *Rules) recipient(ctx context.Context, address string) (string, error) {
	if address == "" {
		address = r.empty()
	}
	return r.canonical(ctx, r.complete(internal(address), r.Origin), EnvelopeRecipient)
}

func (r *Rules) empty() string {
	if r.Empty == "" {
		return "MAILER-DAEMON"
	}
	return r.Empty
}

// expand looks addresses up in virtual_alias_maps until there is nothing more.
func (r *Rules) expand(ctx context.Context, address string) ([]string, error) {
	list := []string{address}
	if r.VirtualAlias == nil || r.NoMapping {
		return list, nil
	}
	recursion, expansion, length := or(r.Limits.Recursion, 1000), or(r.Limits.Expansion, 1000), or(r.Limits.Address, 1000)
	t := named{r.VirtualAlias, "virtual_alias_maps"}
	done := map[string]bool{} // what has stood for itself
	for i := 0; i < len(list); i++ {
		if len(list) > expansion {
			return nil, &LoopError{Table: t.name, Chain: shorten(list), Limit: "virtual_alias_expansion_limit"}
		}
		chain := []string{list[i]}
		for count := 0; !done[strings.ToLower(list[i])]; count++ {
			if count >= recursion {
				return nil, &LoopError{Table: t.name, Chain: circle(chain), Limit: "virtual_alias_recursion_limit"}
			}
			next, found, err := r.mapped(ctx, t, list[i], r.Propagate.Has(InVirtual))
			if err != nil {
				return nil, err
			}
			if !found || len(next) == 0 {
				break
			}
			before := list[i]
			list[i] = next[0]
			list = append(list, next[1:]...)
			for _, a := range next {
				if len(a) > length {
					return nil, &LoopError{Table: t.name, Chain: []string{before, a[:40] + "…"}, Limit: "virtual_alias_address_length_limit"}
				}
				if strings.EqualFold(a, before) {
					done[strings.ToLower(before)] = true
				}
			}
			chain = append(chain, next[0])
		}
	}
	return list, nil
}

// circle leaves of a chain what goes round: from the first address that comes again to where it does.
func circle(chain []string) []string {
	at := map[string]int{}
	for i, a := range chain {
		if first, again := at[strings.ToLower(a)]; again {
			return shorten(chain[first : i+1])
		}
		at[strings.ToLower(a)] = i
	}
	return shorten(chain)
}

// shorten leaves the ends of a long chain.
func shorten(chain []string) []string {
	const most = 8
	if len(chain) <= most {
		return chain
	}
	short := append([]string{}, chain[:most-2]...)
	return append(short, "…", chain[len(chain)-1])
}

func or[T int | string](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}

// SenderCopy returns who gets a copy of what a sender sends, and RecipientCopy of what a recipient gets; "" for nobody. Both take addresses as
// Sender and the first part of Recipients return them.
func (r *Rules) SenderCopy(ctx context.Context, sender string) (string, error) {
	return r.copyTo(ctx, named{r.SenderBCC, "sender_bcc_maps"}, sender)
}

// RecipientCopy is described with SenderCopy.
func (r *Rules) RecipientCopy(ctx context.Context, recipient string) (string, error) {
	if r.RecipientBCC == nil {
		return "", nil
	}
	a, err := r.recipient(ctx, recipient)
	if err != nil {
		return "", err
	}
	return r.copyTo(ctx, named{r.RecipientBCC, "recipient_bcc_maps"}, Quote(a))
}

func (r *Rules) copyTo(ctx context.Context, t named, address string) (string, error) {
	if t.Table == nil || address == "" || r.NoMapping {
		return "", nil
	}
	value, _, _, err := r.findAddress(ctx, t, Unquote(address))
	return strings.TrimSpace(value), err
}
