package server

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/smtp/rewrite"
)

// generic shows other servers the addresses of smtp_generic_maps, in envelope and header.
type generic struct {
	next    mail.Deliverer
	rules   *rewrite.Rules
	spooler *spool.Spooler
}

// Begin implements mail.Deliverer.
func (g *generic) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	out, err := g.rules.Generic(ctx, from)
	if err != nil {
		return nil, rewrite.ReplyOf(from, err)
	}
	tx, err := g.next.Begin(ctx, out, opts)
	if err != nil {
		return nil, err
	}
	return &genericTransaction{Transaction: tx, g: g}, nil
}

type genericTransaction struct {
	mail.Transaction
	g    *generic
	to   []string // as the queue has them
	body *spool.Buffer
}

// Relay names the peer in the log.
func (t *genericTransaction) Relay() string {
	if r, ok := t.Transaction.(interface{ Relay() string }); ok {
		return r.Relay()
	}
	return ""
}

// Recipient implements mail.Transaction.
func (t *genericTransaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	out, err := t.g.rules.Generic(ctx, to)
	if err != nil {
		return rewrite.ReplyOf(to, err)
	}
	if err := t.Transaction.Recipient(ctx, out, opts); err != nil {
		return err
	}
	t.to = append(t.to, to)
	return nil
}

// maxGenericHeader is how much of a message may be its header for addresses in it to be rewritten.
const maxGenericHeader = 1 << 20

// Body implements mail.Transaction.
func (t *genericTransaction) Body(ctx context.Context, r io.Reader) error {
	head, err := readHeader(r)
	if err != nil {
		return err
	}
	end := len(head)
	if i := bytes.Index(head, []byte("\r\n\r\n")); i >= 0 {
		end = i + 2
	}
	out, err := rewrite.Header(head[:end], func(a string, _ rewrite.Kind) (string, error) { return t.g.rules.Generic(ctx, a) })
	if err != nil {
		return rewrite.ReplyOf("", err)
	}
	// The next hop may want to read it more than once.
	if t.body, err = t.g.spooler.Read(io.MultiReader(bytes.NewReader(out), bytes.NewReader(head[end:]), r)); err != nil {
		return err
	}
	return t.Transaction.Body(ctx, t.body.NewReader())
}

// readHeader reads up to the empty line behind the header, or as much of it as may be kept.
func readHeader(r io.Reader) ([]byte, error) {
	var b []byte
	one := make([]byte, 4096)
	for len(b) < maxGenericHeader {
		n, err := r.Read(one)
		b = append(b, one[:n]...)
		if bytes.Contains(b[max(0, len(b)-n-3):], []byte("\r\n\r\n")) || errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Commit implements mail.Transaction.
func (t *genericTransaction) Commit(ctx context.Context) ([]mail.Result, error) {
	defer t.body.Close()
	results, err := t.Transaction.Commit(ctx)
	for i := range results {
		if i < len(t.to) {
			results[i].Recipient = t.to[i]
		}
	}
	return results, err
}

// Abort implements mail.Transaction.
func (t *genericTransaction) Abort() error {
	return errors.Join(t.Transaction.Abort(), t.body.Close())
}
