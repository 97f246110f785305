package mime

import (
	"io"
	"sync"
)

// IndexBuilder builds indexes. The zero value is [BuildIndex]. It may be used by many goroutines at once.
type IndexBuilder struct {
	Limits        *Limits
	CharsetReader CharsetReader // for parameters and previews in charsets that aren't built in
	NoPreview     bool          // leave Index.Preview empty
}

// BuildIndex reads a message of the given size once, from its beginning to its end, and returns its structure. Memory is
// bounded by lim, which may be nil, and not by the message's size. Line ends are CRLF; LF alone is understood too. The error is
// one of r's; damage in the message is listed in the index.
func BuildIndex(r io.ReaderAt, size int64, lim *Limits) (*Index, error) {
	return (&IndexBuilder{Limits: lim}).Build(r, size)
}

// Build reads a message as [BuildIndex] does.
func (b *IndexBuilder) Build(r io.ReaderAt, size int64) (*Index, error) {
	window := scanWindow
	if size < scanWindow-64 {
		window = int(size) + 64
	}
	x := indexings.Get().(*indexing)
	defer x.release()
	x.scanner.reset(io.NewSectionReader(r, 0, size), max(window, 2048))
	x.b, x.lim, x.index = b, b.Limits.withDefaults(), &Index{Size: size}
	x.countLines = true
	x.run()
	if x.err != nil {
		return nil, x.err
	}
	if x.off != size {
		return nil, io.ErrUnexpectedEOF
	}
	x.index.Preview = x.preview.text(b.CharsetReader)
	return x.index, nil
}

// indexings are used again for the space they have. Nothing of an Index lies in it.
var indexings = sync.Pool{New: func() any { return new(indexing) }}

// release gives an indexing back, without what belongs to its message and without space that few need.
func (x *indexing) release() {
	next := indexing{
		scanner: scanner{buf: x.buf, bounds: x.bounds, open: kept(x.open, 64)},
		hdr:     kept(x.hdr, scanWindow),
		frames:  kept(x.frames, 64),
		fields:  Header{fields: kept(x.fields.fields, 128)},
		preview: previewer{raw: kept(x.preview.raw, scanWindow)},
	}
	if len(x.bounds) > 64 {
		next.bounds = nil
	}
	clear(next.bounds)
	*x = next
	indexings.Put(x)
}

// kept returns s emptied, nil when it takes more than most elements.
func kept[E any](s []E, most int) []E {
	if cap(s) > most {
		return nil
	}
	if _, octets := any(s).([]byte); !octets {
		clear(s[:cap(s)])
	}
	return s[:0]
}

// indexing is one run over a message.
type indexing struct {
	scanner
	b       *IndexBuilder
	lim     Limits
	index   *Index
	parts   int
	frames  []frame // from the root to the part that is being read
	hdr     []byte
	fields  Header // of the part that is being read; its space is used again
	preview previewer
	nul     bool // a NUL was listed
}

// frame is a part whose end hasn't been found.
type frame struct {
	part     *Part
	lines    int64 // LFs before its body
	boundary int   // index in scanner.open; -1 when it is no multipart with a boundary
	digest   bool
	swallow  bool // a multipart that can't be split: its body is read as one text
}

func (x *indexing) problem(kind ProblemKind, offset int64) {
	if len(x.index.Problems) < x.lim.Problems {
		x.index.Problems = append(x.index.Problems, Problem{kind, offset})
	}
}

// run reads the message. Every turn reads one body up to a delimiter line.
func (x *indexing) run() {
	x.index.Root = x.begin(false, true)
	for {
		x.skipBody()
		if !x.hit.found {
			break
		}
		o := &x.open[x.hit.at]
		f := o.owner
		x.endAbove(f)
		x.popTo(x.hit.at + 1)
		closing := x.hit.closing
		x.passDelimiter()
		switch {
		case closing:
			x.closeBoundary(x.frames[f].boundary)
		case x.parts >= x.lim.Parts:
			x.problem(ProblemTooManyParts, x.off)
			x.closeBoundary(x.frames[f].boundary)
		default:
			p := x.begin(x.frames[f].digest, false)
			x.frames[f].part.Parts = append(x.frames[f].part.Parts, p)
		}
	}
	for i := range x.frames {
		if k := x.frames[i].boundary; k >= 0 && !x.open[k].closed && len(x.frames[i].part.Parts) > 0 {
			x.problem(ProblemNoEndBoundary, x.off)
		}
	}
	x.endAbove(-1)
}

