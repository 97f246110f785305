package restrict

import (
	"net/netip"
	"strings"

	"github.com/buuta/mail/smtp/rewrite"
)

// access asks a table (access(5)).
func (s *stage) access(r *rule, depth int) verdict {
	name := strings.TrimSuffix(strings.TrimPrefix(r.name, "check_"), "_access")
	what, by := name, ""
	for _, b := range []string{"_a", "_mx", "_ns"} {
		if w, ok := strings.CutSuffix(name, b); ok {
			what, by = w, b[1:]
		}
	}
	q := query{s: s, table: r.table}
	switch what {
	case "client":
		q.what, q.kind = s.clientName(), kindClient
		if by != "" {
			return q.behind(s.Client.Name, by, depth)
		}
		return q.host(s.Client.Name, s.Client.Addr, depth)
	case "reverse_client_hostname":
		q.what, q.kind = s.Client.Reverse, kindReverse
		if q.what == "" {
			q.what = "unknown"
		}
		if by != "" {
			return q.behind(s.Client.Reverse, by, depth)
		}
		return q.host(s.Client.Reverse, netip.Addr{}, depth)
	case "helo":
		q.what, q.kind = s.Helo, kindHelo
		if s.Helo == "" {
			return dunno
		}
		if by != "" {
			return q.behind(s.Helo, by, depth)
		}
		return q.host(s.Helo, netip.Addr{}, depth)
	case "sender":
		q.what, q.kind = s.Sender, kindSender
		if by != "" {
			return q.behindAddress(s.Sender, by, depth)
		}
		return q.address(s.Sender, depth)
	case "recipient":
		if s.recipient == "" {
			return dunno
		}
		q.what, q.kind = s.recipient, kindRecipient
		if by != "" {
			return q.behindAddress(s.recipient, by, depth)
		}
		return q.address(s.recipient, depth)
	case "sasl":
		q.what, q.kind = s.Client.Login, kindSASL
	case "ccert":
		// The certificate's fingerprint is asked for first, then its key's.
		q.what, q.kind = s.Client.CertSubject, kindCert
		if v, found := q.ask(s.Client.Cert, false, depth); found {
			return v
		}
		v, _ := q.ask(s.Client.CertKey, false, depth)
		return v
	case "etrn":
		q.what, q.kind = s.what, kindEtrn
		return q.host(s.what, netip.Addr{}, depth)
	}
	if q.what == "" {
		return dunno
	}
	v, _ := q.ask(q.what, false, depth)
	return v
}

// query is one restriction's search of its table.
type query struct {
	s          *stage
	table      rewrite.Table
	what, kind string // for replies
}

// ask looks for one key; part says that it is a piece of what the table is about.
func (q *query) ask(key string, part bool, depth int) (v verdict, found bool) {
	if key == "" {
		return dunno, false
	}
	find := q.table.Find
	if p, ok := q.table.(rewrite.PartTable); ok && part {
		find = p.FindPart
	}
	value, found, err := find(q.s.ctx, key)
	if err != nil {
		q.s.log("warning: " + err.Error())
		return q.s.refuse(451, configDSN, q.what, q.kind, "Server configuration error"), true
	}
	if !found {
		return dunno, false
	}
	return q.s.action(value, q.what, q.kind, depth), true
}

// names asks for a name, and for those it belongs to.
func (q *query) names(name string, depth int) (verdict, bool) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for part := false; name != ""; part = true {
		if v, ok := q.ask(name, part, depth); ok {
			return v, true
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			break
		}
		if name = parent; q.s.k.WholeNames {
			if v, ok := q.ask("."+name, true, depth); ok {
				return v, true
			}
			for {
				if _, name, ok = strings.Cut(name, "."); !ok {
					return dunno, false
				}
				if v, ok := q.ask("."+name, true, depth); ok {
					return v, true
				}
			}
		}
	}
	return dunno, false
}

// host asks for a host's name, then for its address and the networks that it is in.
func (q *query) host(name string, addr netip.Addr, depth int) verdict {
	if v, ok := q.names(name, depth); ok {
		return v
	}
	if !addr.IsValid() {
		return dunno
	}
	text, sep := addr.String(), "."
	if addr.Is6() {
		sep = ":"
	}
	for part := false; ; part = true {
		if v, ok := q.ask(text, part, depth); ok {
			return v
		}
		i := strings.LastIndex(text, sep)
		if i <= 0 {
			return dunno
		}
		text = strings.TrimRight(text[:i], sep)
	}
}

// address asks for an address, its domain, and its local part.
func (q *query) address(address string, depth int) verdict {
	a := q.s.k.Addresses
	if address == "" {
		key := q.s.k.NullSenderKey
		if key == "" {
			key = "<>"
		}
		v, _ := q.ask(key, false, depth)
		return v
	}
	full := rewrite.Unquote(a.Complete(address))
	i := strings.LastIndexByte(full, '@')
	if i < 0 {
		v, _ := q.ask(full, false, depth)
		return v
	}
	local, domain := full[:i], full[i+1:]
	locals := []string{local}
	if user, ext := a.Extension(local); ext != "" {
		locals = append(locals, user)
	}
	for j, l := range locals {
		if v, ok := q.ask(strings.ToLower(l+"@"+domain), j > 0, depth); ok {
			return v
		}
	}
	// A table of patterns has seen the address whole.
	if v, ok := q.partNames(domain, depth); ok {
		return v
	}
	for _, l := range locals {
		if v, ok := q.ask(strings.ToLower(l)+"@", true, depth); ok {
			return v
		}
	}
	return dunno
}

// partNames is names for a domain that is itself a part.
func (q *query) partNames(domain string, depth int) (verdict, bool) {
	if v, ok := q.ask(strings.ToLower(domain), true, depth); ok {
		return v, true
	}
	if _, parent, ok := strings.Cut(domain, "."); ok && !q.s.k.WholeNames {
		return q.partNames(parent, depth)
	} else if ok {
		for rest := parent; ; {
			if v, ok := q.ask("."+strings.ToLower(rest), true, depth); ok {
				return v, true
			}
			if _, rest, ok = strings.Cut(rest, "."); !ok {
				break
			}
		}
	}
	return dunno, false
}

// behind asks for the hosts that stand behind a name, and their addresses.
func (q *query) behind(name, by string, depth int) verdict {
	if name == "" {
		return dunno
	}
	if a, ok := rewrite.Literal(name); ok {
		return q.host("", a, depth)
	}
	for _, host := range q.s.k.servers(q.s.ctx, name, by) {
		if v, ok := q.names(host, depth); ok {
			return v
		}
		for _, a := range q.s.k.addresses(q.s.ctx, host) {
			if v := q.host("", a.Unmap(), depth); v != dunno {
				return v
			}
		}
	}
	return dunno
}

func (q *query) behindAddress(address, by string, depth int) verdict {
	if address == "" {
		return dunno
	}
	domain, _ := domainOf(q.s.k.Addresses.Complete(address))
	return q.behind(domain, by, depth)
}
