package mailhtml

import "strings"

func oneOf(v string, list ...string) (string, bool) {
	v = strings.ToLower(strings.TrimSpace(v))
	for _, l := range list {
		if v == l {
			return v, true
		}
	}
	return "", false
}

// plain is whether v is short and holds only ASCII letters, digits and the octets in others.
func plain(v, others string) bool {
	for i := 0; i < len(v); i++ {
		if !isAlpha(v[i]) && !isDigit(v[i]) && strings.IndexByte(others, v[i]) < 0 {
			return false
		}
	}
	return v != "" && len(v) <= 100
}

// dimension reads a number with an optional unit, which HTML reads leniently: "100", "50%", "20px".
func dimension(v string) (string, bool) {
	v = strings.TrimSpace(v)
	n := 0
	for n < len(v) && (isDigit(v[n]) || v[n] == '.' && n > 0 || v[n] == '-' && n == 0) {
		n++
	}
	if n == 0 || n > 8 {
		return "", false
	}
	if n < len(v) && v[n] == '%' {
		n++
	}
	return v[:n], true
}

// prefixed puts the prefix before each class.
func (b *builder) prefixed(v string) (string, bool) {
	var out strings.Builder
	for w := range strings.FieldsSeq(v) {
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		if !strings.HasPrefix(w, b.prefix) {
			out.WriteString(b.prefix)
		}
		out.WriteString(w)
	}
	return out.String(), out.Len() > 0
}

func (b *builder) prefixedID(v string) (string, bool) {
	v = strings.TrimSpace(v)
	if v == "" || strings.ContainsAny(v, " \t\n\r\f") {
		return "", false
	}
	if !strings.HasPrefix(v, b.prefix) {
		v = b.prefix + v
	}
	return v, true
}
