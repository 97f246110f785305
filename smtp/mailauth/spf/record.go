package spf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
)

// Record is a parsed SPF record (RFC 7208 section 12).
type Record struct {
	Terms    []Term
	Redirect string // domain-spec; "" where there is none
	Explain  string // exp=, likewise
}

// Term is a mechanism.
type Term struct {
	Text   string       // as written
	Result authres.Code // of its qualifier: Pass, Fail, SoftFail, Neutral
	Kind   string       // "all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"
	Domain string       // domain-spec; "" means the current domain
	Prefix netip.Prefix // of ip4 and ip6
	Mask4  int          // of a and mx
	Mask6  int
}

// IsRecord reports whether a text record is an SPF record (section 4.5).
func IsRecord(s string) bool {
	const v = "v=spf1"
	return len(s) >= len(v) && strings.EqualFold(s[:len(v)], v) && (len(s) == len(v) || s[len(v)] == ' ')
}

// Parse reads a record. A syntax error anywhere in it makes all of it invalid (section 4.6).
func Parse(s string) (*Record, error) {
	if !IsRecord(s) {
		return nil, fmt.Errorf("%w: no version", ErrSyntax)
	}
	r := &Record{}
	var redirect, explain bool
	for word := range strings.SplitSeq(s[len("v=spf1"):], " ") {
		if word == "" {
			continue
		}
		name, value, ok := strings.Cut(word, "=")
		if ok && isName(name) {
			var twice bool
			switch strings.ToLower(name) {
			case "redirect":
				twice, redirect, r.Redirect = redirect, true, value
				ok = validSpec(value, true)
			case "exp":
				twice, explain, r.Explain = explain, true, value
				ok = validSpec(value, true)
			default: // section 6: unknown modifiers are ignored, if they are well formed
				ok = validSpec(value, false)
			}
			if twice || !ok {
				return nil, fmt.Errorf("%w: %.80q", ErrSyntax, word)
			}
			continue
		}
		t, ok := parseTerm(word)
		if !ok {
			return nil, fmt.Errorf("%w: %.80q", ErrSyntax, word)
		}
		r.Terms = append(r.Terms, t)
	}
	return r, nil
}

// isName: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ).
func isName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !('a' <= c && c <= 'z') && (i == 0 || !('0' <= s[i] && s[i] <= '9' || s[i] == '-' || s[i] == '_' || s[i] == '.')) {
			return false
		}
	}
	return s != ""
}

func parseTerm(word string) (Term, bool) {
	t := Term{Text: word, Result: authres.Pass, Mask4: 32, Mask6: 128}
	switch word[0] {
	case '+':
		word = word[1:]
	case '-':
		t.Result, word = authres.Fail, word[1:]
	case '~':
		t.Result, word = authres.SoftFail, word[1:]
	case '?':
		t.Result, word = authres.Neutral, word[1:]
	}
	end := strings.IndexAny(word, ":/")
	if end < 0 {
		end = len(word)
	}
	t.Kind = strings.ToLower(word[:end])
	rest := word[end:]
	switch t.Kind {
	case "all":
		return t, rest == ""
	case "include", "exists":
		t.Domain = strings.TrimPrefix(rest, ":")
		return t, strings.HasPrefix(rest, ":") && validSpec(t.Domain, true)
	case "ptr":
		if rest == "" {
			return t, true
		}
		t.Domain = strings.TrimPrefix(rest, ":")
		return t, rest[0] == ':' && validSpec(t.Domain, true)
	case "a", "mx":
		return t, t.parseDual(rest)
	case "ip4", "ip6":
		return t, strings.HasPrefix(rest, ":") && t.parseIP(rest[1:])
	}
	return t, false
}

// parseDual reads [ ":" domain-spec ] [ dual-cidr-length ].
func (t *Term) parseDual(s string) bool {
	// A "/" may stand in a domain-spec too; what makes it a length is that only digits follow.
	length := func(sep string, most int, to *int) bool {
		i := strings.LastIndex(s, sep)
		if i < 0 || strings.Trim(s[i+len(sep):], "0123456789") != "" {
			return true
		}
		n, ok := cidr(s[i+len(sep):], most)
		*to, s = n, s[:i]
		return ok
	}
	if strings.Contains(s, "//") && !length("//", 128, &t.Mask6) {
		return false
	}
	if !length("/", 32, &t.Mask4) {
		return false
	}
	if s == "" {
		return true
	}
	t.Domain = s[1:]
	return s[0] == ':' && validSpec(t.Domain, true)
}

// cidr reads a length: digits without a zero before them.
func cidr(s string, most int) (int, bool) {
	if s == "" || len(s) > 3 || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, _ := strconv.Atoi(s)
	return n, n <= most
}

func (t *Term) parseIP(s string) bool {
	addr, mask, has := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" || a.Is4() != (t.Kind == "ip4") {
		return false
	}
	bits := a.BitLen()
	if has {
		var ok bool
		if bits, ok = cidr(mask, bits); !ok {
			return false
		}
	}
	t.Prefix = netip.PrefixFrom(a, bits).Masked()
	return true
}
