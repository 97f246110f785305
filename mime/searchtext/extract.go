package searchtext

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail/mime"
)

// Text is what is searched of one message, folded, in lines that nothing matches across: the fields of its header, then those of
// its parts with the names of attached files, then its body.
type Text struct {
	All          []byte
	Header, MIME int // octets of the first two
}

// Attachment writes the text of a part that isn't text to w, as UTF-8, reading content, the part decoded. known is false when it
// doesn't know the format; otherwise built-in ways are not tried. An error ends this part's text and no more.
type Attachment func(p *mime.Part, content io.Reader, w io.Writer) (known bool, err error)

// MaxText is how much folded text of one message is searched, in octets, unless an Extractor says otherwise.
const MaxText = 4 << 20

// Extractor makes Texts. It has buffers and serves one goroutine.
type Extractor struct {
	CharsetReader mime.CharsetReader
	Attachment    Attachment // nil: only the built-in formats
	Max           int        // octets of a Text; 0: MaxText

	f      folder
	src    source
	raw    []byte // a header
	chunk  []byte
	zipped int64 // octets that may still be unpacked for this message
}

// headerBytes is how much of one header is looked at.
const headerBytes = 1 << 20

// source reads a message. Its errors are kept apart from those that content causes, and end everything.
type source struct {
	ctx context.Context
	r   io.ReaderAt
	err error
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.ReadAt(p, off)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// Message returns the text of the message r whose structure is root. It is valid until the next call. An error is r's or the
// context's; what can't be decoded is left out or comes as it is.
func (x *Extractor) Message(ctx context.Context, r io.ReaderAt, root *mime.Part) (Text, error) {
	t := x.begin(ctx, r, root)
	x.partHeaders(root)
	t.MIME = len(x.f.out) - t.Header
	x.body(root)
	return x.finish(t)
}

// Header returns the text of the message's header alone.
func (x *Extractor) Header(ctx context.Context, r io.ReaderAt, root *mime.Part) (Text, error) {
	return x.finish(x.begin(ctx, r, root))
}

func (x *Extractor) begin(ctx context.Context, r io.ReaderAt, root *mime.Part) Text {
	x.src = source{ctx: ctx, r: r}
	if x.chunk == nil {
		x.chunk = make([]byte, 32<<10)
	}
	x.f.max = x.Max
	if x.f.max <= 0 {
		x.f.max = MaxText
	}
	x.zipped = maxUnpacked
	x.f.out, x.f.held, x.f.space = append(x.f.out[:0], '\n'), x.f.held[:0], false
	x.fields(root.Header)
	return Text{Header: len(x.f.out)}
}

func (x *Extractor) finish(t Text) (Text, error) {
	t.All = x.f.out
	err := x.src.err
	x.src = source{}
	return t, err
}

// fields adds the fields of a header, one a line.
func (x *Extractor) fields(at mime.Span) {
	size := int(min(at.Size, headerBytes))
	x.raw = slices.Grow(x.raw[:0], size)[:size]
	n, _ := x.src.ReadAt(x.raw, at.Offset)
	dec := mime.TextDecoder{CharsetReader: x.CharsetReader}
	for f := range mime.ParseHeader(x.raw[:n], nil).All() {
		if x.f.full() {
			return
		}
		value := f.Value()
		if !f.IsField() {
			if strings.Trim(value, " \t\r\n") != "" {
				x.line("", dec.Decode(value))
			}
			continue
		}
		x.line(f.Name(), dec.Decode(value))
		if strings.ContainsAny(value, `"(\`) && isAddressField(f) {
			if list, err := (&mime.AddressParser{Decoder: dec}).ParseList(value); err == nil {
				x.line(f.Name(), plainAddresses(list))
			}
		}
	}
}

// line adds one field, or something else that stands for itself.
func (x *Extractor) line(name, text string) {
	if name != "" {
		x.f.WriteString(name)
		x.f.WriteString(": ")
		x.f.space = false // a value's own blank counts
	}
	x.f.WriteString(text)
	x.f.separate()
}

func isAddressField(f *mime.Field) bool {
	for _, name := range [...]string{"From", "To", "Cc", "Bcc", "Sender", "Reply-To"} {
		if f.Is(name) {
			return true
		}
	}
	return false
}

// plainAddresses writes addresses as people do, without the quotes that the syntax wants.
func plainAddresses(list []mime.Address) string {
	var b strings.Builder
	for a := range mime.Mailboxes(list) {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		if a.Name != "" {
			b.WriteString(a.Name)
			b.WriteByte(' ')
		}
		b.WriteString("<" + a.Mailbox + "@" + a.Host + ">")
	}
	return b.String()
}

// partHeaders adds the MIME header fields of the parts below p, and the names of files that don't show in them.
func (x *Extractor) partHeaders(p *mime.Part) {
	kids := p.Parts
	if p.Message != nil {
		kids = p.Message.Parts // the message's own header is body
	}
	for _, kid := range kids {
		if x.f.full() {
			return
		}
		at := len(x.f.out)
		x.fields(kid.Header)
		if name := kid.Filename(); name != "" && !bytes.Contains(x.f.out[at:], Fold(name)) {
			x.line("", name)
		}
		x.partHeaders(kid)
	}
	if p.Message != nil && p.Message.Message != nil {
		x.partHeaders(p.Message)
	}
}

// body adds the text of p and all below it.
func (x *Extractor) body(p *mime.Part) {
	if x.f.full() || x.src.err != nil {
		return
	}
	for _, kid := range p.Parts {
		x.body(kid)
	}
	switch {
	case p.Message != nil:
		x.fields(p.Message.Header)
		x.body(p.Message)
	case p.IsMultipart():
	default:
		x.leaf(p)
	}
}
