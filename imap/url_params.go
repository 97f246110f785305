package imap

import (
	"strings"
	"time"

	"github.com/buuta/mail"
)

// Order of the parameters.
const (
	paramNone = iota
	paramValidity
	paramUID
	paramSection
	paramPartial
	paramExpire
	paramAccess
)

// parseParams reads ";UIDVALIDITY=385759045/;UID=20/;SECTION=1.2/;PARTIAL=0.1024;EXPIRE=…;URLAUTH=…".
func (u *URL) parseParams(s string) bool {
	for last := paramNone; s != ""; {
		if s[0] != ';' {
			return false
		}
		part := s[1:]
		s = ""
		if i := strings.IndexByte(part, ';'); i >= 0 {
			part, s = part[:i], part[i:]
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return false
		}
		slash := strings.HasSuffix(value, "/") && s != ""
		if slash {
			value = value[:len(value)-1]
		}
		now := u.parseParam(name, value)
		if now <= last || s != "" && slash == authParam(s) {
			return false
		}
		last = now
	}
	return u.UID > 0 || u.Section.String() == "" && u.Partial == nil && u.Access == ""
}

// authParam reports whether the parameter at the beginning of s is one of those that no slash stands before.
func authParam(s string) bool {
	_, expire := cutFold(s, ";expire=")
	_, access := cutFold(s, ";urlauth=")
	return expire || access
}

// parseParam reads one parameter and returns its place in the order, paramNone when it is wrong.
func (u *URL) parseParam(name, value string) int {
	switch strings.ToUpper(name) {
	case "UIDVALIDITY":
		n, ok := parseNumber([]byte(value), 1<<32-1)
		if u.UIDValidity = uint32(n); ok && n > 0 {
			return paramValidity
		}
	case "UID":
		n, ok := parseNumber([]byte(value), 1<<32-1)
		if u.UID = mail.UID(n); ok && n > 0 {
			return paramUID
		}
	case "SECTION":
		var section string
		if unescapeTo(&section, value) && u.parseSection(section) {
			return paramSection
		}
	case "PARTIAL":
		offset, size, more := strings.Cut(value, ".")
		from, ok := parseNumber([]byte(offset), 1<<32-1)
		n, sized := parseNumber([]byte(size), 1<<32-1)
		u.Partial = &Partial{Offset: uint32(from), Size: uint32(n)}
		if ok && (!more || sized && n > 0) {
			return paramPartial
		}
	case "EXPIRE":
		t, err := time.Parse(time.RFC3339, strings.ToUpper(value))
		if u.Expire = t; err == nil {
			return paramExpire
		}
	case "URLAUTH":
		if u.parseAccess(value) {
			return paramAccess
		}
	}
	return paramNone
}

// parseSection reads a section as FETCH has it between the brackets.
func (u *URL) parseSection(s string) bool {
	d := NewDecoder(strings.NewReader("[" + s + "]\r\n"))
	u.Section = d.section(false)
	return s != "" && d.CRLF() == nil
}

// parseAccess reads "submit+fred:INTERNAL:91354a47…".
func (u *URL) parseAccess(s string) bool {
	access, rest, full := strings.Cut(s, ":")
	var clean string
	if !unescapeTo(&clean, access) {
		return false
	}
	u.Access = URLAccess(clean)
	for _, with := range [...]string{"submit+", "user+"} {
		if user, ok := cutFold(clean, with); ok {
			u.Access = URLAccess(with + user)
			if user == "" {
				return false
			}
			return !full || u.parseToken(rest)
		}
	}
	if u.Access = URLAccess(strings.ToLower(clean)); u.Access != AccessAuthUser && u.Access != AccessAnonymous {
		return false
	}
	return !full || u.parseToken(rest)
}

// parseToken reads "INTERNAL:91354a47…": 128 bits at least.
func (u *URL) parseToken(s string) bool {
	u.Mechanism, u.Token, _ = strings.Cut(s, ":")
	for i := range len(u.Token) {
		if unhex(u.Token[i]) < 0 {
			return false
		}
	}
	for i := range len(u.Mechanism) {
		if c := u.Mechanism[i]; !isAlnum(c) && c != '-' && c != '.' {
			return false
		}
	}
	u.Mechanism = strings.ToUpper(u.Mechanism)
	return u.Mechanism != "" && len(u.Token) >= 32
}

func isAlnum(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }
