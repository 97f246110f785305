package mime

import (
	"io"
	"iter"
)

// Open returns the part's content out of the message r, its transfer encoding undone. Only what is read of it is read from r. For a
// multipart or message it is the body as it stands.
func (p *Part) Open(r io.ReaderAt) io.Reader {
	raw := io.NewSectionReader(r, p.Body.Offset, p.Body.Size)
	if p.Parts != nil || p.Message != nil {
		return raw
	}
	return DecodeTransfer(p.Encoding, raw)
}

// OpenText returns the content of a text part as UTF-8. other may be nil; see [NewCharsetReader].
func (p *Part) OpenText(r io.ReaderAt, other CharsetReader) io.Reader {
	return NewCharsetReader(p.Param("charset"), p.Open(r), other)
}

// Leaves yields the part's leaves in their order, those of messages inside it too: the part itself when it is one.
func (p *Part) Leaves() iter.Seq[*Part] {
	return func(yield func(*Part) bool) { p.leaves(yield) }
}

func (p *Part) leaves(yield func(*Part) bool) bool {
	if p.Message != nil {
		return p.Message.leaves(yield)
	}
	for _, c := range p.Parts {
		if !c.leaves(yield) {
			return false
		}
	}
	return p.Parts != nil || yield(p)
}
