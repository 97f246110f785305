package rewrite

import (
	"context"
	"strings"
)

// maxMaps is how often the result of a table that maps one address to one other is looked up again.
const maxMaps = 10

// mapOne replaces an address by what a table has for it, again and again until the table has nothing more to say or maxMaps is reached.
func (r *Rules) mapOne(ctx context.Context, t named, address string, propagate bool) (string, error) {
	if t.Table == nil || address == "" {
		return address, nil
	}
	for range maxMaps {
		next, found, err := r.mapped(ctx, t, address, propagate)
		if err != nil || !found || len(next) == 0 {
			return address, err
		}
		if next[0] == address {
			break
		}
		address = next[0]
	}
	return address, nil
}

// mapped looks an address up and returns the addresses that it stands for, written in full.
func (r *Rules) mapped(ctx context.Context, t named, address string, propagate bool) ([]string, bool, error) {
	value, ext, found, err := r.findAddress(ctx, t, address)
	if err != nil || !found {
		return nil, false, err
	}
	if !propagate {
		ext = ""
	}
	if strings.HasPrefix(value, "@") { // the same user elsewhere
		local, _, _ := split(address)
		value = Quote(strings.TrimSuffix(local, ext) + value)
	}
	var out []string
	for _, a := range addresses(value) {
		a = r.complete(a, r.Origin)
		if ext != "" {
			local, domain, ok := split(a)
			if a = local + ext; ok {
				a += "@" + domain
			}
		}
		out = append(out, a)
	}
	return out, true, nil
}

// canonical applies the tables that are for an address of a kind.
func (r *Rules) canonical(ctx context.Context, address string, kind Kind) (string, error) {
	if r.NoMapping {
		return address, nil
	}
	var err error
	propagate := r.Propagate.Has(InCanonical)
	if kind&(EnvelopeSender|HeaderSender) != 0 && r.SenderCanonicalFor.or(EnvelopeSender|HeaderSender)&kind != 0 {
		if address, err = r.mapOne(ctx, named{r.SenderCanonical, "sender_canonical_maps"}, address, propagate); err != nil {
			return "", err
		}
	}
	if kind&(EnvelopeRecipient|HeaderRecipient) != 0 && r.RecipientCanonicalFor.or(EnvelopeRecipient|HeaderRecipient)&kind != 0 {
		if address, err = r.mapOne(ctx, named{r.RecipientCanonical, "recipient_canonical_maps"}, address, propagate); err != nil {
			return "", err
		}
	}
	if r.CanonicalFor.or(EnvelopeSender|EnvelopeRecipient|HeaderSender|HeaderRecipient)&kind != 0 {
		if address, err = r.mapOne(ctx, named{r.Canonical, "canonical_maps"}, address, propagate); err != nil {
			return "", err
		}
	}
	if r.MasqueradeFor.or(EnvelopeSender|HeaderSender|HeaderRecipient)&kind != 0 {
		return r.masquerade(ctx, address)
	}
	return address, nil
}

// masquerade takes off an address's domain what is below one of the domains that are shown outside.
func (r *Rules) masquerade(ctx context.Context, address string) (string, error) {
	local, domain, ok := split(address)
	if !ok || len(r.Masquerade) == 0 {
		return address, nil
	}
	if r.MasqueradeExceptions != nil {
		ok, err := r.MasqueradeExceptions.Match(ctx, strings.ToLower(local))
		if err != nil {
			return "", &LookupError{Table: "masquerade_exceptions", Address: local, Err: err}
		}
		if ok {
			return address, nil
		}
	}
	lower := strings.ToLower(domain)
	for _, m := range r.Masquerade {
		m, keep := strings.CutPrefix(strings.ToLower(m), "!")
		if lower == m {
			return address, nil
		}
		if strings.HasSuffix(lower, "."+m) {
			if keep {
				return address, nil
			}
			return local + "@" + domain[len(domain)-len(m):], nil
		}
	}
	return address, nil
}

// Sender returns the sender of an envelope as it goes on: written in full and mapped by sender_canonical_maps, canonical_maps and
// masquerade_domains. The null sender stays.
func (r *Rules) Sender(ctx context.Context, address string) (string, error) {
	if address == "" {
		return "", nil
	}
	a, err := r.canonical(ctx, r.complete(internal(address), r.Origin), EnvelopeSender)
	return Quote(a), err
}

// HeaderAddress is Sender for an address in a header: of a sender (HeaderSender) or a recipient. origin completes it where it has no
// domain; "" leaves it without.
func (r *Rules) HeaderAddress(ctx context.Context, address, origin string, kind Kind) (string, error) {
	a, err := r.canonical(ctx, r.complete(internal(address), origin), kind)
	return Quote(a), err
}

// Generic returns an address as other servers are shown it.
func (r *Rules) Generic(ctx context.Context, address string) (string, error) {
	if address == "" || r.SMTPGeneric == nil {
		return address, nil
	}
	a, err := r.mapOne(ctx, named{r.SMTPGeneric, "smtp_generic_maps"}, Unquote(address), r.Propagate.Has(InGeneric))
	return Quote(a), err
}
