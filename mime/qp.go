package mime

import (
	"bytes"
	"io"
)

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

// appendQPLine decodes one line with its line end (RFC 2045 section 6.7). Blanks at its end "must be deleted […], as it
// will necessarily have been added by intermediate transport agents" (rule 3). An "=" that begins nothing is kept as it
// is.
func appendQPLine(dst, line []byte) []byte {
	end := len(line)
	if end > 0 && line[end-1] == '\n' {
		if end--; end > 0 && line[end-1] == '\r' {
			end--
		}
	}
	eol := line[end:]
	for end > 0 && (line[end-1] == ' ' || line[end-1] == '\t') {
		end--
	}
	text := line[:end]
	if end > 0 && text[end-1] == '=' {
		text, eol = text[:end-1], nil // a soft line break
	}
	return append(appendQPText(dst, text), eol...)
}

// appendQPText decodes text within a line.
func appendQPText(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '=')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		for len(text) > 2 && text[0] == '=' { // escapes come in runs
			hi, lo := hexValue[text[1]], hexValue[text[2]]
			if hi|lo > 15 {
				break
			}
			dst = append(dst, hi<<4|lo)
			text = text[3:]
		}
		if len(text) > 0 && text[0] == '=' && (len(text) < 3 || hexValue[text[1]]|hexValue[text[2]] > 15) {
			dst = append(dst, '=')
			text = text[1:]
		}
	}
}

// NewQuotedPrintableReader decodes quoted-printable (RFC 2045 section 6.7) by lines. Damage is no error: what isn't an
// escape stands for itself.
func NewQuotedPrintableReader(r io.Reader) io.Reader {
	return &qpReader{r: r}
}

type qpReader struct {
	r     io.Reader
	in    []byte
	have  int // octets in in
	out   []byte
	ready []byte
	err   error
}

const transferWindow = 16 << 10

func (q *qpReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(q.ready) == 0 {
		if q.err != nil {
			return 0, q.err
		}
		q.fill()
	}
	n := copy(p, q.ready)
	q.ready = q.ready[n:]
	return n, nil
}

// fill decodes the whole lines that a read brings. A line longer than the window is decoded in pieces.
func (q *qpReader) fill() {
	if q.in == nil {
		q.in = make([]byte, transferWindow)
	}
	n, err := q.r.Read(q.in[q.have:])
	q.have += n
	q.err = err
	b := q.in[:q.have]
	q.out = q.out[:0]
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		q.out = appendQPLine(q.out, b[:i+1])
		b = b[i+1:]
	}
	switch {
	case err != nil:
		q.out = appendQPLine(q.out, b)
		b = nil
	case len(b) == len(q.in):
		keep := len(bytes.TrimRight(b, " \t\r"))
		if keep == 0 { // nothing but blanks: they are at no line's end that we could see
			keep = len(b) - 1
		}
		if i := bytes.LastIndexByte(b[:keep], '='); i >= keep-3 && i > 0 {
			keep = i
		}
		q.out = appendQPText(q.out, b[:keep])
		b = b[keep:]
	}
	q.have = copy(q.in, b)
	q.ready = q.out
}
