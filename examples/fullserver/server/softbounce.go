package server

import (
	"context"
	"errors"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/smtp"
)

// softened is what soft_bounce makes of a backend: whatever it refuses for good it refuses for now, and nobody's mail comes back while an
// operator tries something.
type softened struct{ b *intake.Backend }

// NewSession implements smtp.Backend.
func (b softened) NewSession(ctx context.Context, c *smtp.Conn) (smtp.Session, error) {
	s, err := b.b.NewSession(ctx, c)
	if err != nil {
		return nil, soften(err)
	}
	return &softSession{s}, nil
}

// soften makes a permanent failure a temporary one. Other errors stay as they are.
func soften(err error) error {
	if r, ok := errors.AsType[*mail.Reply](err); ok && r.Permanent() {
		return softReply(r)
	}
	return err
}

func softReply(r *mail.Reply) *mail.Reply {
	if r == nil || !r.Permanent() {
		return r
	}
	soft := *r
	soft.Code -= 100
	if soft.Enhanced[0] == 5 {
		soft.Enhanced[0] = 4
	}
	return &soft
}

type softSession struct{ smtp.Session }

func (s *softSession) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	tx, err := s.Session.Begin(ctx, from, opts)
	if err != nil {
		return nil, soften(err)
	}
	return softTransaction{tx}, nil
}

// Verify implements smtp.Verifier.
func (s *softSession) Verify(ctx context.Context, name string) *smtp.Reply {
	if v, ok := s.Session.(smtp.Verifier); ok {
		return softReply(v.Verify(ctx, name))
	}
	return nil
}

// Flush implements smtp.Flusher.
func (s *softSession) Flush(ctx context.Context, destination string) *smtp.Reply {
	if f, ok := s.Session.(smtp.Flusher); ok {
		return softReply(f.Flush(ctx, destination))
	}
	return mail.NewReply(458, mail.EnhancedCode{4, 3, 0}, "Unable to queue messages for "+destination)
}

// Hello implements smtp.HelloSession.
func (s *softSession) Hello(ctx context.Context, name string) error {
	if h, ok := s.Session.(smtp.HelloSession); ok {
		return soften(h.Hello(ctx, name))
	}
	return nil
}

// Command implements smtp.CommandSession.
func (s *softSession) Command(ctx context.Context, verb, args string) *smtp.Reply {
	if c, ok := s.Session.(smtp.CommandSession); ok {
		return softReply(c.Command(ctx, verb, args))
	}
	return nil
}

type softTransaction struct{ mail.Transaction }

// StartData implements smtp.DataStarter.
func (t softTransaction) StartData(ctx context.Context) error {
	if d, ok := t.Transaction.(smtp.DataStarter); ok {
		return soften(d.StartData(ctx))
	}
	return nil
}

func (t softTransaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	return soften(t.Transaction.Recipient(ctx, to, opts))
}

func (t softTransaction) Body(ctx context.Context, r io.Reader) error {
	return soften(t.Transaction.Body(ctx, r))
}

func (t softTransaction) Commit(ctx context.Context) ([]mail.Result, error) {
	results, err := t.Transaction.Commit(ctx)
	for i := range results {
		results[i].Reply = softReply(results[i].Reply)
	}
	return results, soften(err)
}
