package imapclient

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// needMetadata refuses what the server doesn't keep: METADATA-SERVER is for annotations of the server alone.
func (c *Client) needMetadata(command, mailbox string) error {
	if c.Has(imap.CapMetadata) || mailbox == "" && c.Has(imap.CapMetadataServer) {
		return nil
	}
	return c.unsupported(command, imap.CapMetadata)
}

// Metadata returns annotations of a mailbox, or of the server where Mailbox is "" (RFC 5464 section 4.2); entries without a value may be
// missing. It needs METADATA.
func (c *Client) Metadata(ctx context.Context, g imap.GetMetadata) ([]mail.Annotation, error) {
	var out []mail.Annotation
	if err := c.needMetadata("GETMETADATA", g.Mailbox); err != nil {
		return nil, err
	}
	cmd := &command{name: "GETMETADATA", rule: rule{moves: true, class: "METADATA"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "METADATA" {
			return false
		}
		mailbox, values, changed := d.MetadataResponse()
		switch {
		case d.Err() != nil:
		case len(changed) > 0:
			c.tell(MetadataEvent{mailbox, changed})
		case len(out)+len(values) <= c.lim.Items:
			out = append(out, values...)
		}
		return true
	}
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) { e.SP().GetMetadata(g) })
}

// SetMetadata sets annotations of a mailbox, or of the server where mailbox is "" (RFC 5464 section 4.3); a nil Value removes one.
// It needs METADATA.
func (c *Client) SetMetadata(ctx context.Context, mailbox string, values ...mail.Annotation) error {
	if err := c.needMetadata("SETMETADATA", mailbox); err != nil {
		return err
	}
	for _, a := range values {
		if !mail.ValidAnnotation(a.Name) {
			return &Error{Command: "SETMETADATA", Host: c.host, Err: badArgument("bad name of an entry: " + a.Name)}
		}
	}
	return c.run(ctx, &command{name: "SETMETADATA", rule: rule{moves: true, class: "METADATA"}}, func(e *imap.Encoder) {
		e.SP().Mailbox(mailbox).SP().Metadata(values)
	})
}
