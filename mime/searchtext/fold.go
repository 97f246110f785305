package searchtext

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns s as texts are compared: without regard to letter case, accents and the ways in which one character can be
// composed, with letters that are variants of others as those (đ is d, ß is ss), and every run of white space one
// space. It goes further than i;unicode-casemap (RFC 5051): what matches there matches here.
func Fold(s string) []byte {
	f := folder{max: len(s)*maxGrowth + 1}
	f.WriteString(s)
	f.end()
	return f.out
}

// maxGrowth is how many times longer a text can become by folding: U+FDFA, three octets, is eighteen Arabic letters.
const maxGrowth = 12

// folder folds a stream of UTF-8. What it has is in out, to which others may add between two texts.
type folder struct {
	out   []byte
	max   int  // out grows to this length and no further
	space bool // the last that was written was white space

	held  []byte // the end of what was written, which may combine with what comes next
	cache [1024]foldedRune
}

// foldedRune is what one rune folds to.
type foldedRune struct {
	r     rune
	n     uint8
	alone bool // it never combines with what stands before it
	b     [10]byte
}

// maxHeld bounds what is held back; no text that is language has so many characters that all combine.
const maxHeld = 1 << 10

// full reports whether nothing more is taken.
func (f *folder) full() bool { return len(f.out) >= f.max }

// Write takes UTF-8, which may be cut anywhere. It never fails.
func (f *folder) Write(p []byte) (int, error) {
	n := len(p)
	if len(f.held) > 0 {
		i := 0
		for i < len(p) && p[i] >= utf8.RuneSelf {
			i++
		}
		f.held = append(f.held, p[:i]...)
		if p = p[i:]; len(p) == 0 {
			f.hold(f.held)
			return n, nil
		}
		f.run(f.held)
		f.held = f.held[:0]
	}
	for len(p) > 0 && !f.full() {
		i := 0
		if p[0] < utf8.RuneSelf {
			i = f.ascii(p)
		}
		j := i
		for j < len(p) && p[j] >= utf8.RuneSelf {
			j++
		}
		if j == len(p) {
			f.hold(p[i:])
			break
		}
		f.run(p[i:j])
		p = p[j:]
	}
	return n, nil
}

// WriteString is Write.
func (f *folder) WriteString(s string) { f.Write([]byte(s)) }

// end writes what is held back: the text ends here.
func (f *folder) end() {
	f.run(f.held)
	f.held = f.held[:0]
}

// separate ends a text and puts a mark behind it that no query holds, so that nothing matches across it.
func (f *folder) separate() {
	f.end()
	f.out = append(f.out, '\n')
	f.space = false
}

// hold keeps the end of b, characters beyond ASCII, that more may combine with, and writes the rest. What is ignored goes
// first: it may stand between characters that combine.
func (f *folder) hold(b []byte) {
	b = withoutIgnored(b)
	whole := len(b) // without a character of which only the beginning has come
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if utf8.RuneStart(b[len(b)-back]) {
			if !utf8.FullRune(b[len(b)-back:]) {
				whole -= back
			}
			break
		}
	}
	cut := max(norm.NFKC.LastBoundary(b[:whole]), 0)
	if whole-cut > maxHeld {
		cut = whole
	}
	f.run(b[:cut])
	f.held = append(f.held[:0], b[cut:]...)
}

