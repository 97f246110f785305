package peerbench

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// ourServer is our server, which refuses recipients called "refused", and by LMTP those called "full" behind the message.
func ourServer(t *testing.T, configure func(*smtp.Server)) (addr string, b *box) {
	t.Helper()
	b = new(box)
	srv := &smtp.Server{
		Hostname: "localhost",
		Backend: smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
			return &ourSession{b: b, c: c}, nil
		}),
		Authenticator: mail.AuthenticatorFunc(func(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
			if auth(a.Username, a.Password) != nil {
				return nil, mail.ErrAuthFailed
			}
			return &mail.Identity{Username: a.Username}, nil
		}),
	}
	configure(srv)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String(), b
}

type ourSession struct {
	b *box
	c *smtp.Conn
	m took
}

func (s *ourSession) Close() error { return nil }
func (s *ourSession) Abort() error { return nil }

func (s *ourSession) Begin(_ context.Context, from string, o *mail.MailOptions) (mail.Transaction, error) {
	s.m = took{from: from, utf8: o.UTF8, envelopeID: o.EnvelopeID}
	if id := s.c.Identity(); id != nil {
		s.m.user = id.Username
	}
	return s, nil
}

func (s *ourSession) Recipient(_ context.Context, to string, o *mail.RcptOptions) error {
	if strings.HasPrefix(to, "refused@") {
		return smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user")
	}
	s.m.to = append(s.m.to, to)
	s.m.notify = int(o.Notify)
	return nil
}

func (s *ourSession) Body(_ context.Context, r io.Reader) error {
	b, err := io.ReadAll(r)
	s.m.data = string(b)
	return err
}

func (s *ourSession) Commit(context.Context) ([]mail.Result, error) {
	s.b.add(s.m)
	var out []mail.Result
	for _, to := range s.m.to {
		r := smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok")
		if strings.HasPrefix(to, "full@") {
			r = smtp.NewReply(552, smtp.EnhancedCode{5, 2, 2}, "Full")
		}
		out = append(out, mail.Result{Recipient: to, Reply: r})
	}
	return out, nil
}

// go-smtp's client and our server.
func TestGoSMTPClient(t *testing.T) {
	serverTLS, clientTLS := certificate(t)
	addr, b := ourServer(t, func(s *smtp.Server) { s.TLSConfig = serverTLS; s.RequireAuth = true })
	c, err := gosmtp.DialStartTLS(addr, clientTLS)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Auth(sasl.NewPlainClient("", "alice", "wrong")); code(err) != 535 {
		t.Fatal(err)
	}
	if err := c.Auth(sasl.NewPlainClient("", "alice", "secret")); err != nil {
		t.Fatal(err)
	}
	if size, ok := c.MaxMessageSize(); !ok || size == 0 {
		t.Fatal("no SIZE")
	}
	for range 2 {
		if err := c.SendMail("a@example.org", []string{"b@example.test", "c@example.test"}, strings.NewReader(hard)); err != nil {
			t.Fatal(err)
		}
		m := b.last(t)
		m.must(t, hard, "b@example.test", "c@example.test")
		if m.user != "alice" {
			t.Fatalf("user %q", m.user)
		}
	}

	// RFC 3461 and RFC 6531 as parameters, and a recipient who is refused among others.
	err = c.Mail("a@example.org", &gosmtp.MailOptions{UTF8: true, Body: gosmtp.Body8BitMIME, EnvelopeID: "Q+1", Return: gosmtp.DSNReturnHeaders})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("refused@example.test", nil); code(err) != 550 {
		t.Fatal(err)
	}
	if err := c.Rcpt("thư@example.test", &gosmtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifySuccess}}); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.WriteString(w, hard); err != nil {
		t.Fatal(err)
	}
	if err = w.Close(); err != nil {
		t.Fatal(err)
	}
	m := b.last(t)
	m.must(t, hard, "thư@example.test")
	if !m.utf8 || m.envelopeID != "Q+1" || m.notify != int(mail.NotifySuccess) {
		t.Fatalf("%+v", m)
	}
	if err := c.Quit(); err != nil {
		t.Fatal(err)
	}
}

// go-smtp's client and our LMTP server: a status for each recipient.
func TestGoSMTPClientLMTP(t *testing.T) {
	addr, b := ourServer(t, func(s *smtp.Server) { s.LMTP = true; s.Authenticator = nil })
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := gosmtp.NewClientLMTP(nc)
	defer c.Close()
	if err := c.Mail("a@example.org", nil); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"b@example.test", "full@example.test", "c@example.test"} {
		if err := c.Rcpt(to, nil); err != nil {
			t.Fatal(err)
		}
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, hard); err != nil {
		t.Fatal(err)
	}
	_, err = w.CloseWithLMTPResponse()
	failed, ok := errors.AsType[gosmtp.LMTPDataError](err)
	if !ok || len(failed) != 1 || failed["full@example.test"] == nil || failed["full@example.test"].Code != 552 {
		t.Fatal(err)
	}
	b.last(t).must(t, hard, "b@example.test", "full@example.test", "c@example.test")
}

// code is the reply code of go-smtp's error.
func code(err error) int {
	if e, ok := err.(*gosmtp.SMTPError); ok {
		return e.Code
	}
	return 0
}
