package imapserver

import (
	"bytes"
	"context"
	"errors"
	"io"

	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// piece is what an IMAP URL names: a message, or a section or a range of one.
type piece struct {
	io.Reader
	size int64
	f    *fetch
	box  mail.Mailbox // to be closed with it; nil when it is the session's
}

func (p *piece) Close() {
	p.f.closeBody()
	if p.box != nil {
		_ = p.box.Close()
	}
}

// openURL opens what a URL within the session's account names (RFC 4469 section 3). The error is NO with BADURL.
func (c *Conn) openURL(ctx context.Context, url string) (*piece, error) {
	u, err := imap.ParseURL(url)
	if err == nil && (u.Host != "" || u.Access != "" || !u.Expire.IsZero() || u.UID == 0) {
		err = errors.New("not a message of this account")
	}
	if err == nil && u.Partial != nil && c.isDisabled(imap.CapURLPartial) {
		err = errors.New("PARTIAL is not supported")
	}
	if err != nil {
		return nil, badURL(url, err)
	}
	var box, own mail.Mailbox
	switch {
	case u.Mailbox == "" && c.sel == nil:
		return nil, badURL(url, errors.New("no mailbox is selected"))
	case u.Mailbox == "":
		box = c.sel.box
	default:
		name := norm.NFC.String(u.Mailbox)
		if _, err = c.access(ctx, name, needSelect, 0); err != nil {
			return nil, badURL(url, err)
		}
		if own, err = c.account.Open(ctx, name); err != nil {
			return nil, badURL(url, err)
		}
		box = own
	}
	p, err := c.srv.openPiece(ctx, box, u)
	if err != nil {
		if own != nil {
			_ = own.Close()
		}
		return nil, badURL(url, err)
	}
	p.box = own
	return p, nil
}

// openPiece opens the message of a mailbox that a URL names. The \Seen flag stays as it is.
func (s *Server) openPiece(ctx context.Context, box mail.Mailbox, u *imap.URL) (*piece, error) {
	if u.UIDValidity != 0 {
		state, err := box.State(ctx)
		if err != nil {
			return nil, err
		}
		if state.UIDValidity != u.UIDValidity {
			return nil, errors.New("UIDVALIDITY is another")
		}
	}
	item := &imap.FetchItem{Att: imap.FetchBodySection, Section: u.Section}
	f := &fetch{srv: s, box: box, m: &mail.Message{UID: u.UID}, needIndex: true}
	err := f.openBody(ctx)
	if err == nil && !isWhole(*item) {
		for m, merr := range box.Messages(ctx, mail.UIDRangeSet(u.UID, u.UID), mail.FieldIndex) {
			if err = merr; err == nil {
				f.m.Index = m.Index
			}
		}
		if err == nil {
			err = f.openIndex(ctx)
		}
	}
	var p *piece
	if err == nil {
		p, err = f.piece(item)
	}
	if err != nil {
		f.closeBody()
		return nil, err
	}
	p.cut(u.Partial)
	return p, nil
}

// piece returns what an item of an open message shows.
func (f *fetch) piece(item *imap.FetchItem) (*piece, error) {
	span, ok := f.locate(item)
	switch {
	case !ok:
		return nil, errors.New("no such section")
	case item.Section.Spec == imap.SectionFields, item.Section.Spec == imap.SectionFieldsExcept:
		fields, err := f.namedFields(item, span)
		return &piece{Reader: bytes.NewReader(fields), size: int64(len(fields)), f: f}, err
	}
	return &piece{Reader: io.NewSectionReader(f.body, span.Offset, span.Size), size: span.Size, f: f}, nil
}

// cut narrows a piece to a range of its octets (RFC 5092 section 6.1.1). One that begins behind the end is empty.
func (p *piece) cut(r *imap.Partial) {
	if r == nil {
		return
	}
	from := min(int64(r.Offset), p.size)
	p.size -= from
	if r.Size > 0 {
		p.size = min(p.size, int64(r.Size))
	}
	if s, ok := p.Reader.(interface {
		io.ReaderAt
		io.Reader
	}); ok {
		p.Reader = io.NewSectionReader(s, from, p.size)
	}
}

// badURL is the answer to a URL that can't be resolved. Why is for the log: a stranger's mailboxes are not to be probed.
func badURL(url string, err error) *imap.Status {
	return &imap.Status{Type: imap.NO, Code: imap.CodeBadURL, Arg: urlText(url), Text: "URL can't be resolved.", Err: err}
}

// urlText makes a URL fit for a response code: url-resp-text (RFC 4469 section 5).
func urlText(url string) string {
	const digits = "0123456789ABCDEF"
	var b []byte
	for i := range min(len(url), 1000) {
		if c := url[i]; c <= ' ' || c >= 0x7f || c == ']' || c == '\\' {
			b = append(b, '%', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}
