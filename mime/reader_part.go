package mime

import "io"

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
