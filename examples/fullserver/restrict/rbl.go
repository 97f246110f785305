package restrict

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// zone is a list in the DNS: "zen.example" or "zen.example=127.0.0.[2..11]".
type zone struct {
	name   string
	octets [4][]span // of the answers that count; nil: any in 127.0.0.0/8
}

type span struct{ from, to int }

func parseZone(s string) (zone, error) {
	name, filter, has := strings.Cut(s, "=")
	z := zone{name: strings.ToLower(strings.Trim(name, "."))}
	if !validName(z.name) {
		return z, fmt.Errorf("%q is no domain", name)
	}
	if !has {
		return z, nil
	}
	rest := filter
	for i := range z.octets {
		var part string
		if strings.HasPrefix(rest, "[") {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return z, fmt.Errorf("%q has no ]", filter)
			}
			part, rest = rest[1:end], rest[end+1:]
		} else if end := strings.IndexByte(rest, '.'); end >= 0 {
			part, rest = rest[:end], rest[end:]
		} else {
			part, rest = rest, ""
		}
		if i < 3 {
			if !strings.HasPrefix(rest, ".") {
				return z, fmt.Errorf("%q is not of the form d.d.d.d, with [a;b..c] for some d", filter)
			}
			rest = rest[1:]
		}
		for item := range strings.SplitSeq(part, ";") {
			a, b, ranged := strings.Cut(item, "..")
			if !ranged {
				b = a
			}
			from, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 8)
			to, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 8)
			if errors.Join(err1, err2) != nil || from > to {
				return z, fmt.Errorf("%q: %q is no octet, nor a range of them", filter, item)
			}
			z.octets[i] = append(z.octets[i], span{int(from), int(to)})
		}
	}
	if rest != "" {
		return z, fmt.Errorf("%q has more than four parts", filter)
	}
	return z, nil
}

// counts reports whether an answer is one that is asked for.
func (z *zone) counts(a netip.Addr) bool {
	if a = a.Unmap(); !a.Is4() {
		return false
	}
	b := a.As4()
	for i, spans := range z.octets {
		if spans == nil {
			if i == 0 && b[0] != 127 { // a list that is gone answers with a place for advertisements
				return false
			}
			continue
		}
		ok := false
		for _, s := range spans {
			ok = ok || int(b[i]) >= s.from && int(b[i]) <= s.to
		}
		if !ok {
			return false
		}
	}
	return true
}

// reversed is an address as the zones have it (RFC 5782 sections 2.1 and 2.4).
func reversed(a netip.Addr) string {
	a = a.Unmap()
	var out []string
	if a.Is4() {
		b := a.As4()
		for i := 3; i >= 0; i-- {
			out = append(out, strconv.Itoa(int(b[i])))
		}
		return strings.Join(out, ".")
	}
	b := a.As16()
	for i := 15; i >= 0; i-- {
		out = append(out, strconv.FormatInt(int64(b[i]&15), 16), strconv.FormatInt(int64(b[i]>>4), 16))
	}
	return strings.Join(out, ".")
}

