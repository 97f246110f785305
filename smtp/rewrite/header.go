package rewrite

import (
	"bytes"
	"strings"
)

// Header rewrites the addresses in the fields of a message's header: lines with CRLF or LF at their ends, up to an empty one or the end of b. f is
// asked for each address as it stands there, in the fields that have addresses; what it returns stands in its place, and everything else
// stays as it is, octet by octet. An error of f ends it.
func Header(b []byte, f func(address string, kind Kind) (string, error)) ([]byte, error) {
	var out bytes.Buffer
	changed := false
	for rest := b; len(rest) > 0; {
		n := fieldLen(rest)
		field := rest[:n]
		rest = rest[n:]
		if kind := kindOf(field); kind != 0 {
			next, err := rewriteField(field, kind, f)
			if err != nil {
				return nil, err
			}
			if next != nil {
				changed = true
				field = next
			}
		}
		out.Write(field)
	}
	if !changed {
		return b, nil
	}
	return out.Bytes(), nil
}

// fieldLen is the length of the field that b begins with, its folded lines included.
func fieldLen(b []byte) int {
	n := 0
	for {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			return len(b)
		}
		if n += i + 1; n == len(b) || b[n] != ' ' && b[n] != '\t' {
			return n
		}
	}
}

// kindOf returns what the addresses of a field are, 0 where it has none.
func kindOf(field []byte) Kind {
	i := bytes.IndexByte(field, ':')
	if i < 0 || i > 40 {
		return 0
	}
	switch strings.ToLower(strings.TrimRight(string(field[:i]), " \t")) {
	case "from", "sender", "reply-to", "return-path", "errors-to", "return-receipt-to", "resent-from", "resent-sender", "resent-reply-to":
		return HeaderSender
	case "to", "cc", "bcc", "apparently-to", "resent-to", "resent-cc", "resent-bcc":
		return HeaderRecipient
	}
	return 0
}

// rewriteField returns a field with its addresses rewritten, nil when none has changed.
func rewriteField(field []byte, kind Kind, f func(string, Kind) (string, error)) ([]byte, error) {
	var out []byte
	last := 0
	for _, s := range spans(field, bytes.IndexByte(field, ':')+1) {
		old := string(field[s[0]:s[1]])
		next, err := f(old, kind)
		if err != nil {
			return nil, err
		}
		if next != old {
			out = append(append(out, field[last:s[0]]...), next...)
			last = s[1]
		}
	}
	if last == 0 {
		return nil, nil
	}
	return append(out, field[last:]...), nil
}

// spans finds where the addresses of a field are (RFC 5322 section 3.4), from a place on: what stands between "<" and ">", and what stands alone.
// An address with white space or comments within is left out: nobody writes one, and nothing is worse than half of it rewritten.
func spans(b []byte, from int) [][2]int {
	var out [][2]int
	start, end := -1, -1 // of what may be an address alone
	plain := true        // one word, so far
	flush := func() {
		if start >= 0 && plain {
			out = append(out, [2]int{start, end})
		}
		start, end, plain = -1, -1, true
	}
	word := func(i, j int) {
		if start < 0 {
			start = i
		} else if i != end {
			plain = false
		}
		end = j
	}
	for i := from; i < len(b); {
		switch c := b[i]; c {
		case '"':
			j := skipQuoted(b, i)
			word(i, j)
			i = j
		case '(':
			i = skipComment(b, i)
		case '<':
			j := bytes.IndexByte(b[i:], '>')
			if j < 0 {
				return out
			}
			inner := b[i+1 : i+j]
			if k := bytes.LastIndexByte(inner, ':'); k >= 0 && inner[0] == '@' { // a source route
				i, inner = i+k+1, inner[k+1:]
				j -= k + 1
			}
			if len(inner) > 0 && !bytes.ContainsAny(inner, " \t\r\n(") {
				out = append(out, [2]int{i + 1, i + 1 + len(inner)})
			}
			start, end, plain = i, i, false // what follows it up to the comma is no address
			i += j + 1
		case ',', ';':
			flush()
			i++
		case ':':
			start, end, plain = -1, -1, true // a group's name
			i++
		case ' ', '\t', '\r', '\n':
			i++
		case '[':
			j := bytes.IndexByte(b[i:], ']')
			if j < 0 {
				return out
			}
			word(i, i+j+1)
			i += j + 1
		case '\\':
			j := min(i+2, len(b))
			word(i, j)
			i = j
		default:
			word(i, i+1)
			i++
		}
	}
	flush()
	return out
}

// skipQuoted and skipComment return where a quoted string or comment ends that begins at i.
func skipQuoted(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func skipComment(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}
