package webmail

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

// Header fields of drafts, which never go out: what a draft answers, whether it quotes that, recipients that can't be read yet.
const (
	fieldRef   = "X-Buuta-Ref"
	fieldQuote = "X-Buuta-Quote"
	fieldDSN   = "X-Buuta-Receipt"
	fieldRaw   = "X-Buuta-Draft-" // and To, Cc or Bcc
)

// builder makes the message but for recipients and text.
func (q *request) builder(l *letter, files []file) (*mime.Builder, error) {
	from, err := q.identities()[l.From].Address()
	if err != nil {
		return nil, err
	}
	b := &mime.Builder{From: []mime.Address{from}, Subject: l.Subject, Date: q.cfg.Now().In(q.zone)}
	for _, f := range files {
		b.Attachments = append(b.Attachments, mime.File{Filename: f.name, Type: f.kind, ContentID: f.cid, Content: bytes.NewReader(f.data)})
	}
	return b, nil
}

// setReferences makes the letter an answer (RFC 5322 section 3.6.4).
func (q *request) setReferences(b *mime.Builder, l *letter, m *message) {
	if m == nil || l.Ref.Mode == "forward" {
		return
	}
	r := q.plainMessage(m).Reply(mime.ReplyOptions{})
	b.InReplyTo, b.References = r.InReplyTo, r.References
}

// saveDraft keeps the letter in the drafts folder, in place of what was kept before, and says where in l.
func (q *request) saveDraft(l *letter) error {
	defer q.forgetCounts()
	return q.do(func(ctx context.Context, c *imapclient.Client) error {
		files, err := q.files(ctx, c, l)
		if err != nil {
			return err
		}
		b, err := q.builder(l, files)
		if err != nil {
			return err
		}
		if b.Text = l.Body; l.HTML != "" {
			b.HTML = document(l.HTML)
		}
		for _, f := range []struct {
			name, value string
			list        *[]mime.Address
		}{{"To", l.To, &b.To}, {"Cc", l.Cc, &b.Cc}, {"Bcc", l.Bcc, nil}} {
			list, bad := parseRecipients(f.value)
			switch {
			case bad != "":
				err = b.Header.Add(fieldRaw+f.name, f.value)
			case f.list != nil:
				*f.list = list
			default:
				err = b.Header.AddAddresses(f.name, list)
			}
			if err != nil {
				return err
			}
		}
		if l.Receipt {
			_ = b.Header.Add(fieldDSN, "yes")
		}
		if l.Ref.Mode != "" {
			if err := b.Header.Add(fieldRef, l.Ref.String()); err != nil {
				return err
			}
			if l.Quote {
				_ = b.Header.Add(fieldQuote, "yes")
			}
		}
		var msg bytes.Buffer
		if _, err := b.WriteTo(&msg); err != nil {
			return err
		}
		return q.putDraft(ctx, c, l, msg.Bytes())
	})
}

// putDraft adds the draft, or replaces the one before.
func (q *request) putDraft(ctx context.Context, c *imapclient.Client, l *letter, msg []byte) error {
	draft := imapclient.NewDraft(msg, `\Draft`, `\Seen`)
	var added mail.Appended
	var err error
	if l.Draft != 0 {
		box, err := selectFolder(ctx, c, l.Folder)
		if err != nil {
			return err
		}
		if box.UIDValidity != l.Validity {
			return changed
		}
		if added, err = c.Replace(ctx, l.Draft, l.Folder, draft); err != nil {
			if _, gone := c.FetchOne(ctx, l.Draft, imapclient.Items(imap.FetchFlags)...); gone == nil || c.Err() != nil {
				return err
			}
			l.Draft = 0 // somebody has deleted it meanwhile: it is added anew
		}
	}
	if l.Draft == 0 {
		if l.Folder, err = q.ensureUse(ctx, c, mail.UseDrafts); err != nil {
			return err
		}
		if added, err = c.Append(ctx, l.Folder, draft); err != nil {
			return err
		}
	}
	if len(added.UIDs) == 1 {
		l.Draft, l.Validity = added.UIDs[0], added.UIDValidity
		return nil
	}
	return q.findDraft(ctx, c, l, msg) // a server without UIDPLUS
}

// findDraft looks for a draft by its Message-ID.
func (q *request) findDraft(ctx context.Context, c *imapclient.Client, l *letter, msg []byte) error {
	box, err := selectFolder(ctx, c, l.Folder)
	if err != nil {
		return err
	}
	ids := mime.ParseHeader(msg, nil).MessageIDs("Message-ID")
	if len(ids) == 0 {
		return notFound
	}
	r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchHeader, Field: "Message-ID", Value: ids[0]}, nil)
	if err != nil {
		return err
	}
	for u := range r.UIDs.All() {
		l.Draft = u
	}
	l.Validity = box.UIDValidity
	return nil
}

// openDraft fills the form from a draft.
func (q *request) openDraft(ctx context.Context, c *imapclient.Client, d *composeData, uid, folder string) error {
	box, m, err := messageAt(ctx, c, folder, uid)
	if err != nil {
		return err
	}
	l := d.Letter
	l.Draft, l.Validity, l.Folder = m.UID, box.UIDValidity, folder
	l.Subject = clean(decodeText(m.header.Get("Subject")), 1000)
	for _, f := range []struct {
		name string
		to   *string
	}{{"To", &l.To}, {"Cc", &l.Cc}, {"Bcc", &l.Bcc}} {
		if *f.to = formAddresses(m.header.Addresses(f.name)); m.header.Has(fieldRaw + f.name) {
			*f.to = clean(m.header.Text(fieldRaw+f.name), 4000)
		}
	}
	for a := range mime.Mailboxes(m.header.Addresses("From")) {
		l.From = max(0, slices.IndexFunc(d.Identities, func(i prefs.Identity) bool { return strings.EqualFold(i.Email, a.Addr()) }))
	}
	l.Ref, l.Quote = parseReference(m.header.Text(fieldRef)), m.header.Get(fieldQuote) == "yes"
	l.Receipt = m.header.Get(fieldDSN) == "yes"
	texts, err := q.readTexts(ctx, c, m.UID, parts.Choose(m.Structure, false).Show)
	if err != nil {
		return err
	}
	for _, t := range texts {
		l.Body += strings.ReplaceAll(t.text, "\r\n", "\n")
	}
	if err := q.readHTML(ctx, c, l, m); err != nil {
		return err
	}
	d.Attachments = q.attachmentsOf(m, messageURL(folder, m.UID))
	for _, a := range d.Attachments {
		l.Keep = append(l.Keep, a.section())
	}
	return nil
}

// dropDraft removes what was kept of a letter.
func (q *request) dropDraft(l *letter) error {
	if l.Draft == 0 {
		return nil
	}
	defer q.forgetCounts()
	return q.in(l.Folder, func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox) error {
		if box.UIDValidity != l.Validity {
			return nil
		}
		set := imapclient.UID(l.Draft)
		if _, err := c.Store(ctx, set, mail.FlagsAdd, mail.NewFlags(`\Deleted`), &imapclient.StoreOptions{Silent: true}); err != nil {
			return err
		}
		if c.Has(imap.CapUIDPlus) {
			return c.ExpungeSet(ctx, set)
		}
		return nil // an EXPUNGE would take others' with it
	})
}
