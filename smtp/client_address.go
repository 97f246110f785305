package smtp

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxAddress is the longest address that is sent, in octets. RFC 5321 section 4.5.3.1.3 has servers take 254 at least.
const maxAddress = 1000

var errAddress = errors.New("bad address syntax")

// checkAddress refuses what could not stand between the angle brackets of MAIL and RCPT without saying something else
// there: a line end, a space, a ">" outside a quoted string begins a parameter or a command of somebody else's wish.
// The syntax is RFC 5321 section 4.1.2's Mailbox; a local part alone is allowed, and any order of dots.
func checkAddress(s string) error {
	if s == "" || len(s) > maxAddress {
		return errAddress
	}
	i := 0
	if s[0] == '"' {
		for i = 1; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
			if i == len(s) || s[i] < ' ' || s[i] == 0x7f {
				return errAddress
			}
		}
		if i >= len(s) {
			return errAddress
		}
		i++
	} else {
		for i < len(s) && s[i] != '@' {
			if s[i] <= ' ' || s[i] == 0x7f || strings.IndexByte(`"(),:;<>[\]`, s[i]) >= 0 {
				return errAddress
			}
			i++
		}
	}
	switch {
	case i == 0:
		return errAddress
	case i == len(s):
		return nil
	case s[i] != '@':
		return errAddress
	}
	return checkDomain(s[i+1:])
}

// checkDomain refuses what isn't a domain or an address literal in its looks: what it means is for others to say.
func checkDomain(s string) error {
	if s == "" || len(s) > maxAddress {
		return errAddress
	}
	if s[0] == '[' {
		if len(s) < 3 || s[len(s)-1] != ']' {
			return errAddress
		}
		s = s[1 : len(s)-1]
		for i := range len(s) {
			if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`[\]<>"(),;@`, s[i]) >= 0 {
				return errAddress
			}
		}
		return nil
	}
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '.' && c != '_' && !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c < 0x80 {
			return errAddress
		}
	}
	return nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// asciiAddress returns the address with its domain in A-labels, which is the same address for a server without
// SMTPUTF8 (RFC 6531 section 3.2). It can't be done when the local part has other characters.
func asciiAddress(s string) (string, bool) {
	if ascii(s) {
		return s, true
	}
	i := strings.LastIndexByte(s, '@')
	if i < 0 || !ascii(s[:i]) || !utf8.ValidString(s) {
		return "", false
	}
	domain, err := idna.Lookup.ToASCII(s[i+1:])
	if err != nil || !validDomain(domain, false) {
		return "", false // some characters, as U+00AD, map to nothing; and a name may grow beyond what the DNS has
	}
	out := s[:i+1] + domain
	return out, len(out) <= maxAddress
}