// zones asks a list.
func (s *stage) zones(r *rule) verdict {
	z := &r.zone
	var query, what, kind string
	switch r.name {
	case "reject_rbl_client", "permit_dnswl_client":
		query, what, kind = reversed(s.Client.Addr), s.Client.Addr.String(), kindClient
	case "reject_rhsbl_client", "permit_rhswl_client":
		query, what, kind = s.Client.Name, s.Client.Name, kindClient
	case "reject_rhsbl_reverse_client":
		query, what, kind = s.Client.Reverse, s.Client.Reverse, kindReverse
	case "reject_rhsbl_helo":
		query, what, kind = s.Helo, s.Helo, kindHelo
	case "reject_rhsbl_sender":
		query, _ = domainOf(s.k.Addresses.Complete(s.Sender))
		what, kind = s.Sender, kindSender
		if s.Sender == "" {
			return dunno
		}
	case "reject_rhsbl_recipient":
		if s.recipient == "" {
			return dunno
		}
		query, _ = domainOf(s.k.Addresses.Complete(s.recipient))
		what, kind = s.recipient, kindRecipient
	}
	if query == "" || query[0] == '[' {
		return dunno
	}
	ctx, cancel := context.WithTimeout(s.ctx, lookupTimeout)
	defer cancel()
	name := strings.TrimSuffix(query, ".") + "." + z.name
	addrs, err := s.k.resolver().LookupNetIP(ctx, "ip4", name+".")
	listed := false
	for _, a := range addrs {
		listed = listed || z.counts(a)
	}
	permits := strings.HasPrefix(r.name, "permit_")
	switch {
	case err != nil && !notThere(err) && permits:
		// It might have been let through: nothing final is said about it.
		if s.ifReject == nil {
			s.ifReject = s.k.reply(450, mail.EnhancedCode{4, 7, 1}, "<"+s.what+">: "+s.kind+" rejected: Service unavailable; "+z.name+" doesn't answer")
		}
		s.log("warning: " + name + ": " + err.Error())
		return dunno
	case err != nil && !notThere(err):
		s.log("warning: " + name + ": RBL lookup error: " + err.Error())
		return dunno
	case !listed:
		return dunno
	case permits:
		return permit
	}
	reason := ""
	if txt, err := s.k.resolver().LookupTXT(ctx, name+"."); err == nil && len(txt) > 0 {
		reason = txt[0]
	}
	return s.listed(z, what, kind, name, reason)
}

const defaultRBLReply = "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}"

// listed is the reply to who is on a list, made of a template.
func (s *stage) listed(z *zone, what, kind, name, reason string) verdict {
	template := s.k.RBLReply
	if template == "" {
		template = defaultRBLReply
	}
	if s.k.RBLReplies != nil {
		t, found, err := s.k.RBLReplies.Find(s.ctx, z.name)
		if err != nil {
			return s.broken("rbl_reply_maps: " + err.Error())
		}
		if found {
			template = t
		}
	}
	n := code(s.k.Codes.RBL, 554)
	text := expand(template, map[string]string{
		"rbl_code": strconv.Itoa(n), "rbl_class": kind, "rbl_what": what, "rbl_domain": z.name, "rbl_reason": printable(reason), "rbl_txt": printable(reason),
		"client": s.clientName(), "client_name": s.Client.Name, "client_address": s.Client.Addr.String(), "helo_name": s.Helo,
		"sender": s.Sender, "recipient": s.recipient, "reverse_client_name": s.Client.Reverse, "rbl_query": name,
	})
	word, rest, _ := strings.Cut(text, " ")
	given, err := strconv.Atoi(word)
	if err != nil || given < 400 || given > 599 {
		s.log("warning: rbl reply for " + z.name + ": expanded text doesn't begin with a code: " + text)
		return s.refuseWith(450, laterDSN, "Service unavailable")
	}
	dsn, rest := dsnOf(given, rest)
	return s.refuseWith(given, dsn, rest)
}

// printable keeps a list's text to one line of what may stand in a reply.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, s)
	if len(s) > 255 {
		s = s[:255]
	}
	return s
}

// expand puts values for $name, ${name}, ${name?text} and ${name:text}.
func expand(s string, values map[string]string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 == len(s) {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		if s[0] == '$' {
			b.WriteByte('$')
			s = s[1:]
			continue
		}
		if s[0] != '{' {
			n := 0
			for n < len(s) && (s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] >= '0' && s[n] <= '9') {
				n++
			}
			b.WriteString(values[s[:n]])
			s = s[n:]
			continue
		}
		depth, end := 0, -1
		for j := range len(s) {
			if s[j] == '{' {
				depth++
			} else if s[j] == '}' {
				if depth--; depth == 0 {
					end = j
					break
				}
			}
		}
		if end < 0 {
			b.WriteString("${")
			s = s[1:]
			continue
		}
		inner := s[1:end]
		s = s[end+1:]
		n := strings.IndexAny(inner, "?:")
		switch {
		case n < 0:
			b.WriteString(values[inner])
		case (inner[n] == '?') == (values[inner[:n]] != ""):
			b.WriteString(expand(inner[n+1:], values))
		}
	}
}
