package mime

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"time"
)

// Builder writes a message from what people send: text, HTML, images within the HTML, attachments. It chooses structure
// and encodings, keeps lines short, and lets no value add a field or a part. Set From and what you need of the rest.
type Builder struct {
	From    []Address
	Sender  *Address // who really sends it, when From has several authors or another (RFC 5322 section 3.6.2)
	ReplyTo []Address
	To, Cc  []Address
	Bcc     []Address // never written; see Recipients
	Subject string
	Date    time.Time // default: now
	Header  Header    // further fields. MIME-Version and Content-* are the builder's own

	MessageID  string   // without brackets; default: random, at the first author's domain
	InReplyTo  []string // identifiers without brackets
	References []string

	Text        string // plain text, LF or CRLF line ends
	HTML        string // the same as HTML
	Calendar    *Calendar
	Attachments []File

	// ToASCII makes a domain that isn't ASCII into A-labels, such as idna.Lookup.ToASCII of golang.org/x/net/idna; its
	// error leaves the domain as it is. nil: such a domain is written in UTF-8, and the message needs SMTPUTF8. A message
	// that needs it for a local-part keeps all its domains.
	ToASCII func(domain string) (string, error)
}

// File is something attached to a message that is being written.
type File struct {
	Filename  string
	Type      string // media type, parameters allowed; default: by the name's ending, else application/octet-stream
	ContentID string // without brackets; what HTML names as "cid:…"
	Inline    bool   // shown within the HTML, which names it by ContentID
	Content   io.Reader
}

// Recipients returns the addresses of To, Cc and Bcc for the envelope, each once. Domains are as they were given.
func (b *Builder) Recipients() []string {
	var out []string
	seen := make(map[string]bool)
	for _, list := range [][]Address{b.To, b.Cc, b.Bcc} {
		for a := range Mailboxes(list) {
			if addr := a.Addr(); addr != "" && !seen[addr] {
				seen[addr] = true
				out = append(out, addr)
			}
		}
	}
	return out
}

// NeedsUTF8 reports whether an address in the header isn't ASCII, so that the message must be sent with SMTPUTF8 (RFC 6531).
func (b *Builder) NeedsUTF8() bool {
	return b.ascii().hasUTF8()
}

// hasUTF8 looks at the addresses as they are.
func (b *Builder) hasUTF8() bool {
	lists := [][]Address{b.From, b.ReplyTo, b.To, b.Cc}
	if b.Sender != nil {
		lists = append(lists, []Address{*b.Sender})
	}
	for _, list := range lists {
		for a := range Mailboxes(list) {
			if !a.IsASCII() {
				return true
			}
		}
	}
	return false
}

// WriteTo writes the message with CRLF line ends. Attachments are copied from their readers as it goes, so it can be called once if
// there are any. The error is w's, a reader's, or about a Builder without From or with a field name or media type that is none.
func (b *Builder) WriteTo(w io.Writer) (int64, error) {
	count := &countingWriter{w: w}
	out := bufio.NewWriterSize(count, 16<<10)
	err := b.write(out)
	if err == nil {
		err = out.Flush()
	}
	return count.n, err
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (b *Builder) write(w *bufio.Writer) error {
	b = b.ascii()
	body, err := b.structure()
	if err != nil {
		return err
	}
	h, err := b.header()
	if err != nil {
		return err
	}
	return body.write(w, h)
}

// header makes the message's header without what its content needs.
func (b *Builder) header() (*Header, error) {
	if len(b.From) == 0 {
		return nil, errors.New("mime: a message needs a From address")
	}
	date, id := b.Date, b.MessageID
	if date.IsZero() {
		date = time.Now()
	}
	if id == "" {
		id = rand.Text() + "@" + b.domain()
	}
	h := &Header{}
	errs := []error{h.AddDate("Date", date), h.AddAddresses("From", b.From)}
	if b.Sender != nil {
		errs = append(errs, h.AddAddresses("Sender", []Address{*b.Sender}))
	} else if n := countMailboxes(b.From); n > 1 { // "If the from field contains more than one mailbox […], then the sender field […] MUST appear"
		for a := range Mailboxes(b.From) {
			errs = append(errs, h.AddAddresses("Sender", []Address{a}))
			break
		}
	}
	errs = append(errs,
		h.AddAddresses("Reply-To", b.ReplyTo),
		h.AddAddresses("To", b.To),
		h.AddAddresses("Cc", b.Cc),
		h.Add("Subject", b.Subject),
		h.AddRaw("Message-ID", FormatMessageIDs(id)),
	)
	if len(b.InReplyTo) > 0 {
		errs = append(errs, h.AddRaw("In-Reply-To", FormatMessageIDs(b.InReplyTo...)))
	}
	if len(b.References) > 0 {
		errs = append(errs, h.AddRaw("References", FormatMessageIDs(b.References...)))
	}
	for f := range b.Header.All() {
		if name := strings.ToLower(f.Name()); f.IsField() && name != "mime-version" && !strings.HasPrefix(name, "content-") {
			h.AddField(f)
		}
	}
	errs = append(errs, h.AddRaw("MIME-Version", "1.0"))
	return h, errors.Join(errs...)
}

func countMailboxes(list []Address) int {
	n := 0
	for range Mailboxes(list) {
		n++
	}
	return n
}

// domain returns what stands right of the "@" in identifiers.
func (b *Builder) domain() string {
	for a := range Mailboxes(b.From) {
		if host := cleanAddr(a.Host); host != "" && isASCII(host) && host[0] != '[' {
			return host
		}
	}
	return "localhost"
}
