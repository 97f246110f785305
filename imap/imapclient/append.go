package imapclient

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Draft is a message that is to be added to a mailbox: its content, and what it shall be there.
type Draft struct {
	Flags        mail.Flags
	InternalDate time.Time // zero: now

	// Content is the message, with CRLF line ends, of exactly Size octets.
	Content io.Reader
	Size    int64
	// Parts are put together instead of Content: by the server, with CATENATE (RFC 4469), else here, where what URLs name is first fetched
	// into memory, and Size is the sum of the parts.
	Parts []Part
	// Binary says that the content may have NUL: it is sent as a literal8, which needs BINARY (RFC 3516 section 4.4).
	Binary bool
}

// Part is a piece of a message: what an IMAP URL names, relative to the server ("/INBOX;UIDVALIDITY=1/;UID=20/;SECTION=1.2"), or text
// of exactly Size octets.
type Part struct {
	URL     string
	Content io.Reader
	Size    int64
}

// NewDraft returns a Draft of a message in memory.
func NewDraft(message []byte, flags ...string) Draft {
	return Draft{Flags: mail.NewFlags(flags...), Content: bytes.NewReader(message), Size: int64(len(message))}
}

// Append adds messages to a mailbox, read from their sources as they are sent (RFC 9051 section 6.3.12). Several are added all or
// none where the server can do so (MULTIAPPEND, RFC 3502, up to its MESSAGELIMIT or SAVELIMIT), else one after the other: when it fails, the result has those that were
// added before, if the server tells UIDs. A source that ends too soon, or an end of ctx, while a message is being sent
// closes the connection; nothing of that message is added.
func (c *Client) Append(ctx context.Context, mailbox string, drafts ...Draft) (mail.Appended, error) {
	var out mail.Appended
	for i := range drafts {
		if err := c.checkDraft("APPEND", &drafts[i]); err != nil {
			return out, err
		}
	}
	most := 1
	if c.Has(imap.CapMultiAppend) {
		if most = len(drafts); c.saveLimit() > 0 {
			most = min(most, c.saveLimit())
		}
	}
	if !c.Has(imap.CapCatenate) {
		var err error
		if drafts, err = c.catenate(ctx, drafts); err != nil {
			return out, err
		}
	}
	for some := range slices.Chunk(drafts, max(most, 1)) {
		got, err := c.append(ctx, mailbox, some)
		if len(got.UIDs) > 0 {
			out.UIDValidity, out.UIDs = got.UIDValidity, append(out.UIDs, got.UIDs...)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// checkDraft refuses what can't be sent.
func (c *Client) checkDraft(command string, d *Draft) error {
	empty := d.Content == nil && len(d.Parts) == 0
	for _, p := range d.Parts {
		empty = empty || p.URL == "" && p.Content == nil || p.Size < 0
	}
	switch {
	case empty || d.Size < 0 || d.Content != nil && len(d.Parts) > 0:
		return &Error{Command: command, Host: c.host, Err: badArgument("message without content, or with two")}
	case d.Binary && !c.Has(imap.CapBinary):
		return c.unsupported(command, imap.CapBinary)
	}
	if max := c.Capabilities().AppendLimit(); max > 0 && d.Size > max {
		return &Error{Command: command, Host: c.host, Err: mail.ErrTooLarge}
	}
	return nil
}

func (c *Client) append(ctx context.Context, mailbox string, drafts []Draft) (mail.Appended, error) {
	var out mail.Appended
	cmd := &command{name: "APPEND", rule: rule{moves: true, class: "APPEND"}}
	cmd.code = func(s *imap.Status) { addAppended(&out, s) }
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) {
		e.SP().Mailbox(mailbox)
		for i := range drafts {
			c.writeDraft(e, &drafts[i])
		}
	})
}

// addAppended reads APPENDUID (RFC 4315 section 3).
func addAppended(out *mail.Appended, s *imap.Status) {
	if s.Code != imap.CodeAppendUID {
		return
	}
	d := s.Values()
	validity := d.Number()
	d.SP()
	if uids := uidsOf(d.SequenceSet()); d.Err() == nil {
		out.UIDValidity, out.UIDs = validity, append(out.UIDs, uids...)
	}
}

// writeDraft writes append-message (RFC 9051 section 9) with a space before it.
func (c *Client) writeDraft(e *imap.Encoder, d *Draft) {
	// "UTF8 (~{n}…)" is how RFC 6855 section 4 wants messages that may have UTF-8 in their headers.
	utf8 := c.isEnabled(imap.CapUTF8Accept) && !c.isEnabled(imap.CapIMAP4rev2)
	literal := func(before string, size int64, r io.Reader, binary bool) {
		if utf8 {
			e.Raw("UTF8 (").Literal(size, r, true).Raw(")")
			return
		}
		e.Raw(before).Literal(size, r, binary)
	}
	e.SP().Flags(d.Flags, false).SP()
	if !d.InternalDate.IsZero() {
		e.DateTime(d.InternalDate).SP()
	}
	if len(d.Parts) == 0 {
		literal("", d.Size, d.Content, d.Binary)
		return
	}
	sep := "CATENATE ("
	for _, p := range d.Parts {
		e.Raw(sep)
		if sep = " "; p.URL != "" {
			e.CatenatePart(imap.CatenatePart{URL: p.URL})
		} else {
			literal("TEXT ", p.Size, p.Content, false)
		}
	}
	e.Raw(")")
}
