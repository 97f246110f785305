package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Members splits a list at commas and white space, but not within braces: "hash:/a, inline:{ b=c, d=e }" has two members.
func Members(s string) []string {
	var out []string
	depth, start := 0, -1
	for i := range len(s) {
		switch c := s[i]; {
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		if depth <= 0 && strings.IndexByte(", \t\r\n", s[i]) >= 0 {
			if start >= 0 {
				out = append(out, s[start:i])
			}
			start = -1
		} else if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		out = append(out, s[start:])
	}
	return out
}

// checkPatterns finds what can't be in a list of domains, files and tables: a plain name that is no domain.
func checkPatterns(value string) error {
	for _, m := range Members(value) {
		m = strings.TrimLeft(m, "!")
		switch {
		case strings.HasPrefix(m, "/"), tableName(m):
		case strings.HasPrefix(m, "["):
			if _, err := netip.ParseAddr(strings.TrimPrefix(strings.Trim(m, "[]"), "IPv6:")); err != nil {
				return fmt.Errorf("%s is no address in brackets", quote(m))
			}
		case !validHost(strings.TrimPrefix(m, ".")):
			return fmt.Errorf("%s is not a domain", quote(m))
		}
	}
	return nil
}

// checkMaps finds what is no "type:name".
func checkMaps(value string) error {
	for _, m := range Members(value) {
		if !tableName(m) {
			if strings.HasPrefix(m, "/") {
				return fmt.Errorf("%s is no table: what type is it? Most are hash:%s", quote(m), m)
			}
			return fmt.Errorf("%s is no table: expected \"type:name\", such as \"hash:/etc/postfix/%s\"", quote(m), strings.Map(nameOnly, m))
		}
	}
	return nil
}

func nameOnly(r rune) rune {
	if r < 0x80 && (nameByte(byte(r)) || r == '-' || r == '.') {
		return r
	}
	return -1
}

// tableName reports whether s is "type:name".
func tableName(s string) bool {
	kind, name, ok := strings.Cut(s, ":")
	return ok && name != "" && leadingName(kind) == kind && kind != ""
}
