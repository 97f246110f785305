package mx

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// greet makes a client of a connection. Opportunistic TLS that fails is followed by another try without (RFC 7435
// section 3).
func (s *search) greet(ctx context.Context, conn net.Conn, at candidate) (*smtp.Client, error) {
	s.sessions++
	o, level := s.options(at)
	c, err := smtp.NewClient(ctx, conn, &o)
	s.report(at, level, c, err)
	if err == nil {
		if state := c.TLS(); state != nil && s.t.Secured != nil {
			s.t.Secured(c.Relay(), state, level)
		}
		return c, nil
	}
	if level == LevelMay && s.auth == nil && tlsFailed(err) && ctx.Err() == nil {
		again, e := s.t.dialOne(ctx, at, s.port)
		if e != nil {
			return nil, s.t.dialReply(at, s.port, e)
		}
		o.TLS = smtp.TLSNone
		if c, err = smtp.NewClient(ctx, again, &o); err == nil {
			return c, nil
		}
	}
	if s.requireTLS && (tlsFailed(err) || mail.ReplyOf(err).Enhanced == (mail.EnhancedCode{4, 7, 4})) {
		return nil, &mail.Reply{Code: 550, Enhanced: mail.EnhancedCode{5, 7, 10}, Text: "Encryption needed: " + detailOf(err), Err: err}
	}
	return nil, soften(err)
}

func tlsFailed(err error) bool {
	var t *smtp.TLSError
	var r *smtp.RemoteError
	return errors.As(err, &t) || errors.As(err, &r) && r.Command == "STARTTLS"
}

// options are those of the connection to one address.
func (s *search) options(at candidate) (smtp.ClientOptions, Level) {
	t := s.t
	o := smtp.ClientOptions{
		LocalName: t.Hostname, ServerName: at.host.name, LMTP: t.LMTP, Auth: s.auth,
		Timeouts: t.Timeouts, Limits: t.Limits,
	}
	level := s.level(at.host)
	s.security(&o, level, at)
	if t.Trace != nil {
		relay := at.where(s.port)
		o.Trace = func(sent bool, line string) { t.Trace(relay, sent, line) }
	}
	return o, level
}

// soften makes a refusal before MAIL temporary: it is about the host, not about the mail, and the host may think better of
// it or be one of several (Postfix's smtp_skip_5xx_greeting).
func soften(err error) error {
	r := mail.ReplyOf(err)
	if !r.Permanent() {
		return err
	}
	e := mail.EnhancedCode{4, 3, 0}
	if r.Enhanced[0] != 0 {
		e = r.Enhanced
		e[0] = 4
	}
	return &mail.Reply{Code: 450, Enhanced: e, Text: detailOf(err), Err: err}
}

// detailOf is what a Result's Detail says of an error.
func detailOf(err error) string {
	var e *smtp.RemoteError
	var r *mail.Reply
	switch {
	case errors.As(err, &r) && !errors.As(error(r), &e) && errors.As(err, &e):
		return e.Error()
	case r != nil:
		return strings.ReplaceAll(r.Text, "\n", " ")
	}
	return err.Error()
}

// relayOf is the host that an error comes from, "" when none was reached.
func relayOf(err error) string {
	var e *smtp.RemoteError
	if errors.As(err, &e) {
		return e.Relay
	}
	return ""
}

// key is what connections that can serve each other's mail have in common.
func (s *search) key(at candidate) string {
	user := ""
	if s.auth != nil {
		user = s.auth.Username + "\x00" + s.auth.Authorize
	}
	return strings.Join([]string{s.raw, at.where(s.port), s.level(at.host).String(), user}, "\x00")
}

// reuse returns an idle connection to one of the next addresses, nil when there is none.
func (s *search) reuse() *leg {
	for i, at := range s.next {
		key := s.key(at)
		if c := s.t.connections().Get(key); c != nil {
			s.next = append(s.next[:i:i], s.next[i+1:]...)
			s.sessions++
			s.tried++
			return &leg{t: s.t, c: c, key: key, at: at, reused: true}
		}
	}
	return nil
}

// again puts an address back whose connection turned out to be closed.
func (s *search) again(at candidate) {
	s.next = append([]candidate{at}, s.next...)
	s.sessions--
	s.tried--
}
