package signed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"strings"
)

// Bodies are the hashes of one body, made while it is read once: signatures that want the same one share it.
type Bodies struct {
	forms [2]*form
}

type form struct {
	body   body
	hash   hash.Hash // of the whole body
	size   int64     // octets of the canonical body
	pieces []*BodyHash
}

// BodyHash is the hash that one signature has asked for.
type BodyHash struct {
	form *form
	l    int64     // -1: all
	hash hash.Hash // for l
	sum  []byte
}

// Add asks for the SHA-256 of the body in a canonical form, of its first l octets where l >= 0. Call it before Write.
func (b *Bodies) Add(c Canon, l int64) *BodyHash {
	f := b.forms[c]
	if f == nil {
		f = &form{}
		f.body.canon, f.body.w = c, f
		b.forms[c] = f
	}
	for _, p := range f.pieces {
		if p.l == l {
			return p
		}
	}
	p := &BodyHash{form: f, l: l}
	if l >= 0 {
		p.hash = sha256.New()
	} else if f.hash == nil {
		f.hash = sha256.New()
	}
	f.pieces = append(f.pieces, p)
	return p
}

// Write takes a piece of the body. It never fails.
func (b *Bodies) Write(p []byte) (int, error) {
	for _, f := range b.forms {
		if f != nil {
			f.body.Write(p)
		}
	}
	return len(p), nil
}

// ReadFrom reads a body to its end, and finishes the hashes. Without anybody who has asked for one nothing is read.
func (b *Bodies) ReadFrom(r io.Reader) (int64, error) {
	if b.forms[Simple] == nil && b.forms[Relaxed] == nil {
		return 0, nil
	}
	buf := make([]byte, 16<<10)
	var n int64
	for {
		m, err := r.Read(buf)
		b.Write(buf[:m])
		n += int64(m)
		if err == io.EOF {
			b.Finish()
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// Read reads a message: begin is told the header, and asks for the body hashes that it wants, and then the body is read as far as they need it; rest is what
// is left of it. The error is that of reading, or ErrHeaderTooLarge where the header has more than limit octets.
func Read(message io.Reader, limit int, begin func(h Header, bodies *Bodies)) (rest io.Reader, err error) {
	r := bufio.NewReader(message)
	h, err := ReadHeader(r, limit)
	if err != nil {
		return nil, err
	}
	var bodies Bodies
	begin(h, &bodies)
	_, err = bodies.ReadFrom(r)
	return r, err
}

// Finish says that the body is over.
func (b *Bodies) Finish() {
	for _, f := range b.forms {
		if f == nil {
			continue
		}
		f.body.finish()
		for _, p := range f.pieces {
			if p.l >= 0 {
				p.sum = p.hash.Sum(nil)
			} else {
				p.sum = f.hash.Sum(nil)
			}
		}
	}
}

// Write takes canonical octets.
func (f *form) Write(p []byte) (int, error) {
	if f.hash != nil {
		f.hash.Write(p)
	}
	for _, b := range f.pieces {
		if b.l > f.size {
			b.hash.Write(p[:min(int64(len(p)), b.l-f.size)])
		}
	}
	f.size += int64(len(p))
	return len(p), nil
}

// Sum returns the hash, after Finish.
func (h *BodyHash) Sum() []byte { return h.sum }

// Size returns the octets of the whole body in the canonical form.
func (h *BodyHash) Size() int64 { return h.form.size }

// HeaderHash returns the SHA-256 of the fields named in h= and of the signature field itself, its b= empty and without the
// last CRLF (RFC 6376 section 3.7). A name that comes again stands for the next instance upwards; one that is no longer
// there for nothing (section 5.4.2). signature is left out of what names can stand for.
func HeaderHash(h Header, names []string, c Canon, signature Field, skip int) []byte {
	sum := sha256.New()
	var buf []byte
	places := make(map[string][]int, len(names)) // where the fields of each name are: one pass, however many names there are
	for _, n := range names {
		places[strings.ToLower(n)] = nil
	}
	var low []byte
	for i, f := range h {
		name, _, ok := bytes.Cut(f, []byte(":"))
		if !ok || i == skip {
			continue
		}
		low = low[:0]
		for _, ch := range bytes.TrimRight(name, " \t") {
			low = append(low, lower(ch))
		}
		if at, ok := places[string(low)]; ok {
			places[string(low)] = append(at, i)
		}
	}
	for _, n := range names {
		n = strings.ToLower(n)
		if at := places[n]; len(at) > 0 {
			buf = c.AppendField(buf[:0], h[at[len(at)-1]])
			sum.Write(buf)
			places[n] = at[:len(at)-1]
		}
	}
	buf = c.AppendField(buf[:0], signature.WithoutB())
	sum.Write(TrimCRLF(buf))
	return sum.Sum(nil)
}

// TrimCRLF takes one line end away.
func TrimCRLF(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	return b
}
