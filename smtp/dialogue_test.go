package smtp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a client that says what it is told to and checks the answers.
type peer struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// converse gives a connection to a server that ends with the test.
func converse(t *testing.T, srv *smtp.Server) *peer {
	t.Helper()
	client, server := smtptest.Pipe()
	return converseOver(t, srv, client, server)
}

func converseOver(t *testing.T, srv *smtp.Server, client, server net.Conn) *peer {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(context.Background(), server)
	}()
	t.Cleanup(func() {
		_ = client.Close()
		<-done
	})
	return newPeer(t, client)
}

func newPeer(t *testing.T, conn net.Conn) *peer { return &peer{t, conn, bufio.NewReader(conn)} }

func (p *peer) send(s string) {
	p.t.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := io.WriteString(p.conn, s)
	require.NoError(p.t, err)
}

// line reads a line without CRLF; "" is the end of the connection.
func (p *peer) line() string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	s, err := p.r.ReadString('\n')
	if err != nil {
		require.NotErrorIs(p.t, err, os.ErrDeadlineExceeded, "no answer")
		require.Empty(p.t, s)
		return ""
	}
	require.True(p.t, strings.HasSuffix(s, "\r\n"), "%q", s)
	return strings.TrimSuffix(s, "\r\n")
}

// reply reads a whole reply.
func (p *peer) reply() string {
	p.t.Helper()
	var lines []string
	for {
		s := p.line()
		lines = append(lines, s)
		if len(s) < 4 || s[3] != '-' {
			return strings.Join(lines, "\n")
		}
	}
}

// cmd sends a line and returns the reply.
func (p *peer) cmd(line string) string {
	p.t.Helper()
	p.send(line + "\r\n")
	return p.reply()
}

// startTLS goes over to TLS.
func (p *peer) startTLS(cfg *tls.Config) {
	p.t.Helper()
	require.Equal(p.t, "220 2.0.0 Ready to start TLS", p.cmd("STARTTLS"))
	tc := tls.Client(p.conn, cfg)
	require.NoError(p.t, tc.Handshake())
	p.conn, p.r = tc, bufio.NewReader(tc)
}

// talk runs a dialogue. A line "C: text" is sent with CRLF, "C= text" as a quoted Go string just as it is; "S: text" is the
// line that must come, with "…" at its end for anything; "S." is the end of the connection. Other lines are comments.
func (p *peer) talk(script string) {
	p.t.Helper()
	for n, l := range strings.Split(script, "\n") {
		l = strings.TrimLeft(l, "\t ")
		switch {
		case strings.HasPrefix(l, "C: "), l == "C:":
			p.send(strings.TrimPrefix(strings.TrimPrefix(l, "C:"), " ") + "\r\n")
		case strings.HasPrefix(l, "C= "):
			s, err := strconv.Unquote(l[3:])
			require.NoError(p.t, err, l)
			p.send(s)
		case l == "S.":
			require.Equal(p.t, "", p.line(), "line %d: the connection ends", n)
		case strings.HasPrefix(l, "S: "):
			got, want := p.line(), l[3:]
			if prefix, ok := strings.CutSuffix(want, "…"); ok {
				require.True(p.t, strings.HasPrefix(got, prefix), "line %d: %q, want %q", n, got, want)
			} else {
				require.Equal(p.t, want, got, "line %d", n)
			}
		}
	}
}

// sink is a Deliverer that keeps what comes and lets a test refuse it.
type sink struct {
	mail      func(from string, o *mail.MailOptions) error
	rcpt      func(to string, o *mail.RcptOptions) error
	data      func() error
	body      func(r io.Reader) error
	commit    func(ctx context.Context, rcpts []string) ([]mail.Result, error)
	got       []got
	aborts    int // transactions that ended without Commit's yes
	began     int
	committed int
}

type got struct {
	mail.Envelope
	data string
}

type sinkTx struct {
	s    *sink
	m    got
	done bool
}

func (s *sink) Begin(_ context.Context, from string, o *mail.MailOptions) (mail.Transaction, error) {
	if s.mail != nil {
		if err := s.mail(from, o); err != nil {
			return nil, err
		}
	}
	s.began++
	return &sinkTx{s: s, m: got{Envelope: mail.Envelope{From: from, Options: *o}}}, nil
}

func (t *sinkTx) Recipient(_ context.Context, to string, o *mail.RcptOptions) error {
	if t.s.rcpt != nil {
		if err := t.s.rcpt(to, o); err != nil {
			return err
		}
	}
	t.m.Recipients = append(t.m.Recipients, mail.Recipient{Address: to, Options: *o})
	return nil
}

func (t *sinkTx) StartData(context.Context) error {
	if t.s.data != nil {
		return t.s.data()
	}
	return nil
}

func (t *sinkTx) Body(_ context.Context, r io.Reader) error {
	if t.s.body != nil {
		return t.s.body(r)
	}
	var b bytes.Buffer
	var err error
	if t.s.began%2 == 1 {
		_, err = io.Copy(&b, r) // by WriteTo
	} else {
		_, err = b.ReadFrom(r)
	}
	t.m.data = b.String()
	return err
}

func (t *sinkTx) Commit(ctx context.Context) ([]mail.Result, error) {
	var rcpts []string
	for _, r := range t.m.Recipients {
		rcpts = append(rcpts, r.Address)
	}
	var out []mail.Result
	if t.s.commit != nil {
		var err error
		if out, err = t.s.commit(ctx, rcpts); err != nil {
			return nil, err
		}
	} else {
		for _, r := range rcpts {
			out = append(out, mail.Result{Recipient: r, Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok"), ID: "913E010089F"})
		}
	}
	t.done = true
	t.s.committed++
	t.s.got = append(t.s.got, t.m)
	return out, nil
}

func (t *sinkTx) Abort() error {
	if !t.done {
		t.s.aborts++
		t.done = true
	}
	return nil
}

// newServer returns a server whose messages go to a sink.
func newServer() (*smtp.Server, *sink) {
	s := new(sink)
	return &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(s)}, s
}

// ehlo connects and says EHLO.
func ehlo(t *testing.T, srv *smtp.Server) *peer {
	t.Helper()
	p := converse(t, srv)
	require.Equal(t, "220 mx.example.test ESMTP", p.line())
	require.Contains(t, p.cmd("EHLO c.test"), "250")
	return p
}

// ready connects and begins a transaction with one recipient.
func ready(t *testing.T, srv *smtp.Server) *peer {
	t.Helper()
	p := ehlo(t, srv)
	require.Equal(t, "250 2.1.0 Ok", p.cmd("MAIL FROM:<a@c.test>"))
	require.Equal(t, "250 2.1.5 Ok", p.cmd("RCPT TO:<b@example.test>"))
	return p
}
