package mime

import "io"

// NewQuotedPrintableWriter encodes text as quoted-printable with lines of at most 76 octets (RFC 2045 section 6.7). CRLF and LF are
// line ends and come out as CRLF. Close writes what is held back; it doesn't close w.
func NewQuotedPrintableWriter(w io.Writer) io.WriteCloser { return &qpWriter{w: w} }

type qpWriter struct {
	w    io.Writer
	line []byte // encoded, not yet written
	out  []byte
	cr   bool // a CR awaits its LF
}

const qpLine = 76

func (q *qpWriter) Write(p []byte) (int, error) {
	q.out = q.out[:0]
	for _, c := range p {
		if q.cr {
			q.cr = false
			if c != '\n' {
				q.put('\r', true)
			}
		}
		switch {
		case c == '\r':
			q.cr = true
		case c == '\n':
			q.endLine()
		default:
			q.put(c, c == '=' || c >= 0x7f || c < ' ' && c != '\t')
		}
	}
	if len(q.out) == 0 {
		return len(p), nil
	}
	if _, err := q.w.Write(q.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// put adds one octet to the line. A soft line break comes before an octet that leaves no room for the "=" after it. "From " and a
// dot at a line's beginning are escaped too, since some systems change them (RFC 2049 section 3).
func (q *qpWriter) put(c byte, escape bool) {
	const hex = "0123456789ABCDEF"
	size := 1
	if escape {
		size = 3
	}
	if len(q.line)+size > qpLine-1 {
		q.line = append(q.line, "=\r\n"...)
		q.flushLine()
	}
	if escape || len(q.line) == 0 && c == '.' {
		q.line = append(q.line, '=', hex[c>>4], hex[c&15])
	} else if q.line = append(q.line, c); len(q.line) == 5 && string(q.line) == "From " {
		q.line = append(q.line[:0], "=46rom "...)
	}
}

// endLine ends a line of the text; a blank at its end is escaped.
func (q *qpWriter) endLine() {
	q.escapeBlank()
	q.line = append(q.line, "\r\n"...)
	q.flushLine()
}

func (q *qpWriter) escapeBlank() {
	n := len(q.line)
	if n == 0 || q.line[n-1] != ' ' && q.line[n-1] != '\t' {
		return
	}
	c := q.line[n-1]
	q.line = q.line[:n-1]
	q.put(c, true)
}

func (q *qpWriter) flushLine() {
	q.out = append(q.out, q.line...)
	q.line = q.line[:0]
}

// Close writes the last line, which has no line end if the text had none.
func (q *qpWriter) Close() error {
	q.out = q.out[:0]
	if q.cr {
		q.cr = false
		q.put('\r', true)
	}
	q.escapeBlank()
	q.flushLine()
	_, err := q.w.Write(q.out)
	return err
}
