package imapserver

import (
	"bytes"
	"context"
	"io"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// searchMessage is the message that a search looks at, opened as far as was needed. Its buffers serve all messages.
type searchMessage struct {
	ctx   context.Context
	box   mail.Mailbox
	m     *mail.Message // &cur
	cur   mail.Message
	env   *mime.Envelope
	index *mime.Index
	body  mail.Body
	buf   []byte
}

// envelope returns the message's envelope without reading more of its index than that.
func (m *searchMessage) envelope() (*mime.Envelope, error) {
	if m.env == nil && m.index == nil && len(m.m.Index) > 0 {
		m.env, _ = mime.DecodeEnvelope(m.m.Index) // on error the message itself is read
	}
	if m.env == nil {
		if err := m.openIndex(); err != nil {
			return nil, err
		}
		m.env = m.index.Root.Envelope
	}
	return m.env, nil
}

func (m *searchMessage) reset(ctx context.Context, box mail.Mailbox, msg *mail.Message) {
	m.close()
	m.cur = *msg
	m.ctx, m.box, m.m, m.env, m.index = ctx, box, &m.cur, nil, nil
}

func (m *searchMessage) close() {
	if m.body != nil {
		_ = m.body.Close()
		m.body = nil
	}
}

func (m *searchMessage) openBody() (err error) {
	if m.body == nil {
		m.body, err = m.box.OpenBody(m.ctx, m.m.UID)
	}
	return err
}

func (m *searchMessage) openIndex() (err error) {
	if m.index != nil {
		return nil
	}
	if len(m.m.Index) > 0 {
		if m.index, err = mime.DecodeIndex(m.m.Index); err == nil {
			return nil
		}
	}
	if err = m.openBody(); err != nil {
		return err
	}
	m.index, err = mime.BuildIndex(m.body, m.body.Size(), nil)
	return err
}

// readSpan reads a piece of the message, at most limit octets of it, into a buffer that the next call overwrites.
func (m *searchMessage) readSpan(s mime.Span, limit int64) ([]byte, error) {
	if err := m.openBody(); err != nil {
		return nil, err
	}
	size := int(min(s.Size, limit))
	m.buf = slices.Grow(m.buf[:0], size)[:size]
	n, err := m.body.ReadAt(m.buf, s.Offset)
	if err == io.EOF {
		err = nil
	}
	return m.buf[:n], err
}

// inText looks for a text in the decoded text parts of a message, and with header also in all header fields.
func (s *search) inText(n *node, header bool) (bool, error) {
	if n.text.empty() {
		return true, nil
	}
	left := s.c.srv.limits(true).TextBytes
	return s.inPart(n, s.msg.index.Root, header, &left)
}

func (s *search) inPart(n *node, p *mime.Part, header bool, left *int64) (bool, error) {
	if header {
		raw, err := s.msg.readSpan(p.Header, s.c.srv.limits(true).HeaderBytes)
		if err != nil {
			return false, err
		}
		for f := range mime.ParseHeader(raw, nil).All() {
			if n.text.in(f.Name() + ": " + s.decodeText(f.Value())) {
				return true, nil
			}
		}
	}
	for _, kid := range p.Parts {
		if ok, err := s.inPart(n, kid, header, left); ok || err != nil {
			return ok, err
		}
	}
	if p.Message != nil {
		return s.inPart(n, p.Message, true, left)
	}
	if p.IsMultipart() || p.Type != "text" || *left <= 0 {
		return false, nil
	}
	if err := s.breathe(s.msg.ctx); err != nil {
		return false, err
	}
	if err := s.msg.openBody(); err != nil {
		return false, err
	}
	r := &io.LimitedReader{R: s.partText(p), N: *left}
	ok, err := s.inReader(n.text, r)
	*left = r.N
	return ok, err
}

// partText returns a part's text, decoded.
func (s *search) partText(p *mime.Part) io.Reader {
	raw := io.NewSectionReader(s.msg.body, p.Body.Offset, p.Body.Size)
	return mime.NewCharsetReader(p.Param("charset"), mime.DecodeTransfer(p.Encoding, raw), s.c.srv.CharsetReader)
}

// decodeText decodes the encoded words of a header field.
func (s *search) decodeText(v string) string {
	return (&mime.TextDecoder{CharsetReader: s.c.srv.CharsetReader}).Decode(v)
}

// finder looks for one text, without regard to case and to how its characters are composed.
type finder struct{ needle []byte }

func newFinder(s string) *finder { return &finder{foldText([]byte(s))} }

func (f *finder) empty() bool { return len(f.needle) == 0 }

// in reports whether the text is in s.
func (f *finder) in(s string) bool { return f.empty() || bytes.Contains(foldText([]byte(s)), f.needle) }

// searchChunk is the piece in which a part's text is looked through.
const searchChunk = 32 << 10

// inReader reports whether the text is in what r reads, which is UTF-8.
func (s *search) inReader(f *finder, r io.Reader) (bool, error) {
	if s.chunk == nil {
		s.chunk = make([]byte, searchChunk)
	}
	buf, window := s.chunk, s.window[:0] // window is folded: the end of what was looked at, then the new
	defer func() { s.window = window }()
	have := 0
	for {
		n, err := io.ReadFull(r, buf[have:])
		have += n
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return false, err
		}
		cut := have
		if !last {
			cut = foldBoundary(buf[:have])
		}
		window = append(window, foldText(buf[:cut])...)
		if bytes.Contains(window, f.needle) {
			return true, nil
		}
		if last {
			return false, nil
		}
		keep := min(len(window), len(f.needle)-1)
		window = append(window[:0], window[len(window)-keep:]...)
		have = copy(buf, buf[cut:have])
	}
}

// foldBoundary returns a place near the end of b before which text can be folded by itself: before an ASCII character,
// which never combines with what stands before it.
func foldBoundary(b []byte) int {
	for i := len(b) - 1; i > len(b)-1024 && i > 0; i-- {
		if b[i] < utf8.RuneSelf {
			return i
		}
	}
	i := len(b) - 1
	for i > len(b)-utf8.UTFMax && i > 0 && !utf8.RuneStart(b[i]) {
		i--
	}
	return i
}

// foldText makes texts that differ in case or composition only the same, in the spirit of i;unicode-casemap (RFC 5051). It
// may change b.
func foldText(b []byte) []byte {
	ascii := true
	for i, c := range b {
		if c >= utf8.RuneSelf {
			ascii = false
		} else if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	if ascii {
		return b
	}
	return bytes.Map(unicode.ToLower, norm.NFKC.Bytes(b))
}
