package script

import (
	"fmt"
	"strconv"
	"strings"
)

// unescape replaces \r \n \t \0 \\ and \xNN by octets, and \{N*TEXT} by TEXT N times.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", fmt.Errorf("%q ends in a backslash", s)
		}
		switch c := s[i]; c {
		case 'r', 'n', 't', '0', '\\':
			b.WriteByte(map[byte]byte{'r': '\r', 'n': '\n', 't': '\t', '0': 0, '\\': '\\'}[c])
		case 'x':
			if i+3 > len(s) {
				return "", fmt.Errorf("%q: two digits behind \\x", s)
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q: two digits behind \\x", s)
			}
			b.WriteByte(byte(v))
			i += 2
		case '{':
			inner, _, ok := strings.Cut(s[i+1:], "}")
			count, text, times := strings.Cut(inner, "*")
			n, err := strconv.ParseUint(count, 10, 20)
			if !ok || !times || err != nil {
				return "", fmt.Errorf("%q: \\{number*text}", s)
			}
			i += len(inner) + 1
			text, err = unescape(text)
			if err != nil {
				return "", err
			}
			if int(n)*len(text)+b.Len() > maxOctets {
				return "", fmt.Errorf("more than %d octets", maxOctets)
			}
			b.WriteString(strings.Repeat(text, int(n)))
		default:
			return "", fmt.Errorf("unknown escape \\%c", c)
		}
	}
	return b.String(), nil
}
