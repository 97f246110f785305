package intake

import (
	"context"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/milter"
)

// MilterLog is a Log that wants to know which refusals are milters'.
type MilterLog interface {
	// MilterRefused is called before the client is told so.
	MilterRefused(c *smtp.Conn, r *mail.Reply)
}

// filtering is what milters are told of a session.
type filtering struct {
	*milter.Session
	s *session
	t *transaction // the message at hand

	connect, hello *mail.Reply // what refuses every MAIL, as Postfix has it with smtpd_delay_reject

	address string // of the recipient, or sender, that macros are about
	mailer  string
	host    string
}

// openFilters connects the session's milters.
func (s *session) openFilters(ctx context.Context) *mail.Reply {
	list := s.b.Milters
	if s.b.MiltersFor != nil {
		if own, ok := s.b.MiltersFor(ctx, s.c); ok {
			list = own
		}
	}
	if len(list) == 0 {
		return nil
	}
	f := &filtering{s: s}
	f.Session = milter.Open(list, f.macro)
	s.filters = f
	name := s.c.ClientName()
	addr := s.c.RemoteAddr()
	if a, ok := addr.(*net.TCPAddr); ok {
		if name == "" || name == "unknown" {
			name = "[" + a.IP.String() + "]"
		}
	} else {
		name = "localhost"
	}
	f.connect = s.refusal(f.Connect(ctx, name, addr))
	return hangsUp(f.connect)
}

// hangsUp is a reply that is said at once because it ends the session, and nil for others.
func hangsUp(r *mail.Reply) *mail.Reply {
	if r != nil && r.Code == 421 {
		return r
	}
	return nil
}

// refusal is what a verdict refuses with, nil for nothing. A milter that can't be asked is told of in the log.
func (s *session) refusal(v milter.Verdict) *mail.Reply {
	if v.Err != nil && s.b.Note != nil && v.Err != s.filterErr {
		s.filterErr = v.Err // once
		s.b.Note("NOQUEUE", "warning: milter "+v.Filter+": "+v.Err.Error())
	}
	if v.Reply == nil {
		return nil
	}
	if l, ok := s.b.Log.(MilterLog); ok {
		l.MilterRefused(s.c, v.Reply)
	}
	return v.Reply
}

// Hello implements smtp.HelloSession: milters want to know it at once.
func (s *session) Hello(ctx context.Context, name string) error {
	if s.filters == nil || s.filters.connect != nil {
		return nil
	}
	s.filters.hello = s.refusal(s.filters.Session.Hello(ctx, name))
	if r := hangsUp(s.filters.hello); r != nil {
		return r
	}
	return nil
}

// Command implements smtp.CommandSession: milters may have a word for a command that nobody knows.
func (s *session) Command(ctx context.Context, verb, args string) *mail.Reply {
	if s.filters == nil {
		return nil
	}
	return s.refusal(s.filters.Unknown(ctx, strings.TrimRight(verb+" "+args, " ")))
}

// filterMail tells milters of MAIL.
func (t *transaction) filterMail(ctx context.Context, from string) error {
	f := t.s.filters
	if f == nil {
		return nil
	}
	for _, r := range []*mail.Reply{f.connect, f.hello} {
		if r != nil {
			return r
		}
	}
	f.t, f.address, f.mailer, f.host = t, from, "", ""
	if from != "" {
		if w, err := t.s.policy.Rules.Resolve(ctx, "", t.s.policy.Rules.Complete(from)); err == nil {
			f.mailer, f.host = w.Transport, w.Nexthop
		}
	}
	return t.filtered(f.Mail(ctx, from, mailParams(&t.opts)))
}

// filterRecipient tells milters of a recipient who is taken; filterRejected of one who isn't, and why.
func (t *transaction) filterRecipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	f := t.s.filters
	if f == nil {
		return nil
	}
	f.address, f.mailer, f.host = to, "", ""
	if w, err := t.s.policy.Rules.Resolve(ctx, t.from, t.s.policy.Rules.Complete(to)); err == nil {
		f.mailer, f.host = w.Transport, w.Nexthop
	}
	return t.filtered(f.Recipient(ctx, to, rcptParams(opts)))
}

func (t *transaction) filterRejected(ctx context.Context, to string, opts *mail.RcptOptions, err error) {
	if f := t.s.filters; f != nil {
		r := mail.ReplyOf(err)
		f.address, f.mailer, f.host = r.Text, "error", r.Enhanced.String()
		f.Rejected(ctx, to, rcptParams(opts))
	}
}

// filtered does what a verdict before the message says, or remembers it.
func (t *transaction) filtered(v milter.Verdict) error {
	if r := t.s.refusal(v); r != nil {
		return r
	}
	if v.Quarantine != "" {
		t.verdict.Hold = true
	}
	t.thrown = t.thrown || v.Discard
	return nil
}
