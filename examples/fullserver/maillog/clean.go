package maillog

import (
	"net"
	"strings"
	"unicode/utf8"
)

// AppendClean appends s with every control character, every character that ends a line somewhere (U+0085, U+2028, U+2029)
// and every octet that is not UTF-8 shown as "?".
func AppendClean(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r >= 0xa0 && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || n > 1) {
				i += n
				continue
			}
			b = append(append(b, s[start:i]...), '?')
			i += n
			start = i
			continue
		}
		b = append(append(b, s[start:i]...), '?')
		i++
		start = i
	}
	return append(b, s[start:]...)
}

// cutRune drops a character at the end of b that has been cut in two.
func cutRune(b []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// Client writes a peer as Postfix does: "host[ip]", "unknown[ip]" when it has no name. The machine itself is localhost.
func Client(name string, addr net.Addr) string {
	ip := IP(addr)
	switch {
	case name != "":
	case ip == "":
		return "localhost[local]"
	case net.ParseIP(ip).IsLoopback():
		name = "localhost"
	default:
		name = "unknown"
	}
	return name + "[" + ip + "]"
}

// IP returns a network address without port and zone, "" for what is no IP address: a socket of this machine.
func IP(addr net.Addr) string {
	if addr == nil {
		return ""
	}
	if a, ok := addr.(*net.TCPAddr); ok {
		return a.IP.String()
	}
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	host, _, _ = strings.Cut(host, "%")
	if net.ParseIP(host) == nil {
		return ""
	}
	return host
}
