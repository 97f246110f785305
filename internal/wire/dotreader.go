package wire

import "io"

// BareEnds says what a [DotReader] does with a CR or LF that isn't part of CRLF. None of them ever ends the block or
// begins a line: only CRLF does (RFC 5321 section 2.3.8 and 4.1.1.4), which is what keeps two servers from seeing two
// different ends of one message.
type BareEnds int

const (
	// RejectBare reads the block to its end and then reports ErrBareLF or ErrBareCR.
	RejectBare BareEnds = iota
	// NormalizeBare makes a bare LF a CRLF and a bare CR a space.
	NormalizeBare
	// KeepBare passes both on as they are.
	KeepBare
)

// DotReader reads one dot-stuffed block (RFC 5321 section 4.5.2, RFC 1939 section 3): it takes the leading dot off
// lines that have one and returns io.EOF behind the line that is a single dot. The lines keep their CRLF. A stream that
// ends within the block is io.ErrUnexpectedEOF. Errors of the block's content come only when all of it has been read, so
// that the conversation can go on behind it.
type DotReader struct {
	r       *Reader
	bare    BareEnds
	bol     bool // the next byte begins a line
	cr      bool // the byte before was the CR of a CRLF whose LF comes next
	pending byte // to be given out first, 0 for none
	block   int  // of cleanRun
	err     error
	drain   error // what will be reported when the block has been read
}

// NewDotReader returns a reader of the block that begins at r's next byte.
func NewDotReader(r *Reader, bare BareEnds) *DotReader {
	d := new(DotReader)
	d.Reset(r, bare)
	return d
}

// Reset makes d read another block, as NewDotReader does.
func (d *DotReader) Reset(r *Reader, bare BareEnds) { *d = DotReader{r: r, bare: bare, bol: true} }

// Done reports whether the block has been read to its end.
func (d *DotReader) Done() bool { return d.err == io.EOF || d.err != nil && d.err == d.drain }

// Read implements [io.Reader].
func (d *DotReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if n := d.fill(p); n > 0 {
			return n, nil
		}
		if d.err != nil {
			return 0, d.err
		}
	}
}

// fill moves what there is to p. Where a block is full of bare CRs and LFs that comes in pieces of an octet: they are put together
// as long as more is buffered, so that such a block costs its reader no call for each.
func (d *DotReader) fill(p []byte) (n int) {
	for n < len(p) && d.err == nil {
		if d.pending != 0 {
			p[n], d.pending = d.pending, 0
			n++
			continue
		}
		m := d.step(p[n:])
		if !d.bol && !d.cr && d.pending == 0 {
			m += d.few(p[n+m:])
		}
		if d.drain == nil {
			n += m
		}
		if n > 0 && d.pending == 0 && d.r.end-d.r.start < len(".\r\n") {
			break // more might have to be waited for
		}
	}
	return n
}

// few moves to p the octets up to the next CR or LF when it is near: where one was bare, the next often is, and a search that looks at
// many octets at once begins anew for each.
func (d *DotReader) few(p []byte) (n int) {
	r := d.r
	for w := r.buf[r.start:r.end]; n < min(len(p), len(w), 16) && w[n] != '\r' && w[n] != '\n'; n++ {
		p[n] = w[n]
	}
	r.start += n
	return n
}

// WriteTo writes what remains of the block to w, without a copy in between.
func (d *DotReader) WriteTo(w io.Writer) (total int64, err error) {
	var buf []byte // for what is not given out from the reader's
	for d.err == nil {
		var p []byte
		if d.pending == 0 {
			if !d.ahead() {
				continue
			}
			r := d.r
			p = r.buf[r.start : r.start+d.run(r.buf[r.start:r.end])]
			r.start += len(p)
		}
		if len(p) == 0 {
			if buf == nil {
				buf = make([]byte, 512)
			}
			p = buf[:d.fill(buf)]
		}
		if len(p) == 0 || d.drain != nil {
			continue
		}
		n, err := w.Write(p)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	if d.err != io.EOF {
		err = d.err
	}
	return total, err
}

// ahead makes sure that something is buffered that isn't a dot at the beginning of a line. It is false when the state has
// changed instead.
func (d *DotReader) ahead() bool {
	r := d.r
	if r.start == r.end {
		r.grow()
	}
	if d.err = r.need(1); d.err != nil {
		return false
	}
	if d.bol && r.buf[r.start] == '.' {
		d.dot()
		return false
	}
	return true
}

// Drain reads what remains of the block and drops it.
func (d *DotReader) Drain() error {
	_, err := io.Copy(io.Discard, d)
	return err
}

// step moves a run of bytes to p, or changes the state, or sets d.err.
func (d *DotReader) step(p []byte) int {
	if !d.ahead() {
		return 0
	}
	r := d.r
	w := r.buf[r.start:r.end]
	n := d.run(w[:min(len(w), len(p))])
	if n > 0 {
		copy(p, w[:n])
		r.start += n
		return n
	}
	return d.single(p)
}

// dot deals with a dot at the beginning of a line: the end of the block, or a stuffed line.
func (d *DotReader) dot() {
	r := d.r
	if d.err = r.need(2); d.err != nil {
		return
	}
	if r.buf[r.start+1] == '\r' {
		if d.err = r.need(3); d.err != nil {
			return
		}
		if r.buf[r.start+2] == '\n' {
			r.start += 3
			d.err = io.EOF
			if d.drain != nil {
				d.err = d.drain
			}
			return
		}
	}
	r.start++
	d.bol = false
}

// run returns how many bytes from the beginning of w are passed on unchanged, and keeps the line state.
func (d *DotReader) run(w []byte) int {
	if d.cr { // w[0] is the LF of a CRLF
		d.cr, d.bol = false, true
		return 1
	}
	pos := cleanRun(w, &d.block)
	if pos > 0 {
		d.bol = w[pos-1] == '\n'
	}
	return pos
}

// single deals with the CR or LF at the front of the buffer.
func (d *DotReader) single(p []byte) int {
	r := d.r
	c := r.buf[r.start]
	if c == '\r' {
		if d.err = r.need(2); d.err != nil {
			return 0
		}
		if r.buf[r.start+1] == '\n' {
			r.start++
			d.cr = true
			p[0] = '\r'
			return 1
		}
	}
	r.start++
	d.bol = false
	switch {
	case d.bare == KeepBare:
		p[0] = c
	case d.bare == RejectBare && c == '\n':
		d.drain = firstError(d.drain, ErrBareLF)
	case d.bare == RejectBare:
		d.drain = firstError(d.drain, ErrBareCR)
	case c == '\n':
		p[0], d.pending = '\r', '\n'
	default:
		p[0] = ' '
	}
	return 1
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
