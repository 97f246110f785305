package webmail

import (
	"archive/zip"
	"context"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
)

// zipAll sends all attachments of a message as one file. They go through one after the other and are never in memory as a whole.
func (q *request) zipAll() error {
	return q.withMessage(func(ctx context.Context, c *imapclient.Client, _ *imapclient.Mailbox, m *message) error {
		rest := parts.Choose(m.Structure, true).Rest
		if len(rest) == 0 {
			return notFound
		}
		q.fileHeaders("", q.subjectName(m)+".zip")
		z := zip.NewWriter(q.w)
		names := map[string]bool{}
		for _, l := range rest {
			h := &zip.FileHeader{Name: freeName(names, q.partName(l)), Method: zip.Deflate, Modified: m.InternalDate}
			w, err := z.CreateHeader(h)
			if err != nil {
				panic(http.ErrAbortHandler) // what is cut must not look whole
			}
			if q.stream(ctx, c, m.UID, imap.Section{Part: l.Number}, func(r io.Reader) {
				_, _ = io.Copy(w, mime.DecodeTransfer(l.Encoding, r)) // what can't be decoded ends there, as when it is saved by itself
			}) != nil {
				panic(http.ErrAbortHandler)
			}
		}
		_ = z.Close() // an error is of a browser that has gone
		return nil
	})
}

// freeName returns a name that no file before has, letters in whatever case.
func freeName(taken map[string]bool, name string) string {
	ext := path.Ext(name)
	for i := 2; taken[strings.ToLower(name)]; i++ {
		name = strings.TrimSuffix(name, ext)
		if k := strings.LastIndex(name, " ("); k > 0 && i > 2 {
			name = name[:k]
		}
		name += " (" + strconv.Itoa(i) + ")" + ext
	}
	taken[strings.ToLower(name)] = true
	return name
}

// subjectName is a file name for a message.
func (q *request) subjectName(m *message) string {
	name := strings.NewReplacer("/", "-", `\`, "-").Replace(clean(decodeText(m.header.Get("Subject")), 100))
	if name == "" {
		return q.T("message.file")
	}
	return name
}
