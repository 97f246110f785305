package interop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// caught is a message as it came to our server.
type caught struct {
	mail.Envelope
	data     string
	protocol string
	hello    string
	user     string
}

// catcher is our server with little around it. It keeps every message, and refuses recipients by their names: "refused" and "later"
// at RCPT, "full" and "busy" behind the message, which only LMTP can tell apart.
type catcher struct {
	srv  *smtp.Server
	addr string
	port string

	mu       sync.Mutex
	messages []caught
	trace    strings.Builder
}

// caughtUser may log in at a catcher.
const caughtUser, caughtPassword = "alice", "secret pass"

// catch starts a server, after configure has had its say. With implicit it speaks TLS from the start.
func catch(t *testing.T, id *identity, implicit bool, configure func(*smtp.Server)) *catcher {
	t.Helper()
	c := &catcher{}
	c.srv = &smtp.Server{
		Hostname: "mx.example.test", TLSConfig: id.server, Backend: smtp.BackendFunc(c.session),
		Authenticator: mail.AuthenticatorFunc(func(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
			if a.Username != caughtUser || a.Password != caughtPassword {
				return nil, mail.ErrAuthFailed
			}
			return &mail.Identity{Username: a.Username}, nil
		}),
		Trace: func(_ *smtp.Conn, sent bool, line string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.trace.WriteString(map[bool]string{true: "S: ", false: "C: "}[sent] + line + "\n")
		},
		Logger: slog.New(slog.NewTextHandler(&testWriter{t: t}, nil)),
	}
	if configure != nil {
		configure(c.srv)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c.addr = l.Addr().String()
	_, c.port, _ = net.SplitHostPort(c.addr)
	done := make(chan error, 1)
	go func() {
		if implicit {
			done <- c.srv.ServeTLS(l)
		} else {
			done <- c.srv.Serve(l)
		}
	}()
	t.Cleanup(func() {
		c.srv.Close()
		if err := <-done; !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		if t.Failed() {
			said := c.dialogue()
			t.Logf("the dialogue with our server:\n%s", said[max(0, len(said)-logShown):])
		}
	})
	return c
}

func (c *catcher) dialogue() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trace.String()
}

// forget empties what has been caught and said.
func (c *catcher) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = nil
	c.trace.Reset()
}

// all returns what has been caught.
func (c *catcher) all() []caught {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]caught(nil), c.messages...)
}

// wait returns the message with a letter's content, when it has come.
func (c *catcher) wait(t *testing.T, l letter) caught {
	t.Helper()
	var found caught
	require.Eventually(t, func() bool {
		for _, m := range c.all() {
			if strings.Contains(m.data, "<"+l.id+">") {
				found = m
				return true
			}
		}
		return false
	}, patience, tick, "%s has not come", l.id)
	return found
}

func (c *catcher) session(_ context.Context, conn *smtp.Conn) (smtp.Session, error) {
	return &catching{c: c, conn: conn}, nil
}

type catching struct {
	c    *catcher
	conn *smtp.Conn
}

func (s *catching) Close() error { return nil }

func (s *catching) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	m := caught{Envelope: mail.Envelope{From: from, Options: *opts}, hello: s.conn.Hello()}
	if id := s.conn.Identity(); id != nil {
		m.user = id.Username
	}
	return &catchingTx{s: s, m: m}, nil
}

type catchingTx struct {
	s *catching
	m caught
}

func (x *catchingTx) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	switch local, _, _ := strings.Cut(to, "@"); local {
	case "refused":
		return smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user here")
	case "later":
		return smtp.NewReply(450, smtp.EnhancedCode{4, 2, 1}, "Come back later")
	}
	x.m.Recipients = append(x.m.Recipients, mail.Recipient{Address: to, Options: *opts})
	return nil
}

func (x *catchingTx) Body(_ context.Context, r io.Reader) error {
	x.m.protocol = x.s.conn.Protocol()
	var b bytes.Buffer
	_, err := b.ReadFrom(r)
	x.m.data = b.String()
	return err
}

func (x *catchingTx) Commit(context.Context) ([]mail.Result, error) {
	var out []mail.Result
	for _, r := range x.m.Recipients {
		reply := smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok")
		switch local, _, _ := strings.Cut(r.Address, "@"); local {
		case "full":
			reply = smtp.NewReply(552, smtp.EnhancedCode{5, 2, 2}, "The mailbox is full")
		case "busy":
			reply = smtp.NewReply(452, smtp.EnhancedCode{4, 2, 0}, "The mailbox is busy")
		}
		out = append(out, mail.Result{Recipient: r.Address, Reply: reply})
	}
	x.s.c.mu.Lock()
	defer x.s.c.mu.Unlock()
	x.s.c.messages = append(x.s.c.messages, x.m)
	return out, nil
}

func (x *catchingTx) Abort() error { return nil }

// testWriter is a test's log as a Writer, silent once the test has ended.
type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(strings.TrimRight(string(p), "\n"))
	}
	return len(p), nil
}
