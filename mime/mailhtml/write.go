package mailhtml

// write writes a start tag and says whether the limits allowed it.
func (b *builder) write(name string, attrs []byte) bool {
	if b.nodes++; b.full || b.nodes > b.lim.Nodes || len(b.out)+len(name)+len(attrs)+2 > b.lim.Output {
		b.full = true
		return false
	}
	b.out = append(append(append(append(b.out, '<'), name...), attrs...), '>')
	return true
}

func (b *builder) writeEnd(name string) {
	b.out = append(append(append(b.out, "</"...), name...), '>')
}

// appendText appends text so that it is read back as text. Control characters, which no HTML may hold, go.
func appendText(dst, t []byte) []byte {
	for _, c := range t {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '\r' || c == '\f':
			dst = append(dst, ' ')
		case dropped(c):
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// dropped reports whether a character has no place in text.
func dropped(c byte) bool {
	return c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' || c == 0x7f
}

// appendAttr appends an attribute.
func appendAttr(dst []byte, key, val string) []byte {
	dst = append(append(append(dst, ' '), key...), `="`...)
	for i := 0; i < len(val); i++ {
		switch c := val[i]; {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '"':
			dst = append(dst, "&#34;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '`':
			dst = append(dst, "&#96;"...) // a quote for old browsers
		case c == '\r' || c == '\f' || c == '\n' || c == '\t':
			dst = append(dst, ' ')
		case c < ' ' || c == 0x7f:
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
