// Package dnstext reads names and texts as github.com/miekg/dns writes them.
package dnstext

import (
	"strconv"
	"strings"
)

// Unescape returns the octets of a name or text: what is special stands behind "\", what can't be seen is "\DDD" (RFC 1035 section
// 5.1).
func Unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 10, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Escape returns octets as they are to be given to that package.
func Escape(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }
