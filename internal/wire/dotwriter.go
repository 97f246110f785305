package wire

import "io"

// DotWriter writes a dot-stuffed block: a line that begins with a dot gets another, and Close ends the block with a line
// that is a single dot (RFC 5321 section 4.5.2). What it writes has no line end but CRLF: a bare LF becomes CRLF and a
// bare CR a space, so that no receiver can see an end of the message where there is none. It makes many small writes to
// w when many lines begin with a dot; give it a buffered one.
type DotWriter struct {
	w   io.Writer
	bol bool // at the beginning of a line
	cr  bool // a CR has come whose fate the next byte decides
	err error

	block int
}

// NewDotWriter returns a writer of one block to w.
func NewDotWriter(w io.Writer) *DotWriter {
	d := new(DotWriter)
	d.Reset(w)
	return d
}

// Reset makes d write another block, as NewDotWriter does.
func (d *DotWriter) Reset(w io.Writer) { *d = DotWriter{w: w, bol: true} }

var (
	dotBytes   = []byte{'.'}
	crlfBytes  = []byte("\r\n")
	spaceBytes = []byte{' '}
	endBytes   = []byte(".\r\n")
)

// Write implements [io.Writer].
func (d *DotWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 && d.err == nil {
		if d.cr {
			d.cr = false
			if p[0] == '\n' {
				d.put(crlfBytes)
				d.bol = true
				p = p[1:]
				continue
			}
			d.put(spaceBytes)
			d.bol = false
		}
		if d.bol && p[0] == '.' {
			d.put(dotBytes)
		}
		n := cleanRun(p, &d.block)
		if n > 0 {
			d.put(p[:n])
			d.bol = p[n-1] == '\n'
			p = p[n:]
			continue
		}
		if p[0] == '\r' {
			d.cr = true
		} else {
			d.put(crlfBytes)
			d.bol = true
		}
		p = p[1:]
	}
	if d.err != nil {
		return total - len(p), d.err
	}
	return total, nil
}

func (d *DotWriter) put(p []byte) {
	if d.err == nil {
		_, d.err = d.w.Write(p)
	}
}

// Close ends the block. A last line without an end gets one. The writer below is neither closed nor flushed.
func (d *DotWriter) Close() error {
	if d.cr {
		d.put(crlfBytes)
		d.cr, d.bol = false, true
	}
	if !d.bol {
		d.put(crlfBytes)
	}
	d.put(endBytes)
	return d.err
}
