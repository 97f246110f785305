package mime

import "bytes"

// decodeQPBlock decodes a text in quoted-printable that is held whole.
func decodeQPBlock(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := lineLength(b)
		out = appendQPLine(out, b[:n])
		b = b[n:]
	}
	return out
}

// appendQPLine decodes one line with its line end (RFC 2045 section 6.7). Blanks at its end "must be deleted […], as it will necessarily
// have been added by intermediate transport agents" (rule 3). An "=" that begins nothing is kept as it is.
func appendQPLine(dst, line []byte) []byte {
	end := len(line)
	if end > 0 && line[end-1] == '\n' {
		if end--; end > 0 && line[end-1] == '\r' {
			end--
		}
	}
	eol := line[end:]
	text := bytes.TrimRight(line[:end], " \t")
	if n := len(text); n > 0 && text[n-1] == '=' {
		text, eol = text[:n-1], nil // a soft line break
	}
	for {
		i := bytes.IndexByte(text, '=')
		if i < 0 {
			break
		}
		dst = append(dst, text[:i]...)
		if i+2 < len(text) {
			if hi, lo := unhex(text[i+1]), unhex(text[i+2]); hi|lo < 16 {
				dst = append(dst, hi<<4|lo)
				text = text[i+3:]
				continue
			}
		}
		dst = append(dst, '=')
		text = text[i+1:]
	}
	dst = append(dst, text...)
	return append(dst, eol...)
}
