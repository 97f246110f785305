package server

import (
	"context"
	"errors"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/spool"
)

// checked changes messages on their way to other servers as smtp_header_checks and their like say.
type checked struct {
	next    mail.Deliverer
	checks  *checks.Checker
	spooler *spool.Spooler
	note    func(string)
}

// Begin implements mail.Deliverer.
func (c *checked) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	tx, err := c.next.Begin(ctx, from, opts)
	if err != nil {
		return nil, err
	}
	return &checkedTransaction{Transaction: tx, c: c}, nil
}

type checkedTransaction struct {
	mail.Transaction
	c    *checked
	body *spool.Buffer
}

// Relay names the peer in the log.
func (t *checkedTransaction) Relay() string {
	if r, ok := t.Transaction.(interface{ Relay() string }); ok {
		return r.Relay()
	}
	return ""
}

// Body implements mail.Transaction. A table that fails means that the message waits.
func (t *checkedTransaction) Body(ctx context.Context, r io.Reader) error {
	in := t.c.checks.NewReader(ctx, r, t.c.note)
	var err error
	if t.body, err = t.c.spooler.Read(in); err != nil { // the next hop may want to read it more than once
		return err
	}
	if in.Verdict.Reject != nil {
		return in.Verdict.Reject
	}
	return t.Transaction.Body(ctx, t.body.NewReader())
}

// Commit implements mail.Transaction.
func (t *checkedTransaction) Commit(ctx context.Context) ([]mail.Result, error) {
	defer t.body.Close()
	return t.Transaction.Commit(ctx)
}

// Abort implements mail.Transaction.
func (t *checkedTransaction) Abort() error {
	return errors.Join(t.Transaction.Abort(), t.body.Close())
}
