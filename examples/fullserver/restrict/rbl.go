package restrict

import (
	"context"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/dnsbl"
)

// zones asks a list.
func (s *stage) zones(r *rule) verdict {
	z := &r.zone
	var query, what, kind string
	switch r.name {
	case "reject_rbl_client", "permit_dnswl_client":
		query, what, kind = dnsbl.Reverse(s.Client.Addr), s.Client.Addr.String(), kindClient
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
	name := strings.TrimSuffix(query, ".") + "." + z.Name
	addrs, err := s.k.resolver().LookupNetIP(ctx, "ip4", name+".")
	listed := false
	for _, a := range addrs {
		listed = listed || z.Counts(a)
	}
	permits := strings.HasPrefix(r.name, "permit_")
	switch {
	case err != nil && !notThere(err) && permits:
		// It might have been let through: nothing final is said about it.
		if s.ifReject == nil {
			s.ifReject = s.k.reply(450, mail.EnhancedCode{4, 7, 1}, "<"+s.what+">: "+s.kind+" rejected: Service unavailable; "+z.Name+" doesn't answer")
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
func (s *stage) listed(z *dnsbl.Zone, what, kind, name, reason string) verdict {
	template := s.k.RBLReply
	if template == "" {
		template = defaultRBLReply
	}
	if s.k.RBLReplies != nil {
		t, found, err := s.k.RBLReplies.Find(s.ctx, z.Name)
		if err != nil {
			return s.broken("rbl_reply_maps: " + err.Error())
		}
		if found {
			template = t
		}
	}
	n := code(s.k.Codes.RBL, 554)
	text := expand(template, map[string]string{
		"rbl_code": strconv.Itoa(n), "rbl_class": kind, "rbl_what": what, "rbl_domain": z.Name, "rbl_reason": printable(reason), "rbl_txt": printable(reason),
		"client": s.clientName(), "client_name": s.Client.Name, "client_address": s.Client.Addr.String(), "helo_name": s.Helo,
		"sender": s.Sender, "recipient": s.recipient, "reverse_client_name": s.Client.Reverse, "rbl_query": name,
	})
	word, rest, _ := strings.Cut(text, " ")
	given, err := strconv.Atoi(word)
	if err != nil || given < 400 || given > 599 {
		s.log("warning: rbl reply for " + z.Name + ": expanded text doesn't begin with a code: " + text)
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
