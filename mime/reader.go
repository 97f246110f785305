package mime

import (
	"io"
	"iter"
)

// Reader reads a message from a stream, once and in order: its header, then its leaves one after the other, each with
// its header and its content decoded as it goes. It holds one header and one window in memory, whatever the message's
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
}

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

// BodyPart is a leaf of a message: a text, an attachment, an image. It is an io.Reader of its content with the transfer encoding
// undone, and can be read until the next part is asked for.
type BodyPart struct {
	Header      *Header
	Number      []uint32    // section number, as IMAP counts: {1, 2} for "1.2"
	Parent      string      // media type of the multipart around it, such as "multipart/alternative"; "" for none
	Type        ContentType // text/plain where the header doesn't say
	Disposition Disposition // Type is "" where the header doesn't say
	Encoding    string      // Content-Transfer-Encoding, lower case

	m    *Reader
	raw  []byte // read and not yet given out
	end  bool
	body io.Reader
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
			_, done = m.s.body()
		}
		switch {
		case m.s.err != nil:
			return nil, m.s.err
		case !m.s.hit.found:
			return nil, io.EOF
		}
		at, closing := m.s.hit.at, m.s.hit.closing
		m.s.popTo(at + 1)
		m.frames = m.frames[:at+1]
		m.s.passDelimiter()
		if closing || m.parts >= m.lim.Parts {
			m.s.closeBoundary(at)
			continue
		}
		f := &m.frames[at]
		number := append(f.number[:len(f.number):len(f.number)], f.next)
		f.next++
		if p := m.begin(m.readHeader(), number, "multipart/"+f.sub, f.digest, false); p != nil {
			return p, nil
		}
	}
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
			p.Type, _ = params.ContentType(f.Value())
		}
		if f := h.Field("Content-Disposition"); f != nil {
			p.Disposition, _ = params.Disposition(f.Value())
		}
		if f := h.Field("Content-Transfer-Encoding"); f != nil {
			p.Encoding, _ = parseEncoding(f.Value())
		}
		deep := len(m.frames) >= m.lim.Depth
		boundary := trimRightBlanks(p.Type.Param("boundary"))
		switch {
		case p.Type.Type == "multipart" && boundary != "" && len(boundary) <= maxBoundary && !deep:
			m.frames = append(m.frames, readerFrame{number: number, next: 1, digest: p.Type.Subtype == "digest", sub: p.Type.Subtype})
			m.s.push(boundary, 0)
			return nil
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

// rawPart reads a part as it stands in the message.
type rawPart struct{ p *BodyPart }

func (r rawPart) Read(b []byte) (int, error) {
	p := r.p
	for len(p.raw) == 0 {
		if p.end {
			return 0, io.EOF
		}
		piece, done := p.m.s.body()
		p.raw = piece
		if done {
			p.end = true
			if err := p.m.s.err; err != nil {
				return 0, err
			}
		}
	}
	n := copy(b, p.raw)
	p.raw = p.raw[n:]
	return n, nil
}

// Read reads the content with its transfer encoding undone.
func (p *BodyPart) Read(b []byte) (int, error) { return p.body.Read(b) }

// Raw returns the content as it stands in the message. Don't mix it with Read.
func (p *BodyPart) Raw() io.Reader { return rawPart{p} }

// Text reads the content as text in UTF-8.
func (p *BodyPart) Text() io.Reader {
	return NewCharsetReader(p.Type.Param("charset"), p, p.m.opts.CharsetReader)
}

// Filename returns the name proposed for the part, "" for none. See [Part.Filename].
func (p *BodyPart) Filename() string { return filename(p.Disposition.Params, p.Type.Params) }

// ContentID returns the Content-ID without its brackets, as cid: URLs have it.
func (p *BodyPart) ContentID() string {
	if ids := ParseMessageIDs(p.Header.Get("Content-ID")); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// IsAttachment reports whether the part is something to keep rather than to show in place: it says so, or it is neither
// text nor shown inline.
func (p *BodyPart) IsAttachment() bool {
	switch p.Disposition.Type {
	case "inline":
		return false
	case "":
		isText := p.Type.Type == "text" && (p.Type.Subtype == "plain" || p.Type.Subtype == "html")
		return !isText && p.Parent != "multipart/related"
	}
	return true
}
