package webmail

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
	"github.com/buuta/mail/mime/mailhtml"
)

// sandbox is what a mail's document and its frame may do: be looked at from this site, so that the frame can be made as high as its content,
// and open links in new windows. Never scripts.
const sandbox = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"

// shownText is a part of a message as text in UTF-8.
type shownText struct {
	leaf parts.Leaf
	text string
	cut  bool
}

// readTexts fetches parts that are texts.
func (q *request) readTexts(ctx context.Context, c *imapclient.Client, uid mail.UID, leaves []parts.Leaf) ([]shownText, error) {
	if len(leaves) == 0 {
		return nil, nil
	}
	var items []imap.FetchItem
	left := q.limits.Text
	for _, l := range leaves {
		item := imapclient.Peek(imap.Section{Part: l.Number})
		item.Partial = &imap.Partial{Size: uint32(min(left*2, 1<<31))} // what transfer encodings add at most
		items = append(items, item)
	}
	m, err := c.FetchOne(ctx, uid, items...)
	if err != nil {
		return nil, err
	}
	var out []shownText
	for _, l := range leaves {
		raw, ok := m.Section(imap.Section{Part: l.Number})
		if !ok || left <= 0 {
			continue
		}
		t := shownText{leaf: l, cut: int64(len(raw)) < l.Body.Size}
		r := mime.NewCharsetReader(l.Param("charset"), mime.DecodeTransfer(l.Encoding, bytes.NewReader(raw)), charset.NewReader)
		b, _ := io.ReadAll(io.LimitReader(r, left+1)) // what can't be decoded ends the text
		if int64(len(b)) > left {
			b, t.cut = b[:left], true
		}
		left -= int64(len(b))
		t.text = strings.ToValidUTF8(string(b), "\ufffd")
		if l.IsText() && strings.EqualFold(l.Param("format"), "flowed") {
			t.text = mime.Unflow(t.text, strings.EqualFold(l.Param("delsp"), "yes"))
		}
		out = append(out, t)
	}
	return out, nil
}

// safeBody makes a message's HTML safe, within a document of its own. url is the message's address.
func (q *request) safeBody(ctx context.Context, c *imapclient.Client, m *message, b parts.Body, url string) (*mailhtml.Result, error) {
	texts, err := q.readTexts(ctx, c, m.UID, b.Show)
	if err != nil {
		return nil, err
	}
	from := ""
	if list := persons(m.header.Addresses("From")); len(list) > 0 {
		from = strings.ToLower(list[0].Addr)
	}
	return sanitize(texts, partURLs(parts.All(m.Structure), url), q.remoteImages(url, from)), nil
}

// partURLs returns the addresses of the pictures of a message by their Content-ID.
func partURLs(leaves []parts.Leaf, url string) map[string]string {
	out := map[string]string{}
	for _, l := range leaves {
		if id := l.ContentID(); id != "" && l.Type == "image" {
			if _, twice := out[id]; !twice {
				out[id] = url + "/part/" + l.Section() + "?show=1"
			}
		}
	}
	return out
}

// remoteImages says where the browser finds a picture from elsewhere that a message wants; nil: it is shown none.
func (q *request) remoteImages(url, from string) func(remote string) string {
	switch {
	case !q.imagesAllowed(url, from):
		return nil
	case q.pictures == nil:
		return func(remote string) string { return remote }
	}
	return func(remote string) string { return q.pictureURL(url, remote) }
}

// sanitize makes one document of the texts that are shown. One that is HTML alone keeps its own body; of several each becomes a block.
func sanitize(texts []shownText, cids map[string]string, remote func(string) string) *mailhtml.Result {
	s := &mailhtml.Sanitizer{Mode: mailhtml.Document, Image: func(i mailhtml.Image) string {
		switch {
		case i.Kind == mailhtml.ImageCID:
			return cids[i.ContentID]
		case i.Kind == mailhtml.ImageRemote && remote != nil:
			return remote(i.URL)
		}
		return ""
	}}
	if len(texts) == 1 && texts[0].leaf.IsHTML() {
		return s.Sanitize([]byte(texts[0].text))
	}
	s.Mode = mailhtml.Fragment
	out := &mailhtml.Result{HTML: []byte("<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body>")}
	for _, t := range texts {
		if !t.leaf.IsHTML() {
			out.HTML = append(out.HTML, mailhtml.FromText(t.text, "m-")...)
			continue
		}
		r := s.Sanitize([]byte(t.text))
		out.HTML = append(out.HTML, r.HTML...)
		out.Blocked += r.Blocked
		out.Remote += r.Remote
		out.ContentIDs = append(out.ContentIDs, r.ContentIDs...)
	}
	out.HTML = append(out.HTML, "</body></html>"...)
	return out
}

// bodyPolicy sets the headers of a document that a stranger has written. images are where pictures may come from besides the page itself.
func (q *request) bodyPolicy(images string) {
	h := q.w.Header()
	h.Set("Content-Security-Policy", "sandbox "+sandbox+"; default-src 'none'; style-src 'unsafe-inline'; img-src data: "+images+
		"; form-action 'none'; base-uri 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
}

// origin returns where this page is, as a policy names it.
func (q *request) origin() string {
	if q.secure(q.r) {
		return "https://" + q.r.Host
	}
	return "http://" + q.r.Host
}

// body is the document with a message's HTML, for its frame.
func (q *request) body() error {
	name, err := q.folder()
	if err != nil {
		return err
	}
	var doc []byte
	url, remote := "", false
	err = q.withMessage(func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox, m *message) error {
		url = messageURL(name, m.UID)
		r, err := q.safeBody(ctx, c, m, parts.Choose(m.Structure, true), url)
		if err != nil {
			return err
		}
		doc = r.HTML
		remote = r.Remote > r.Blocked
		return nil
	})
	if err != nil {
		return err
	}
	images := q.origin() + url + "/part/"
	switch {
	case remote && q.pictures == nil:
		images += " https: http:"
	case remote:
		images += " " + q.origin() + url + "/image"
	}
	q.bodyPolicy(images)
	return q.write(http.StatusOK, doc)
}
