package mailcheck

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/spool"
)

// Notices stands before a Deliverer to other servers and signs what the queue writes itself, its notifications, which no session
// has brought: a domain that asks others to refuse what isn't signed would lose them.
type Notices struct {
	Next    mail.Deliverer
	Keys    *Keys
	Spooler *spool.Spooler
	Log     func(text string)
}

// Begin implements mail.Deliverer. What has a sender has been signed when it came in.
func (n *Notices) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	tx, err := n.Next.Begin(ctx, from, opts)
	if err != nil || from != "" {
		return tx, err
	}
	return &notice{tx, n}, nil
}

type notice struct {
	mail.Transaction
	n *Notices
}

// Relay implements what the queue asks of a transaction for its log.
func (t *notice) Relay() string {
	if r, ok := t.Transaction.(interface{ Relay() string }); ok {
		return r.Relay()
	}
	return ""
}

// Body implements mail.Transaction.
func (t *notice) Body(ctx context.Context, r io.Reader) error {
	b, err := t.n.Spooler.Read(r)
	if err != nil {
		return err
	}
	defer b.Close()
	signature := ""
	if !signed(b.NewReader()) {
		if signature, err = t.n.Keys.Sign(b.NewReader()); err != nil {
			t.n.Log("warning: a notification is not signed: " + err.Error())
			signature = ""
		}
	}
	return t.Transaction.Body(ctx, io.MultiReader(strings.NewReader(signature), b.NewReader()))
}

// signed reports whether a message has a signature already: a report of DMARC, or what a user sent from nobody.
func signed(r io.Reader) bool {
	head := make([]byte, 16<<10)
	n, _ := io.ReadFull(r, head)
	head, _, _ = bytes.Cut(head[:n], []byte("\r\n\r\n"))
	return bytes.Contains(bytes.ToLower(append([]byte("\r\n"), head...)), []byte("\r\ndkim-signature:"))
}
