package smtptest

import (
	"bytes"
	"context"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// session is one client's visit.
type session struct {
	srv  *Server
	conn *smtp.Conn
}

func (s *Server) newSession(ctx context.Context, c *smtp.Conn) (smtp.Session, error) {
	out := &session{srv: s, conn: c}
	return out, out.strike(ctx, Connect, "")
}

func (s *session) Close() error { return nil }

// Hello implements [smtp.HelloSession].
func (s *session) Hello(ctx context.Context, name string) error { return s.strike(ctx, Hello, name) }

// Extensions implements [smtp.Extender]: a catcher of mail can do all that needs nothing done.
func (s *session) Extensions() smtp.Extension {
	return smtp.RequireTLS | smtp.DeliverBy | smtp.MTPriority | smtp.RRVS | smtp.FutureRelease
}

// Begin implements [mail.Deliverer].
func (s *session) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	if err := s.strike(ctx, Mail, from); err != nil {
		return nil, err
	}
	m := &Message{
		Envelope: mail.Envelope{From: from, Options: *opts},
		Hello:    s.conn.Hello(), TLS: s.conn.TLS() != nil,
	}
	if id := s.conn.Identity(); id != nil {
		m.User = id.Username
	}
	return &transaction{s: s, m: m}, nil
}

type transaction struct {
	s *session
	m *Message
}

func (t *transaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	if err := t.s.strike(ctx, Recipient, to); err != nil {
		return err
	}
	t.m.Recipients = append(t.m.Recipients, mail.Recipient{Address: to, Options: *opts})
	return nil
}

// StartData implements [smtp.DataStarter].
func (t *transaction) StartData(ctx context.Context) error { return t.s.strike(ctx, Data, "") }

func (t *transaction) Body(ctx context.Context, r io.Reader) error {
	t.m.Protocol = t.s.conn.Protocol()
	if f := t.s.srv.fault(Body, ""); f != nil {
		r = &faultyReader{r: r, left: f.After, fail: func() error { return t.s.suffer(ctx, f) }}
	}
	var b bytes.Buffer
	_, err := b.ReadFrom(r)
	t.m.Data = b.Bytes()
	return err
}

func (t *transaction) Commit(ctx context.Context) ([]mail.Result, error) {
	var out []mail.Result
	ok := mail.Envelope{From: t.m.From, Options: t.m.Options}
	for _, r := range t.m.Recipients {
		res := mail.Result{Recipient: r.Address, Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok")}
		if err := t.s.strike(ctx, Done, r.Address); err != nil {
			res.Reply = mail.ReplyOf(err)
		} else {
			ok.Recipients = append(ok.Recipients, r)
		}
		out = append(out, res)
	}
	// SMTP has one reply for all: a message that is refused for one recipient is kept for none.
	if len(ok.Recipients) == len(out) || t.s.srv.Config.LMTP && len(ok.Recipients) > 0 {
		t.m.Envelope = ok
		t.s.srv.add(t.m)
	}
	return out, nil
}

func (t *transaction) Abort() error { return nil }
