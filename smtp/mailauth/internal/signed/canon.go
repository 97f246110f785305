package signed

import (
	"bytes"
	"io"
)

// Canon is a canonical form (RFC 6376 section 3.4).
type Canon uint8

// The forms.
const (
	Simple Canon = iota
	Relaxed
)

// String writes the form as c= does.
func (c Canon) String() string {
	if c == Relaxed {
		return "relaxed"
	}
	return "simple"
}

// AppendField appends the canonical form of a field, with its CRLF (RFC 6376 sections 3.4.1 and 3.4.2).
func (c Canon) AppendField(b []byte, f Field) []byte {
	if c == Simple {
		return append(b, f...)
	}
	name, value, _ := bytes.Cut(f, []byte(":"))
	for _, ch := range bytes.TrimRight(name, " \t") {
		b = append(b, lower(ch))
	}
	b = append(b, ':')
	space, start := false, len(b)
	for _, ch := range value {
		switch ch {
		case '\r', '\n': // unfolding takes the line ends away
		case ' ', '\t':
			space = true
		default:
			if space && len(b) > start {
				b = append(b, ' ')
			}
			space = false
			b = append(b, ch)
		}
	}
	return append(b, '\r', '\n')
}

// body writes the canonical form of a body to w as it comes (RFC 6376 sections 3.4.3 and 3.4.4). Empty lines are held back
// until a line follows that isn't.
type body struct {
	w     io.Writer
	canon Canon
	out   []byte
	empty int  // CRLFs held back
	cr    bool // a CR came, and what follows decides what it is
	space bool // relaxed: white space held back
	any   bool // something was written
}

var crlfs = bytes.Repeat([]byte("\r\n"), 256)

const flushAt = 8 << 10

func (b *body) flush() {
	if len(b.out) > 0 {
		b.w.Write(b.out)
		b.out = b.out[:0]
	}
}

// release writes the line ends, and the space, that came before something visible.
func (b *body) release() {
	for b.empty > 0 {
		n := min(b.empty, len(crlfs)/2)
		b.out = append(b.out, crlfs[:2*n]...)
		b.empty -= n
		if len(b.out) >= flushAt {
			b.flush()
		}
	}
	if b.space {
		b.out = append(b.out, ' ')
		b.space = false
	}
	b.any = true
}

// stop tells where a run of octets that stand for themselves may end.
var stop = [256]bool{'\r': true, ' ': true, '\t': true}

// run returns how many octets of p stand for themselves in the relaxed form: a single space between two others does.
func run(p []byte) int {
	i := 0
	for {
		for i < len(p) && !stop[p[i]] {
			i++
		}
		if i == 0 || i+1 >= len(p) || p[i] != ' ' || stop[p[i+1]] {
			return i
		}
		i++
	}
}

func (b *body) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if b.cr {
			b.cr = false
			if p[0] == '\n' {
				b.empty++
				b.space = false
				p = p[1:]
				continue
			}
			b.release()
			b.out = append(b.out, '\r') // a bare CR is an octet as any other
		}
		i := 0
		if b.canon == Simple {
			if i = bytes.IndexByte(p, '\r'); i < 0 {
				i = len(p)
			}
		} else {
			i = run(p)
		}
		if i > 0 {
			b.release()
			if i >= flushAt/4 { // long enough to go without a copy
				b.flush()
				b.w.Write(p[:i])
			} else if b.out = append(b.out, p[:i]...); len(b.out) >= flushAt {
				b.flush()
			}
			p = p[i:]
			continue
		}
		if p[0] == '\r' {
			b.cr = true
		} else {
			b.space = true
		}
		p = p[1:]
	}
	return n, nil
}

// finish writes what is held back: a last line without line end gets one, an empty body is CRLF in the simple form and
// nothing in the relaxed one.
func (b *body) finish() {
	if b.cr {
		b.cr = false
		b.release()
		b.out = append(b.out, '\r')
	}
	if b.any || b.canon == Simple {
		b.out = append(b.out, '\r', '\n')
	}
	b.flush()
}
