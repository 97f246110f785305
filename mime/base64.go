package mime

import (
	"encoding/base64"
	"io"
)

// NewBase64Reader decodes base64 (RFC 2045 section 6.8) in blocks. "Any characters outside of the base64 alphabet are
// to be ignored"; padding ends one encoding, and another may follow. Missing padding is no error. After padding anything but
// letters and line ends is text that a list or a scanner put there, and ends the content.
func NewBase64Reader(r io.Reader) io.Reader { return &base64Reader{r: r} }

type base64Reader struct {
	r     io.Reader
	in    []byte
	out   []byte
	ready []byte
	acc   uint32 // letters that don't make up three octets yet
	bits  int
	err   error

	padded bool // there was padding
	over   bool // what follows is no content
}

func (d *base64Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.ready) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		if d.in == nil {
			d.in = make([]byte, transferWindow)
			d.out = make([]byte, 0, transferWindow/4*3+16)
		}
		n, err := d.r.Read(d.in)
		d.err = err
		d.ready = d.decode(d.out[:0], d.in[:n])
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

// decode appends what b stands for to dst, which has room.
func (d *base64Reader) decode(dst, b []byte) []byte {
	out := dst[:cap(dst)]
	n := len(dst)
	for len(b) > 0 && !d.over {
		if d.bits == 0 { // four letters at a time as long as nothing else comes
			for len(b) >= 8 && n+6 <= len(out) {
				v0, v1, v2, v3 := base64Value[b[0]], base64Value[b[1]], base64Value[b[2]], base64Value[b[3]]
				v4, v5, v6, v7 := base64Value[b[4]], base64Value[b[5]], base64Value[b[6]], base64Value[b[7]]
				if v0|v1|v2|v3|v4|v5|v6|v7 > 63 {
					break
				}
				o := out[n : n+6 : n+6]
				o[0], o[1], o[2] = v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3
				o[3], o[4], o[5] = v4<<2|v5>>4, v5<<4|v6>>2, v6<<6|v7
				n += 6
				b = b[8:]
			}
			if len(b) == 0 {
				break
			}
		}
		c := b[0]
		b = b[1:]
		v := base64Value[c]
		if v > 63 {
			if c == '=' {
				d.acc, d.bits, d.padded = 0, 0, true
			} else if d.padded && c != '\r' && c != '\n' && c != '\t' {
				d.over = true
			}
			continue
		}
		d.acc = d.acc<<6 | uint32(v)
		if d.bits += 6; d.bits >= 8 {
			d.bits -= 8
			out[n] = byte(d.acc >> d.bits)
			n++
		}
	}
	return out[:n]
}

// NewBase64Writer encodes base64 in lines of 76 letters. Close writes the last line with its line end; it doesn't close w.
func NewBase64Writer(w io.Writer) io.WriteCloser { return &base64Writer{w: w} }

type base64Writer struct {
	w    io.Writer
	held [57]byte
	n    int
	out  []byte
}

func (e *base64Writer) Write(p []byte) (int, error) {
	total := len(p)
	e.out = e.out[:0]
	for len(p) > 0 {
		if e.n == 0 && len(p) >= len(e.held) {
			e.line(p[:len(e.held)])
			p = p[len(e.held):]
		} else {
			k := copy(e.held[e.n:], p)
			p = p[k:]
			if e.n += k; e.n == len(e.held) {
				e.line(e.held[:])
				e.n = 0
			}
		}
		if len(e.out) >= transferWindow {
			if err := e.flush(); err != nil {
				return 0, err
			}
		}
	}
	return total, e.flush()
}

func (e *base64Writer) line(b []byte) {
	e.out = append(base64.StdEncoding.AppendEncode(e.out, b), "\r\n"...)
}

func (e *base64Writer) flush() error {
	if len(e.out) == 0 {
		return nil
	}
	_, err := e.w.Write(e.out)
	e.out = e.out[:0]
	return err
}

func (e *base64Writer) Close() error {
	if e.n > 0 {
		e.line(e.held[:e.n])
		e.n = 0
	}
	return e.flush()
}
