package spf

import (
	"context"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const delimiters = ".-+,/_="

// macro is one "%{…}" (RFC 7208 section 7.1).
type macro struct {
	letter  byte // in lower case
	escape  bool // the letter was in upper case
	keep    int  // labels from the right; 0: all
	reverse bool
	delim   string
	text    string // of an escape
}

// parseMacro reads what stands between the braces.
func parseMacro(s string) (m macro, ok bool) {
	if s == "" {
		return m, false
	}
	m.letter = s[0] | 0x20
	m.escape = s[0] != m.letter
	if strings.IndexByte("slodiphcrtv", m.letter) < 0 || s[0] < 'A' {
		return m, false
	}
	s = s[1:]
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits > 0 {
		n, err := strconv.Atoi(s[:digits])
		if err != nil {
			n = 1 << 20
		}
		if n == 0 {
			return m, false
		}
		m.keep, s = n, s[digits:]
	}
	if s != "" && s[0]|0x20 == 'r' {
		m.reverse, s = true, s[1:]
	}
	m.delim = s
	return m, strings.Trim(s, delimiters) == ""
}

// walk goes through a macro string. It reports false where the string is none. An escape ("%%", "%_", "%-") is a macro without a
// letter.
func walk(s string, literal func(string), expand func(macro)) bool {
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			i = len(s)
		}
		for _, c := range []byte(s[:i]) {
			if c <= ' ' || c >= 0x7f {
				return false
			}
		}
		if i > 0 {
			literal(s[:i])
			s = s[i:]
			continue
		}
		if len(s) < 2 {
			return false
		}
		switch s[1] {
		case '%':
			expand(macro{text: "%"})
		case '_':
			expand(macro{text: " "})
		case '-':
			expand(macro{text: "%20"})
		case '{':
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return false
			}
			m, ok := parseMacro(s[2:end])
			if !ok {
				return false
			}
			expand(m)
			s = s[end+1:]
			continue
		default:
			return false
		}
		s = s[2:]
	}
	return true
}

// validSpec checks a domain-spec: a macro string that ends in a macro or in a "." and a top label. For the value of an
// unknown modifier any macro string is good.
func validSpec(s string, domain bool) bool {
	last, bad := "", false
	ok := walk(s, func(l string) { last += l }, func(m macro) {
		last = ""
		if m.letter == 0 {
			return
		}
		// c, r and t are for explanations only (section 7.2).
		bad = bad || domain && strings.IndexByte("crt", m.letter) >= 0
	})
	if !ok || bad || domain && s == "" {
		return false
	}
	if !domain || last == "" {
		return true
	}
	last = strings.TrimSuffix(last, ".")
	i := strings.LastIndexByte(last, '.')
	return i >= 0 && topLabel(last[i+1:])
}

// topLabel: letters, digits and hyphens, not at its ends, and not digits alone.
func topLabel(s string) bool {
	alpha := false
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case 'a' <= c && c <= 'z':
			alpha = true
		case '0' <= s[i] && s[i] <= '9':
		case s[i] == '-' && i > 0 && i < len(s)-1:
			alpha = true
		default:
			return false
		}
	}
	return s != "" && alpha
}

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
