package rewrite

import (
	"context"
	"strings"
)

// Class is the class of an address, by its domain.
type Class string

// The classes (Postfix's ADDRESS_CLASS_README).
const (
	Local          Class = "local"           // this machine's own: mydestination
	VirtualAlias   Class = "virtual alias"   // exists only in virtual_alias_maps
	VirtualMailbox Class = "virtual mailbox" // mailboxes here under other domains
	RelayTo        Class = "relay"           // elsewhere, and mail is taken for it
	Default        Class = "default"         // elsewhere
)

// Way is how mail gets to an address.
type Way struct {
	Recipient string // the address in full
	Class     Class
	Transport string // "smtp"; "error" is for what can't be delivered
	Nexthop   string // a domain, "[host]:port", what the transport makes of it; for "error", "5.1.1 User unknown": code and text

	// Bad says that the address can't be one: its domain is no domain, or it begins with "-". There is no way then.
	Bad bool
	// Routed says that the local part names another place, as in user%elsewhere@here or "user@elsewhere"@here. Who may not send
	// elsewhere may not send to such an address either.
	Routed bool
}

// domain is the recipient's.
func (w *Way) domain() string {
	_, d, _ := split(w.Recipient)
	return d
}

// Resolve finds the way to a recipient: an address in full, as Recipients returns it. sender chooses sender_dependent_relayhost_maps and
// sender_dependent_default_transport_maps.
func (r *Rules) Resolve(ctx context.Context, sender, recipient string) (Way, error) {
	w, local, err := r.destination(ctx, Unquote(recipient))
	if err != nil {
		return w, err
	}
	if !w.Bad {
		if local {
			w.Class, w.Nexthop = Local, w.domain()
			setTransport(&w, or(r.LocalTransport, "local:"+r.Hostname))
		} else if err = r.classify(ctx, sender, &w); err != nil {
			return w, err
		}
		if w.Class != VirtualAlias {
			err = r.transport(ctx, &w)
		}
		if err == nil {
			err = r.relocated(ctx, &w)
		}
	} else {
		w.Class = Default
	}
	if !r.AllowMinus && strings.HasPrefix(w.Recipient, "-") {
		w.Bad = true
	}
	w.Recipient = Quote(w.Recipient)
	return w, err
}

// destination strips domains of this machine off an address as long as another one stands before them, and reports whether it ends here. The
// address is in internal form, and so is the way's.
func (r *Rules) destination(ctx context.Context, address string) (w Way, here bool, err error) {
	own := "" // the last domain that was stripped, with its "@"
	quoted := needsQuotes(localOf(address))
	if r.NoDequote { // an "@" counts too: what is before the last one is a local part, in quotes where they are needed
		quoted = !isDotString(localOf(address), false)
	}
	for range len(address) + 100 { // each turn makes it shorter
		local, domain, has := split(address)
		if has {
			if n := trimDot(domain); n != domain {
				domain, address = n, local+"@"+n
			}
			if domain == "" && r.NullDomain {
				address, has = local, false
			}
		}
		if has {
			if ok, err := r.isLocal(ctx, domain); err != nil {
				return w, false, err
			} else if !ok && domain != "" {
				w.Recipient = address
				break
			}
			own, address = "@"+domain, local
		}
		if r.routes(address) && !(quoted && r.NoDequote) {
			if quoted {
				address, quoted = r.dequoted(address)
			}
			local, domain, has := split(address)
			address = r.completeDomain(local, r.Origin, true, domain, has)
			continue
		}
		if address == "" {
			address = r.empty()
		}
		if own == "" {
			own = "@" + r.Hostname
		}
		here, w.Recipient = true, address+own
		break
	}
	domain := w.domain()
	if domain != "" && domain[0] == '[' {
		_, ok := Literal(domain)
		w.Bad = !ok
	} else {
		w.Bad = !ValidHost(domain)
	}
	i := strings.IndexAny(w.Recipient, "@!%")
	w.Routed = i >= 0 && w.Recipient[i+1:] != domain
	return w, here, nil
}

// dequoted makes an operator within quotes one that counts, and reports whether what is left of it needs quotes.
func (r *Rules) dequoted(local string) (string, bool) {
	if i := strings.LastIndexByte(local, '%'); i >= 0 && !r.NoPercentHack && strings.IndexByte(local, '@') < 0 {
		local = local[:i] + "@" + local[i+1:]
	}
	l, _, has := split(local)
	return local, has && needsQuotes(l)
}

// needsQuotes reports whether a local part is not a dot-string, "@" left out.
func needsQuotes(local string) bool { return local != "" && !isDotString(local, true) }

func localOf(address string) string {
	local, _, _ := split(address)
	return local
}

// routes reports whether a local part names another place.
func (r *Rules) routes(local string) bool {
	return strings.IndexByte(local, '@') >= 0 || !r.NoBangpath && strings.IndexByte(local, '!') >= 0 || !r.NoPercentHack && strings.IndexByte(local, '%') >= 0
}

// ValidHost reports whether a domain is one of labels of letters, digits, "-" and "_" (and UTF-8), no number alone, in RFC 1035's lengths.
func ValidHost(s string) bool {
	s = fold(s)
	if s == "" || len(s) > 255 {
		return false
	}
	numeric := true
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			switch c := label[i]; {
			case c >= '0' && c <= '9':
			case c >= 'a' && c <= 'z', c == '-', c == '_', c >= 0x80:
				numeric = false
			default:
				return false
			}
		}
	}
	return !numeric
}
