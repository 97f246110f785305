package mailhtml

import (
	"strconv"
	"strings"
)

// writeName writes a name so that it is read back as the same: what isn't a letter, digit, "-" or "_" is escaped.
func writeName(b *strings.Builder, name string) {
	for i, r := range name {
		switch {
		case r >= 0x80, r == '_', isAlpha(byte(r)):
			b.WriteRune(r)
		case r == '-' && len(name) > 1:
			b.WriteByte('-')
		case isDigit(byte(r)) && i > 0 && !(i == 1 && name[0] == '-'):
			b.WriteByte(byte(r))
		default:
			writeHex(b, r)
		}
	}
}

// writeString writes a string. Quotes, backslashes and angle brackets are escaped by number, so that the string stays one
// in a <style> element, in an attribute, and for whoever takes it for something else.
func writeString(b *strings.Builder, s string) {
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f || strings.ContainsRune(`'"\<>()`, r):
			writeHex(b, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
}

func writeHex(b *strings.Builder, r rune) {
	b.WriteByte('\\')
	b.WriteString(strconv.FormatInt(int64(r), 16))
	b.WriteByte(' ')
}

// plainIdent is whether a keyword needs no escape.
func plainIdent(s string) bool {
	if s == "" || isDigit(s[0]) || s == "-" || strings.HasPrefix(s, "--") || len(s) > 1 && s[0] == '-' && isDigit(s[1]) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isName(s[i]) {
			return false
		}
	}
	return true
}

// closing is the bracket that ends what t begins, or 0.
func closing(t token) byte {
	switch {
	case t.kind == tokFunction || t.is('('):
		return ')'
	case t.is('['):
		return ']'
	case t.is('{'):
		return '}'
	}
	return 0
}

// balanced returns the index after the component value that begins at i: one token, or a bracketed group. Its time is
// linear in what it passes. closed is false if the group's end is missing.
func balanced(ts []token, i int) (next int, closed bool) {
	var want []byte
	for ; i < len(ts); i++ {
		if c := closing(ts[i]); c != 0 {
			want = append(want, c)
		} else if n := len(want); n > 0 && ts[i].is(want[n-1]) {
			want = want[:n-1]
		}
		if len(want) == 0 {
			return i + 1, true
		}
	}
	return len(ts), false
}

// group returns what stands between the brackets that begin at i, and the index after them. A missing end is at the end.
func group(ts []token, i int) (inner []token, next int) {
	next, closed := balanced(ts, i)
	if closed {
		return ts[i+1 : next-1], next
	}
	return ts[i+1 : next], next
}

func trimSpace(ts []token) []token {
	for len(ts) > 0 && ts[0].kind == tokSpace {
		ts = ts[1:]
	}
	for len(ts) > 0 && ts[len(ts)-1].kind == tokSpace {
		ts = ts[:len(ts)-1]
	}
	return ts
}
