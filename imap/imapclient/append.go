package imapclient

import (
	"bytes"
	"context"
	"io"
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
	// Binary says that the content may have NUL: it is sent as a literal8, which needs BINARY (RFC 3516 section 4.4).
	Binary bool
}

// NewDraft returns a Draft of a message in memory.
func NewDraft(message []byte, flags ...string) Draft {
	return Draft{Flags: mail.NewFlags(flags...), Content: bytes.NewReader(message), Size: int64(len(message))}
}

// Append adds messages to a mailbox, read from their sources as they are sent (RFC 9051 section 6.3.12). Several are added all or
// none where the server can do so (MULTIAPPEND, RFC 3502), else one after the other: when it fails, the result has those that were
// added before, if the server tells UIDs. A source that ends too soon, or an end of ctx, while a message is being sent
// closes the connection; nothing of that message is added.
func (c *Client) Append(ctx context.Context, mailbox string, drafts ...Draft) (mail.Appended, error) {
	var out mail.Appended
	for _, d := range drafts {
		if d.Content == nil || d.Size < 0 {
			return out, &Error{Command: "APPEND", Host: c.host, Err: badArgument("message without content")}
		}
		if d.Binary && !c.Has(imap.CapBinary) {
			return out, c.unsupported("APPEND", imap.CapBinary)
		}
		if max := c.Capabilities().AppendLimit(); max > 0 && d.Size > max {
			return out, &Error{Command: "APPEND", Host: c.host, Err: mail.ErrTooLarge}
		}
	}
	if len(drafts) > 1 && c.Has(imap.CapMultiAppend) {
		return out, c.append(ctx, mailbox, drafts, &out)
	}
	for i := range drafts {
		if err := c.append(ctx, mailbox, drafts[i:i+1], &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (c *Client) append(ctx context.Context, mailbox string, drafts []Draft, out *mail.Appended) error {
	utf8 := c.isEnabled(imap.CapUTF8Accept) && !c.isEnabled(imap.CapIMAP4rev2)
	cmd := &command{name: "APPEND", rule: rule{moves: true, class: "APPEND"}}
	err := c.run(ctx, cmd, func(e *imap.Encoder) {
		e.SP().Mailbox(mailbox)
		for i := range drafts {
			d := &drafts[i]
			e.SP().Flags(d.Flags, false).SP()
			if !d.InternalDate.IsZero() {
				e.DateTime(d.InternalDate).SP()
			}
			// "UTF8 (~{n}…)" is how RFC 6855 section 4 wants messages that may have UTF-8 in their headers.
			if utf8 {
				e.Raw("UTF8 (")
			}
			e.Literal(d.Size, d.Content, d.Binary || utf8)
			if utf8 {
				e.Raw(")")
			}
		}
	})
	if err != nil {
		return err
	}
	if cmd.status.Code == imap.CodeAppendUID {
		d := cmd.status.Values()
		validity := d.Number()
		d.SP()
		if uids := uidsOf(d.SequenceSet()); d.Err() == nil {
			out.UIDValidity, out.UIDs = validity, append(out.UIDs, uids...)
		}
	}
	return nil
}
