package webmail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

// inlineType returns the type under which a picture may be shown in a page; "": it may not.
func inlineType(subtype string) string {
	switch subtype {
	case "png", "gif", "webp":
		return "image/" + subtype
	case "jpeg", "jpg", "pjpeg":
		return "image/jpeg"
	}
	return ""
}

// magic returns the picture type that the first octets are of, "" for all that isn't shown in a page: whatever a sender calls it.
func magic(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "image/gif"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}

// part sends a part of a message: as a file to save, or where it is asked for and is a picture, to show.
func (q *request) part() error {
	return q.withMessage(func(ctx context.Context, c *imapclient.Client, _ *imapclient.Mailbox, m *message) error {
		l, ok := parts.Find(m.Structure, q.r.PathValue("part"))
		if !ok {
			return notFound
		}
		if q.r.URL.Query().Get("show") == "text" && l.IsText() {
			return q.showText(ctx, c, m, l)
		}
		return q.stream(ctx, c, m.UID, imap.Section{Part: l.Number}, func(r io.Reader) {
			b := bufio.NewReaderSize(mime.DecodeTransfer(l.Encoding, r), 64<<10)
			first, _ := b.Peek(16)
			kind := ""
			if q.r.URL.Query().Get("show") == "1" {
				kind = magic(first)
			}
			q.fileHeaders(kind, q.partName(l))
			_, _ = b.WriteTo(q.w) // an error is of a browser that has gone
		})
	})
}

// showText shows a part as the text that it is, in UTF-8: whatever it is called, browsers take it for nothing else.
func (q *request) showText(ctx context.Context, c *imapclient.Client, m *message, l parts.Leaf) error {
	texts, err := q.readTexts(ctx, c, m.UID, []parts.Leaf{l})
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		return mail.ErrExpunged
	}
	q.plainHeaders(q.partName(l))
	return q.write(http.StatusOK, []byte(texts[0].text))
}

// fileHeaders sets the headers of what a stranger has sent: nothing of it is ever a page of this site. kind is that of a picture to show, ""
// for a file to save.
func (q *request) fileHeaders(kind, name string) {
	h := q.w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	how := "inline"
	if kind == "" {
		kind, how = "application/octet-stream", "attachment"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(how, name))
}

// disposition writes a Content-Disposition for a browser (RFC 6266): the name in UTF-8, and one in ASCII for who can't read that.
func disposition(how, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f || strings.ContainsRune(`"\/%;`, r) {
			return '_'
		}
		return r
	}, name)
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return how + `; filename="` + plain + `"; filename*=UTF-8''` + b.String()
}

// stream fetches a section and calls send with it, once it is there.
func (q *request) stream(ctx context.Context, c *imapclient.Client, uid mail.UID, s imap.Section, send func(io.Reader)) error {
	found := false
	opts := &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(s)}, Stream: true}
	for m, err := range c.Fetch(ctx, imapclient.UID(uid), opts) {
		if err != nil && found {
			panic(http.ErrAbortHandler) // a file that is cut must not look whole
		}
		if err != nil {
			return err
		}
		if m.Body != nil {
			found = true
			r := &source{r: m.Body}
			if send(r); r.err != nil {
				panic(http.ErrAbortHandler)
			}
		} else if b, ok := m.Section(s); ok {
			found = true
			send(bytes.NewReader(b))
		}
	}
	if !found {
		return mail.ErrExpunged
	}
	return nil
}

// source remembers why a stream ended too soon.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// sendWhole sends the message's octets, or a section of them.
func (q *request) sendWhole(s imap.Section, headers func(name string)) error {
	return q.withMessage(func(ctx context.Context, c *imapclient.Client, _ *imapclient.Mailbox, m *message) error {
		name := q.subjectName(m)
		return q.stream(ctx, c, m.UID, s, func(r io.Reader) {
			headers(name)
			_, _ = io.Copy(q.w, r)
		})
	})
}

// source shows the message as it came.
func (q *request) source() error {
	return q.sendWhole(imap.Section{}, func(name string) { q.plainHeaders(name + ".txt") })
}

// headers shows all header fields as they came.
func (q *request) headers() error {
	return q.sendWhole(imap.Section{Spec: imap.SectionHeader}, func(name string) { q.plainHeaders(name + ".txt") })
}

// eml sends the message as a file.
func (q *request) eml() error {
	return q.sendWhole(imap.Section{}, func(name string) { q.fileHeaders("", name+".eml") })
}

// plainHeaders are those of a text to look at.
func (q *request) plainHeaders(name string) {
	q.fileHeaders("text/plain; charset=utf-8", name)
}
