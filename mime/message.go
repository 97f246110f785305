package mime

import (
	"errors"
	"io"
	"strings"
	"time"
)

// Message is a message read whole into memory, as a program wants it: who, what, when, text and attachments.
type Message struct {
	Header      *Header
	From        []Address
	To, Cc      []Address
	ReplyTo     []Address
	Subject     string    // decoded
	Date        time.Time // zero when the message has none that can be read
	MessageID   string    // without brackets
	InReplyTo   []string
	References  []string
	Text        string // the plain text; several are joined
	HTML        string // as it was sent: never show it without making it safe
	Attachments []Attachment
}

// Attachment is a file that comes with a message.
type Attachment struct {
	Filename  string // as the sender wrote it; may be "", a path, or anything
	Type      string // media type such as "application/pdf"
	Inline    bool   // to be shown within the text
	ContentID string // what a cid: URL in HTML names it by, without brackets
	Data      []byte
}

// ErrTooLarge is what [Read] says about a message that is larger than it may hold.
var ErrTooLarge = errors.New("mime: message too large")

// Read reads a message of at most 64 MiB whole. For larger ones, and to choose what to keep, use [NewReader]. An error is r's or
// ErrTooLarge.
func Read(r io.Reader) (*Message, error) { return (&ReaderOptions{}).Read(r) }

// Read reads a message whole, as [Read] does.
func (o *ReaderOptions) Read(r io.Reader) (*Message, error) {
	bounded := &boundedReader{r: r, left: o.Max}
	if o.Max <= 0 {
		bounded.left = 64 << 20
	}
	m, err := o.NewReader(bounded)
	if err != nil {
		return nil, err
	}
	msg := &Message{Header: m.Header}
	msg.readFields(o)
	var text, htmlText strings.Builder
	for p, err := range m.Parts() {
		if err != nil {
			return nil, err
		}
		isText := p.Type.Type == "text" && !p.IsAttachment()
		switch {
		case isText && p.Type.Subtype == "plain":
			err = appendText(&text, p)
		case isText && p.Type.Subtype == "html":
			err = appendText(&htmlText, p)
		default:
			a := Attachment{Filename: p.Filename(), Type: p.Type.MediaType(), Inline: !p.IsAttachment(), ContentID: p.ContentID()}
			a.Data, err = io.ReadAll(p)
			msg.Attachments = append(msg.Attachments, a)
		}
		if err != nil {
			return nil, err
		}
	}
	msg.Text, msg.HTML = text.String(), htmlText.String()
	return msg, nil
}

func appendText(b *strings.Builder, p *BodyPart) error {
	if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
		b.WriteByte('\n')
	}
	_, err := io.Copy(b, p.Text())
	return err
}

func (m *Message) readFields(o *ReaderOptions) {
	dec := TextDecoder{CharsetReader: o.CharsetReader}
	list := func(name string) []Address {
		var all []Address
		for f := range m.Header.Fields(name) {
			l, _ := (&AddressParser{Decoder: dec}).ParseList(f.Value())
			for a := range Mailboxes(l) {
				all = append(all, a)
			}
		}
		return all
	}
	m.From, m.To, m.Cc, m.ReplyTo = list("From"), list("To"), list("Cc"), list("Reply-To")
	m.Subject = dec.Decode(m.Header.Get("Subject"))
	m.Date, _ = ParseDate(m.Header.Get("Date"))
	if ids := ParseMessageIDs(m.Header.Get("Message-ID")); len(ids) > 0 {
		m.MessageID = ids[0]
	}
	m.InReplyTo = ParseMessageIDs(m.Header.Get("In-Reply-To"))
	m.References = ParseMessageIDs(m.Header.Get("References"))
}

// boundedReader fails when more than left octets come.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