// skipBody passes over a body and keeps what the preview needs.
func (x *indexing) skipBody() {
	for {
		piece, done := x.body()
		if done {
			return
		}
		if x.preview.wants() {
			x.preview.add(piece)
		}
		if !x.nul {
			if i := indexNUL(piece); i >= 0 {
				x.nul = true
				x.problem(ProblemNUL, x.off-int64(len(piece))+int64(i))
			}
		}
	}
}

// endAbove ends all parts inside frame f at the present place.
func (x *indexing) endAbove(f int) {
	for i := len(x.frames) - 1; i > f; i-- {
		fr := &x.frames[i]
		p := fr.part
		p.Body.Size = x.off - p.Body.Offset
		p.Lines = x.lines - fr.lines
		if p.Type == "multipart" && len(p.Parts) == 0 {
			if !fr.swallow {
				x.problem(ProblemNoParts, p.Body.Offset)
			}
			p.Parts = []*Part{{
				Header: Span{p.Body.Offset, 0}, Body: p.Body, Lines: p.Lines,
				Type: "text", Subtype: "plain", Encoding: "7bit",
			}}
		}
	}
	x.frames = x.frames[:f+1]
	x.preview.end()
}

// begin reads a part's header and opens a frame for it; for a message inside the part, that one too. The part's body is
// next.
func (x *indexing) begin(inDigest, isMessage bool) *Part {
	p := &Part{Type: "text", Subtype: "plain", Encoding: "7bit"}
	first := p
	for {
		x.parts++
		if inDigest {
			p.Type, p.Subtype = "message", "rfc822" // RFC 2046 section 5.1.5
		}
		x.readHeader(p, isMessage)
		fr := frame{part: p, lines: x.lines, boundary: -1}
		deep := len(x.frames) >= x.lim.Depth-1
		container := p.Type == "multipart" || isMessageType(p)
		switch {
		case container && (deep || isMessageType(p) && x.parts >= x.lim.Parts):
			kind := ProblemTooDeep
			if !deep {
				kind = ProblemTooManyParts
			}
			x.problem(kind, p.Header.Offset)
			x.opaque(p)
		case isMessageType(p) && isEncoded(p):
			x.problem(ProblemEncoding, p.Header.Offset)
			x.opaque(p)
		case isMessageType(p):
			x.frames = append(x.frames, fr)
			p.Message = &Part{Type: "text", Subtype: "plain", Encoding: "7bit"}
			p, isMessage, inDigest = p.Message, true, false
			continue
		case p.Type == "multipart":
			x.openMultipart(&fr)
		default:
			if !x.b.NoPreview && (x.preview.part == nil || !x.inAttachedMessage()) {
				x.preview.begin(p)
			}
		}
		x.frames = append(x.frames, fr)
		return first
	}
}

// inAttachedMessage reports whether the present part belongs to a message inside the message.
func (x *indexing) inAttachedMessage() bool {
	for i := range x.frames {
		if x.frames[i].part.Message != nil {
			return true
		}
	}
	return false
}

// opaque makes a leaf of what can't be looked into.
func (x *indexing) opaque(p *Part) { p.Type, p.Subtype, p.Params = "application", "octet-stream", nil }

func (x *indexing) openMultipart(fr *frame) {
	p := fr.part
	if isEncoded(p) { // "No encoding other than "7bit", "8bit", or "binary" is permitted" (RFC 2046 section 5.1)
		x.problem(ProblemEncoding, p.Header.Offset)
	}
	boundary := trimRightBlanks(p.Param("boundary"))
	if boundary == "" || len(boundary) > maxBoundary {
		x.problem(ProblemNoBoundary, p.Header.Offset)
		fr.swallow = true
		return
	}
	fr.digest = p.Subtype == "digest"
	fr.boundary = len(x.open)
	x.push(boundary, len(x.frames))
}

func isMessageType(p *Part) bool {
	return p.Type == "message" && (p.Subtype == "rfc822" || p.Subtype == "global")
}

// isEncoded reports whether a part's octets differ from its content.
func isEncoded(p *Part) bool {
	switch p.Encoding {
	case "7bit", "8bit", "binary":
		return false
	}
	return true
}
