package peerbench

import (
	"crypto/tls"
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

// theirBackend is go-smtp's server with the same manners as ourServer.
type theirBackend struct{ b *box }

func (t *theirBackend) NewSession(*gosmtp.Conn) (gosmtp.Session, error) {
	return &theirSession{b: t.b}, nil
}

type theirSession struct {
	b    *box
	m    took
	user string
}

func (s *theirSession) AuthMechanisms() []string { return []string{"PLAIN"} }

func (s *theirSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := auth(user, password); err != nil {
			return gosmtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *theirSession) Reset()        { s.m = took{} }
func (s *theirSession) Logout() error { return nil }

func (s *theirSession) Mail(from string, o *gosmtp.MailOptions) error {
	s.m = took{from: from, user: s.user, utf8: o.UTF8, envelopeID: o.EnvelopeID}
	return nil
}

func (s *theirSession) Rcpt(to string, o *gosmtp.RcptOptions) error {
	if strings.HasPrefix(to, "refused@") {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
	}
	s.m.to = append(s.m.to, to)
	s.m.notify = len(o.Notify)
	return nil
}

func (s *theirSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.m.data = string(b)
	s.b.add(s.m)
	return nil
}

func (s *theirSession) LMTPData(r io.Reader, status gosmtp.StatusCollector) error {
	if err := s.Data(r); err != nil {
		return err
	}
	for _, to := range s.m.to {
		if strings.HasPrefix(to, "full@") {
			status.SetStatus(to, &gosmtp.SMTPError{Code: 552, EnhancedCode: gosmtp.EnhancedCode{5, 2, 2}, Message: "Full"})
		} else {
			status.SetStatus(to, nil)
		}
	}
	return nil
}

func theirServer(t *testing.T, tlsConfig *tls.Config, lmtp bool) (addr string, b *box) {
	t.Helper()
	b = new(box)
	srv := gosmtp.NewServer(&theirBackend{b})
	srv.Domain, srv.TLSConfig, srv.LMTP = "localhost", tlsConfig, lmtp
	srv.EnableSMTPUTF8, srv.EnableDSN, srv.EnableBINARYMIME, srv.MaxMessageBytes = true, true, true, 8<<20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String(), b
}

func envelope(to ...string) *mail.Envelope {
	env := &mail.Envelope{From: "a@example.org", Options: mail.MailOptions{Body: mail.Body8BitMIME}}
	for _, a := range to {
		env.Recipients = append(env.Recipients, mail.Recipient{Address: a})
	}
	return env
}

// Our client and go-smtp's server, by every way to hand over a message.
func TestGoSMTPServer(t *testing.T) {
	serverTLS, clientTLS := certificate(t)
	addr, b := theirServer(t, serverTLS, false)
	for name, opts := range map[string]smtp.ClientOptions{
		"BDAT":               {TLS: smtp.TLSNone},
		"BDAT, small chunks": {TLS: smtp.TLSNone, Limits: smtp.ClientLimits{ChunkSize: 1000}},
		"DATA":               {TLS: smtp.TLSNone, NoChunking: true},
		"command by command": {TLS: smtp.TLSNone, NoChunking: true, NoPipelining: true},
		"STARTTLS and AUTH":  {TLS: smtp.TLSStartTLS, TLSConfig: clientTLS, Auth: &mail.Credentials{Username: "alice", Password: "secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := smtp.Dial(t.Context(), addr, &opts)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, text := range []string{hard, "Subject: small\r\n\r\n.\r\n"} {
				env := envelope("b@example.test", "refused@example.test", "thư@example.test")
				env.Options.UTF8, env.Options.EnvelopeID = true, "Q+1"
				env.Recipients[2].Options.Notify = mail.NotifySuccess | mail.NotifyFailure
				res, err := c.Send(t.Context(), env, strings.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				if !res[0].Reply.OK() || res[1].Reply.Code != 550 || !res[2].Reply.OK() {
					t.Fatal(res)
				}
				m := b.last(t)
				m.must(t, text, "b@example.test", "thư@example.test")
				if !m.utf8 || m.envelopeID != "Q+1" || m.notify != 2 || (m.user == "alice") != (opts.Auth != nil) {
					t.Fatalf("%q %q %d %v", m.user, m.envelopeID, m.notify, m.utf8)
				}
			}
			if err := c.Quit(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
	_, err := smtp.Dial(t.Context(), addr, &smtp.ClientOptions{TLSConfig: clientTLS, Auth: &mail.Credentials{Username: "alice", Password: "wrong"}})
	if r, ok := errors.AsType[*smtp.Reply](err); !ok || r.Code != 535 {
		t.Fatal(err)
	}
}

// Our client and go-smtp's LMTP server.
func TestGoSMTPServerLMTP(t *testing.T) {
	addr, b := theirServer(t, nil, true)
	c, err := smtp.Dial(t.Context(), addr, &smtp.ClientOptions{LMTP: true, NoChunking: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		res, err := c.Send(t.Context(), envelope("b@example.test", "full@example.test", "refused@example.test", "c@example.test"), strings.NewReader(hard))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{250, 552, 550, 250} {
			if res[i].Reply.Code != want {
				t.Fatal(res)
			}
		}
		b.last(t).must(t, hard, "b@example.test", "full@example.test", "c@example.test")
	}
}
