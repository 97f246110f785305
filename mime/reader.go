package mime

import (
	"io"
	"iter"
)

// Reader reads a message from a stream, once and in order: its header, then its leaves one after the other, each with
// its header and its content decoded as it goes. It holds one header and two windows in memory, whatever the message's
// size. Use it from one goroutine.
type Reader struct {
	// Header is the message's header.
	Header *Header

	opts   ReaderOptions
	lim    Limits
	s      *scanner
	frames []readerFrame
	cur    *BodyPart
	parts  int
	began  bool
	err    error

	keeping bool   // no part of the innermost multipart was found
	kept    []byte // the beginning of its body
}

// maxKept is how much is given of a multipart in whose body no part is found. An [Index] has it whole.
const maxKept = 64 << 10

// ReaderOptions change how a [Reader] reads. The zero value is what [NewReader] does.
type ReaderOptions struct {
	Limits        *Limits
	CharsetReader CharsetReader // for charsets that aren't built in

	// OpenMessages yields the leaves of messages inside the message too. Without it a message/rfc822 is a leaf itself.
	OpenMessages bool

	Max int64 // octets that Read holds; default 64 MiB. The Reader doesn't look at it
}

// readerFrame is a multipart that is open.
type readerFrame struct {
	number []uint32 // its section number
	next   uint32   // number of its next part
	digest bool
	sub    string
}

// NewReader reads the header of the message that r holds. The error is r's; damage is no error. Line ends may be CRLF or LF.
func NewReader(r io.Reader) (*Reader, error) { return (&ReaderOptions{}).NewReader(r) }

// NewReader reads the header of the message that r holds, as [NewReader] does.
func (o *ReaderOptions) NewReader(r io.Reader) (*Reader, error) {
	m := &Reader{opts: *o, lim: o.Limits.withDefaults(), s: newScanner(r, scanWindow/2)}
	m.Header = m.readHeader()
	if m.s.err != nil {
		return nil, m.s.err
	}
	return m, nil
}

func (m *Reader) readHeader() *Header {
	raw, _, _ := m.s.header(nil, m.lim.HeaderBytes)
	return ParseHeader(raw, &m.lim)
}

// Parts yields the message's leaves. A part can be read only within its turn of the loop. An error is that of the
// stream and ends it.
func (m *Reader) Parts() iter.Seq2[*BodyPart, error] {
	return func(yield func(*BodyPart, error) bool) {
		for {
			p, err := m.Next()
			if err == io.EOF || !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// Next passes over what was not read of the present part and returns the next leaf, io.EOF after the last.
func (m *Reader) Next() (*BodyPart, error) {
	if m.err != nil {
		return nil, m.err
	}
	p, err := m.next()
	m.cur, m.err = p, err
	return p, err
}

func (m *Reader) next() (*BodyPart, error) {
	if !m.began {
		m.began = true
		if p := m.begin(m.Header, []uint32{}, "", false, true); p != nil {
			return p, nil
		}
	}
	if m.cur != nil {
		m.cur.end, m.cur.raw = true, nil
	}
	for {
		for done := false; !done; {
			var piece []byte
			piece, done = m.s.body()
			m.keep(piece)
		}
		switch {
		case m.s.err != nil:
			return nil, m.s.err
		case m.keeping && (!m.s.hit.found || m.s.hit.at < len(m.frames)-1):
			return m.partless(), nil
		case !m.s.hit.found:
			return nil, io.EOF
		}
		at, closing := m.s.hit.at, m.s.hit.closing
		m.s.popTo(at + 1)
		m.frames = m.frames[:at+1]
		start := m.s.start
		m.s.passDelimiter()
		if closing || m.parts >= m.lim.Parts {
			m.keep(m.s.buf[start:m.s.start])
			m.s.closeBoundary(at)
			continue
		}
		m.keeping = false
		f := &m.frames[at]
		number := append(f.number[:len(f.number):len(f.number)], f.next)
		f.next++
		if p := m.begin(m.readHeader(), number, "multipart/"+f.sub, f.digest, false); p != nil {
			return p, nil
		}
	}
}

// keep keeps the beginning of a multipart's body for the case that no part is in it.
func (m *Reader) keep(b []byte) {
	if m.keeping {
		m.kept = append(m.kept, b[:min(len(b), maxKept-len(m.kept))]...)
	}
}

// partless makes a text of a multipart in whose body no part was found, as an [Index] does.
func (m *Reader) partless() *BodyPart {
	m.keeping = false
	f := &m.frames[len(m.frames)-1]
	p := &BodyPart{
		Header: &Header{}, Number: append(f.number[:len(f.number):len(f.number)], 1), Parent: "multipart/" + f.sub,
		Type: ContentType{Type: "text", Subtype: "plain"}, Encoding: "7bit", m: m, raw: m.kept, end: true,
	}
	p.body = rawPart{p}
	return p
}

// begin looks at a part whose header was read. It returns a leaf, or nil after opening a multipart.
func (m *Reader) begin(h *Header, number []uint32, parent string, digest, isMessage bool) *BodyPart {
	for {
		m.parts++
		p := &BodyPart{Header: h, Number: number, Parent: parent, Encoding: "7bit", m: m}
		p.Type = ContentType{Type: "text", Subtype: "plain"}
		if digest {
			p.Type = ContentType{Type: "message", Subtype: "rfc822"}
		}
		params := &ParamParser{CharsetReader: m.opts.CharsetReader, Max: m.lim.Parameters}
		if f := h.Field("Content-Type"); f != nil {
			p.Type, _ = params.ContentType(withoutNUL(f.Value()))
		}
		if f := h.Field("Content-Disposition"); f != nil {
			p.Disposition, _ = params.Disposition(withoutNUL(f.Value()))
		}
		if f := h.Field("Content-Transfer-Encoding"); f != nil {
			p.Encoding, _ = parseEncoding(withoutNUL(f.Value()))
		}
		deep := len(m.frames) >= m.lim.Depth-1
		boundary := trimRightBlanks(p.Type.Param("boundary"))
		switch {
		case p.Type.Type == "multipart" && boundary != "" && len(boundary) <= maxBoundary && !deep:
			m.frames = append(m.frames, readerFrame{number: number, next: 1, digest: p.Type.Subtype == "digest", sub: p.Type.Subtype})
			m.s.push(boundary, 0)
			m.keeping, m.kept = true, m.kept[:0]
			return nil
		case p.Type.Type == "multipart" && deep:
			p.Type = ContentType{Type: "application", Subtype: "octet-stream"}
		case p.Type.Type == "multipart": // can't be split: its body is read as one text
			p.Type = ContentType{Type: "text", Subtype: "plain"}
		case m.opts.OpenMessages && p.Type.Type == "message" && (p.Type.Subtype == "rfc822" || p.Type.Subtype == "global") &&
			(p.Encoding == "7bit" || p.Encoding == "8bit" || p.Encoding == "binary") && m.parts < m.lim.Parts:
			if isMessage {
				number = append(number[:len(number):len(number)], 1)
			}
			h, digest, isMessage, parent = m.readHeader(), false, true, "message/"+p.Type.Subtype
			continue
		}
		if isMessage {
			p.Number = append(number[:len(number):len(number)], 1)
		}
		p.body = DecodeTransfer(p.Encoding, rawPart{p})
		return p
	}
}
