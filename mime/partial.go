package mime

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// ErrPartials says that fragments don't make one message: one is missing or there twice, or they don't belong together.
var ErrPartials = errors.New("mime: fragments of message/partial don't make a message")

// Partial is what a message/partial says of itself (RFC 2046 section 5.2.2).
type Partial struct {
	ID     string // the same in all fragments of one message
	Number int    // of this fragment, from 1
	Total  int    // fragments; 0 when this one doesn't say, which only the last must
}

// maxPartials is how many fragments one message may have.
const maxPartials = 10_000

// Partial reads the parameters of message/partial. ok is false for other types and when id or number is missing.
func (c *ContentType) Partial() (p Partial, ok bool) { return partialOf(c.Type, c.Subtype, c.Params) }

// Partial reads the parameters of message/partial, as [ContentType.Partial] does.
func (p *Part) Partial() (Partial, bool) { return partialOf(p.Type, p.Subtype, p.Params) }

func partialOf(typ, subtype string, params []Param) (p Partial, ok bool) {
	if typ != "message" || subtype != "partial" {
		return p, false
	}
	number := func(name string) int {
		n, err := strconv.Atoi(findParam(params, name))
		if err != nil || n < 0 || n > maxPartials {
			return 0
		}
		return n
	}
	p = Partial{ID: findParam(params, "id"), Number: number("number"), Total: number("total")}
	return p, p.ID != "" && p.Number > 0
}

// Fragment is a message of type message/partial.
type Fragment struct {
	R     io.ReaderAt // the message
	Index *Index      // of it
}

// JoinPartials puts the fragments of a message together, in whatever order they are given. The header is made as RFC 2046 section
// 5.2.2.1 says: all fields of the first fragment's own header but Content-*, Subject, Message-ID, Encrypted and MIME-Version, then
// those of the message in it. Memory is bounded by lim's HeaderBytes; the fragments are read as the result is. The error is ErrPartials
// or a reader's.
func JoinPartials(fragments []Fragment, lim *Limits) (io.Reader, error) {
	ordered, err := orderPartials(fragments)
	if err != nil {
		return nil, err
	}
	l := lim.withDefaults()
	first := ordered[0]
	outer, err := readHeaderAt(first.R, first.Index.Root.Header, &l)
	if err != nil {
		return nil, err
	}
	body := first.Index.Root.Body
	s := newScanner(io.NewSectionReader(first.R, body.Offset, body.Size), 4096)
	raw, _, long := s.header(nil, l.HeaderBytes)
	switch {
	case s.err != nil:
		return nil, s.err
	case long:
		return nil, ErrPartials
	}
	inner := ParseHeader(raw, &l)
	var head []byte
	for f := range outer.All() {
		if f.IsField() && !fromInside(f) {
			head = append(head, f.Raw()...)
		}
	}
	for f := range inner.All() {
		if f.IsField() && fromInside(f) {
			head = append(head, f.Raw()...)
		}
	}
	if !bytes.HasSuffix(head, []byte("\n")) && len(head) > 0 {
		head = append(head, "\r\n"...)
	}
	readers := []io.Reader{bytes.NewReader(append(head, "\r\n"...)), io.NewSectionReader(first.R, body.Offset+s.off, body.Size-s.off)}
	for _, f := range ordered[1:] {
		b := f.Index.Root.Body
		readers = append(readers, io.NewSectionReader(f.R, b.Offset, b.Size))
	}
	return io.MultiReader(readers...), nil
}

// orderPartials sorts fragments by their numbers and checks that all are there.
func orderPartials(fragments []Fragment) ([]Fragment, error) {
	if len(fragments) == 0 || len(fragments) > maxPartials {
		return nil, ErrPartials
	}
	ordered := make([]Fragment, len(fragments))
	id, total := "", 0
	for i, f := range fragments {
		p, ok := f.Index.Root.Partial()
		if !ok || i > 0 && p.ID != id || p.Number > len(fragments) || ordered[p.Number-1].Index != nil {
			return nil, ErrPartials
		}
		if p.Total > 0 {
			total = p.Total
		}
		id = p.ID
		ordered[p.Number-1] = f
	}
	if total != len(fragments) {
		return nil, ErrPartials
	}
	return ordered, nil
}

// fromInside reports whether a field comes from the enclosed message.
func fromInside(f *Field) bool {
	return f.Is("Subject") || f.Is("Message-ID") || f.Is("Encrypted") || f.Is("MIME-Version") ||
		f.name > 8 && equalFold(f.raw[:8], "content-")
}

// readHeaderAt reads a header of a message, cut at Limits.HeaderBytes.
func readHeaderAt(r io.ReaderAt, at Span, lim *Limits) (*Header, error) {
	raw := make([]byte, min(at.Size, int64(lim.HeaderBytes)))
	if n, err := r.ReadAt(raw, at.Offset); n < len(raw) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return ParseHeader(raw, lim), nil
}
