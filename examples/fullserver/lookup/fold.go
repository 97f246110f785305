package lookup

import (
	"unicode/utf8"

	"golang.org/x/text/cases"
)

// scan says whether folding an ASCII s changes it, and whether s is ASCII.
func scan(s string) (upper, ascii bool) {
	ascii = true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			ascii = false
		case 'A' <= c && c <= 'Z':
			upper = true
		}
	}
	return upper, ascii
}

// fold returns the form in which keys are compared: Unicode's full case folding, or ASCII's only when octets is set.
func fold(s string, octets bool) string {
	upper, ascii := scan(s)
	if !ascii && !octets {
		return cases.Fold().String(s)
	}
	if !upper {
		return s
	}
	b := make([]byte, len(s))
	foldASCII(b, s)
	return string(b)
}

func foldASCII(b []byte, s string) {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b[i] = c
	}
}
