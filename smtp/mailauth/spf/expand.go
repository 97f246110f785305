package spf

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// expand writes out a macro string for the current domain.
func (e *eval) expand(ctx context.Context, s, domain string) (string, error) {
	var b strings.Builder
	ok := walk(s, func(l string) { b.WriteString(l) }, func(m macro) {
		if b.Len() > 8192 { // an expansion is cut to 253 octets, or is a text of a few lines
			return
		}
		if m.letter == 0 {
			b.WriteString(m.text)
			return
		}
		v := m.apply(e.value(ctx, m.letter, domain))
		if m.escape {
			v = escape(v)
		}
		b.WriteString(v)
	})
	if !ok {
		return "", ErrSyntax
	}
	return b.String(), nil
}

// escape is URL escaping of everything that is not unreserved.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func (m macro) apply(v string) string {
	if m.keep == 0 && !m.reverse && m.delim == "" {
		return v
	}
	delim := m.delim
	if delim == "" {
		delim = "."
	}
	parts := split(v, delim)
	if m.reverse {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	if m.keep > 0 && len(parts) > m.keep {
		parts = parts[len(parts)-m.keep:]
	}
	return strings.Join(parts, ".")
}

// split splits at every delimiter and keeps the empty parts between two.
func split(v, delim string) []string {
	var parts []string
	for {
		i := strings.IndexAny(v, delim)
		if i < 0 {
			return append(parts, v)
		}
		parts = append(parts, v[:i])
		v = v[i+1:]
	}
}

// namesLocal reports whether a macro string has the sender's local part in it.
func namesLocal(s string) bool {
	found := false
	walk(s, func(string) {}, func(m macro) { found = found || m.letter == 's' || m.letter == 'l' })
	return found
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func (e *eval) value(ctx context.Context, letter byte, domain string) string {
	switch letter {
	case 's':
		return e.local + "@" + e.sender
	case 'l':
		return e.local
	case 'o':
		return e.sender
	case 'd':
		return domain
	case 'i':
		return dotted(e.ip)
	case 'c':
		return e.ip.String()
	case 'p':
		return e.validated(ctx, domain)
	case 'v':
		if e.ip.Is4() {
			return "in-addr"
		}
		return "ip6"
	case 'h':
		return e.helo
	case 'r':
		if e.c.Hostname != "" {
			return e.c.Hostname
		}
		return "unknown"
	case 't':
		now := time.Now()
		if e.c.Now != nil {
			now = e.c.Now()
		}
		return strconv.FormatInt(now.Unix(), 10)
	}
	return ""
}

// dotted writes an IPv6 address as nibbles with dots (section 7.3).
func dotted(ip netip.Addr) string {
	if ip.Is4() {
		return ip.String()
	}
	const hex = "0123456789ABCDEF"
	var b []byte
	for i, c := range ip.AsSlice() {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, hex[c>>4], '.', hex[c&15])
	}
	return string(b)
}

// target expands a domain-spec to a name to ask for: labels are taken away from the left until it has 253 octets (section
// 7.3).
func (e *eval) target(ctx context.Context, spec, domain string) (string, error) {
	if spec == "" {
		return domain, nil
	}
	s, err := e.expand(ctx, spec, domain)
	if err != nil {
		return "", err
	}
	s = strings.TrimSuffix(s, ".")
	for len(s) > 253 {
		_, rest, ok := strings.Cut(s, ".")
		if !ok {
			return "", nil
		}
		s = rest
	}
	return s, nil
}

// explain looks up and expands exp= (section 6.2). Any trouble means no explanation.
func (e *eval) explain(ctx context.Context) string {
	name, err := e.target(ctx, e.exp, e.expDomain)
	if err != nil {
		return ""
	}
	if name, err = signed.ASCIIName(name); err != nil {
		return ""
	}
	list, err := e.lookupTXT(ctx, name)
	if err != nil || len(list) != 1 || len(list[0]) > e.lim.RecordBytes {
		return ""
	}
	var words []string
	for w := range strings.SplitSeq(list[0], " ") { // explain-string may have spaces, which a macro-string has not
		if w, err = e.expand(ctx, w, e.expDomain); err != nil {
			return ""
		}
		words = append(words, w)
	}
	out := strings.Join(words, " ")
	for i := range len(out) {
		if out[i] < ' ' || out[i] >= 0x7f {
			return ""
		}
	}
	return out
}