// withoutIgnored returns b without the characters that are ignored; b itself when there are none. Where some are, octets that
// are no UTF-8 become U+FFFD, lest what stood on both sides of an ignored character joins into another.
func withoutIgnored(b []byte) []byte {
	clean := true
	for i := 0; i < len(b) && clean; {
		r, n := utf8.DecodeRune(b[i:])
		clean = !ignored(r)
		i += n
	}
	if clean {
		return b
	}
	out := make([]byte, 0, len(b)+8)
	for i := 0; i < len(b); {
		if !utf8.FullRune(b[i:]) {
			return append(out, b[i:]...)
		}
		r, n := utf8.DecodeRune(b[i:])
		if i += n; !ignored(r) {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// ascii folds the ASCII that p begins with and returns how much that is.
func (f *folder) ascii(p []byte) int {
	p = p[:min(len(p), f.max-len(f.out))]
	f.out = slices.Grow(f.out, len(p))
	out, n, space := f.out[len(f.out):len(f.out)+len(p)], 0, f.space
	i := 0
	for ; i < len(p) && p[i] < utf8.RuneSelf; i++ {
		d := asciiFold[p[i]]
		out[n] = d
		if d != ' ' {
			space = false
			n++
		} else if !space {
			space = true
			n++
		}
	}
	f.out, f.space = f.out[:len(f.out)+n], space
	return i
}

// run folds characters beyond ASCII. No mark that ASCII combines with outlives folding, so that what stands before and after
// doesn't matter.
func (f *folder) run(b []byte) {
	if len(b) == 0 || f.full() {
		return
	}
	mark, space := len(f.out), f.space
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		i += n
		c := &f.cache[uint32(r)%uint32(len(f.cache))]
		if c.r != r {
			c.fill(r)
		}
		if !c.alone || c.n > uint8(len(c.b)) {
			// Something combines with what stands before it: compose first.
			f.out, f.space = f.out[:mark], space
			f.emit(compose(b))
			return
		}
		if c.n == 1 && c.b[0] != ' ' {
			f.out, f.space = append(f.out, c.b[0]), false
			continue
		}
		f.put(c.b[:c.n])
		if f.full() {
			return
		}
	}
}

// put writes what is folded but for white space.
func (f *folder) put(b []byte) {
	if len(b) == 1 && b[0] == ' ' {
		if !f.space {
			f.out, f.space = append(f.out, ' '), true
		}
		return
	}
	if len(b) > 0 {
		f.out, f.space = append(f.out, b...), false
	}
}

// emit folds what is composed.
func (f *folder) emit(b []byte) {
	var buf [16]byte
	for len(b) > 0 && !f.full() {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		f.put(appendFolded(buf[:0], r))
	}
}

func (c *foldedRune) fill(r rune) {
	raw := utf8.AppendRune(nil, r)
	c.r, c.n = r, uint8(len(c.b)+1)
	p := norm.NFKC.Properties(raw)
	c.alone = ignored(r) || p.BoundaryBefore()
	var out []byte
	for _, q := range string(compose(raw)) {
		out = appendFolded(out, q)
	}
	if len(out) > 1 && bytes.IndexByte(out, ' ') >= 0 {
		c.alone = false // white space beside others is emit's work
	}
	if len(out) <= len(c.b) {
		c.n = uint8(copy(c.b[:], out))
	}
}

// compose returns b in normalisation form KC, without what is ignored.
func compose(b []byte) []byte {
	if !utf8.Valid(b) { // norm leaves what stands behind an invalid octet as it is
		valid := make([]byte, 0, len(b)+8)
		for _, r := range string(b) {
			valid = utf8.AppendRune(valid, r)
		}
		b = valid
	}
	d := norm.NFKD.Bytes(b)
	kept := d[:0:0]
	for len(d) > 0 {
		r, n := utf8.DecodeRune(d)
		if !ignored(r) {
			kept = utf8.AppendRune(kept, r)
		}
		d = d[n:]
	}
	return norm.NFC.Bytes(kept)
}

// appendFolded appends what a composed character without accents folds to.
func appendFolded(b []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return append(b, asciiFold[r])
	}
	if unicode.IsSpace(r) {
		return append(b, ' ')
	}
	r = unicode.ToLower(unicode.ToUpper(r)) // both, for the letters with two small forms, such as ς
	if s := variant(r); s != "" {
		return append(b, s...)
	}
	return utf8.AppendRune(b, r)
}
