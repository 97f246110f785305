package dsn

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatAddress writes an address after its type, "rfc822; user@example.test", as the recipient fields of reports have
// it; "" for no address. One of type utf-8 is written as it is if utf8 is set, otherwise in ASCII as utf-8-addr-xtext
// (RFC 6533 section 3). An address that isn't ASCII has type utf-8 whatever typ says.
func FormatAddress(typ, addr string, utf8 bool) string {
	if addr == "" {
		return ""
	}
	if !isASCII(addr) {
		typ = "utf-8"
	}
	if !strings.EqualFold(typ, "utf-8") {
		return typ + "; " + addr
	}
	addr = decodeUnitext(addr)
	if utf8 {
		return typ + "; " + addr
	}
	var b strings.Builder
	for _, r := range addr {
		if r >= 0x7f || r <= ' ' || r == '\\' || r == '+' || r == '=' {
			fmt.Fprintf(&b, "\\x{%X}", r)
		} else {
			b.WriteRune(r)
		}
	}
	return typ + "; " + b.String()
}

// ParseAddress reads what FormatAddress writes. Brackets around the address, which don't belong there, go; typ is ""
// when there is none.
func ParseAddress(s string) (typ, addr string) {
	typ, addr, ok := strings.Cut(s, ";")
	if !ok {
		typ, addr = "", s
	}
	typ, addr = strings.TrimSpace(typ), strings.TrimSpace(addr)
	if strings.HasPrefix(addr, "<") && strings.HasSuffix(addr, ">") {
		addr = addr[1 : len(addr)-1]
	}
	if strings.EqualFold(typ, "utf-8") {
		addr = decodeUnitext(addr)
	}
	return typ, addr
}

// decodeUnitext replaces \x{HEXPOINT} by the character (RFC 6533 section 3).
func decodeUnitext(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		hex, _, ok := strings.Cut(rest[:min(len(rest), 8)], "}")
		n, err := strconv.ParseUint(hex, 16, 32)
		if !ok || err != nil || n > 0x10ffff || n < ' ' {
			b.WriteString(`\x{`)
			s = rest
			continue
		}
		b.WriteRune(rune(n))
		s = rest[len(hex)+1:]
	}
}
