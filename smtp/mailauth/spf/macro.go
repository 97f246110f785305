package spf

import (
	"strconv"
	"strings"
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
