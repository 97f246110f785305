package webmail

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"slices"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

// file is an attachment in memory.
type file struct {
	name, kind, cid string
	data            []byte
}

// uploads reads the files that came with the form.
func (q *request) uploads() ([]file, error) {
	var out []file
	if q.r.MultipartForm == nil {
		return nil, nil
	}
	for _, h := range q.r.MultipartForm.File["file"] {
		f, err := readUpload(h)
		if err != nil {
			return nil, err
		}
		if f.name != "" || len(f.data) > 0 { // browsers send an empty one where none is chosen
			out = append(out, f)
		}
	}
	return out, nil
}

func readUpload(h *multipart.FileHeader) (file, error) {
	r, err := h.Open()
	if err != nil {
		return file{}, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	kind := h.Header.Get("Content-Type")
	if ct, e := mime.ParseContentType(kind); e != nil || ct.Type == "multipart" || ct.Type == "message" {
		kind = "application/octet-stream"
	}
	return file{name: clean(h.Filename, 200), kind: kind, data: b}, err
}

// kept reads the attachments that stay: those of the draft, or of the message that is passed on for the first time.
func (q *request) kept(ctx context.Context, c *imapclient.Client, l *letter) ([]file, error) {
	if len(l.Keep) == 0 {
		return nil, nil
	}
	m, err := q.fetchKept(ctx, c, l)
	if err != nil || m == nil {
		return nil, err
	}
	var out []file
	var total int64
	if l.Draft == 0 && slices.Contains(l.Keep, whole) {
		if m.Size > q.limits.Upload {
			return nil, tooLarge
		}
		got, err := c.FetchOne(ctx, m.UID, imapclient.Peek(imap.Section{}))
		if err != nil {
			return nil, err
		}
		raw, _ := got.Section(imap.Section{})
		out = append(out, file{name: q.subjectName(m) + ".eml", kind: "message/rfc822", data: raw})
	}
	for _, leaf := range parts.All(m.Structure) {
		if !slices.Contains(l.Keep, leaf.Section()) {
			continue
		}
		if total += leaf.Body.Size; total > q.limits.Upload*3/2 { // in base64
			return nil, tooLarge
		}
		s := imap.Section{Part: leaf.Number}
		got, err := c.FetchOne(ctx, m.UID, imapclient.Peek(s))
		if err != nil {
			return nil, err
		}
		raw, _ := got.Section(s)
		b, err := io.ReadAll(mime.DecodeTransfer(leaf.Encoding, bytes.NewReader(raw)))
		if err != nil {
			return nil, err
		}
		kind := leaf.MediaType()
		if cs := leaf.Param("charset"); cs != "" {
			kind = mime.FormatParams(kind, []mime.Param{{Name: "charset", Value: cs}})
		}
		out = append(out, file{name: q.partName(leaf), kind: kind, cid: leaf.ContentID(), data: b})
	}
	return out, nil
}

// fetchKept fetches the message that the kept attachments are of.
func (q *request) fetchKept(ctx context.Context, c *imapclient.Client, l *letter) (*message, error) {
	if l.Draft == 0 {
		if l.Ref.Mode != "forward" {
			return nil, nil
		}
		return q.fetchRef(ctx, c, l.Ref)
	}
	box, err := selectFolder(ctx, c, l.Folder)
	if err != nil {
		return nil, err
	}
	if box.UIDValidity != l.Validity {
		return nil, changed
	}
	return fetchMessage(ctx, c, l.Draft)
}

// listAttachments shows the kept attachments in the form again.
func (q *request) listAttachments(ctx context.Context, c *imapclient.Client, d *composeData) error {
	m, err := q.fetchKept(ctx, c, d.Letter)
	if err != nil || m == nil {
		return err
	}
	url := d.Letter.Ref.URL()
	if d.Letter.Draft != 0 {
		url = messageURL(d.Letter.Folder, d.Letter.Draft)
	}
	if d.Letter.Draft == 0 && slices.Contains(d.Letter.Keep, whole) {
		d.Attachments = append(d.Attachments, q.wholeView(m, d.Letter.Ref.Folder))
	}
	for _, a := range q.attachmentsOf(m, url) {
		if slices.Contains(d.Letter.Keep, a.section()) {
			d.Attachments = append(d.Attachments, a)
		}
	}
	return nil
}

// files returns all attachments of a letter.
func (q *request) files(ctx context.Context, c *imapclient.Client, l *letter) ([]file, error) {
	out, err := q.kept(ctx, c, l)
	if err != nil {
		return nil, err
	}
	more, err := q.uploads()
	if err != nil {
		return nil, err
	}
	out = append(out, more...)
	var total int64
	for _, f := range out {
		total += int64(len(f.data))
	}
	if total > q.limits.Upload {
		return nil, tooLarge
	}
	return out, nil
}
