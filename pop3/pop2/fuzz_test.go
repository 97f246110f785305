package pop2_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/pop3/pop3test"
)

// scripted is a connection whose other end has said everything.
type scripted struct {
	in  io.Reader
	out bytes.Buffer
}

func (s *scripted) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *scripted) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *scripted) Close() error                     { return nil }
func (s *scripted) LocalAddr() net.Addr              { return &net.UnixAddr{Net: "unix"} }
func (s *scripted) RemoteAddr() net.Addr             { return &net.UnixAddr{Net: "unix"} }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

// FuzzServer: whatever a client says, each line of the answer is one of the protocol, and messages go only by ACKD and then
// QUIT or FOLD.
func FuzzServer(f *testing.F) {
	for _, s := range []string{"HELO a b\r\nREAD\r\nRETR\r\nACKD\r\nQUIT\r\n", "HELO a b\r\nFOLD x\r\nREAD 1\r\n", "HELO a\\ b c\r\nREAD 2\nRETR\nNACK\nRETR\nACKS\nRETR\nACKD\nFOLD INBOX\n", "QUIT\r\n", "HELO a b\r\nREAD 18446744073709551617\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		store := new(pop3test.Store)
		store.Add("u", "a: b\r\n\r\nc\r\n")
		store.Add("u", "a: b\r\n")
		srv := &pop2.Server{Store: store, AllowPlaintext: (*pop2.Conn).FromThisMachine, Timeouts: pop2.Timeouts{Error: -1},
			Authenticator: mail.AuthenticatorFunc(func(context.Context, *mail.AuthRequest) (*mail.Identity, error) {
				return &mail.Identity{Username: "u"}, nil
			})}
		c := &scripted{in: strings.NewReader(in)}
		srv.ServeConn(context.Background(), c)
		out := strings.ReplaceAll(strings.ReplaceAll(c.out.String(), "a: b\r\n\r\nc\r\n", ""), "a: b\r\n", "")
		for line := range strings.Lines(out) {
			if !strings.HasSuffix(line, "\r\n") || len(line) > 512 || !strings.ContainsRune("+-=#", rune(line[0])) {
				t.Fatalf("answer %q", line)
			}
		}
		upper := strings.ToUpper(in)
		if len(store.Messages("u")) < 2 && !(strings.Contains(upper, "ACKD") && (strings.Contains(upper, "QUIT") || strings.Contains(upper, "FOLD"))) {
			t.Fatalf("deleted by %q", in)
		}
	})
}

// FuzzClient: whatever a server says, the client ends.
func FuzzClient(f *testing.F) {
	for _, s := range []string{"+ POP2 x\r\n#1 m\r\n=3\r\nabc=0\r\n+ OK\r\n", "- no\r\n", "+ POP2 x\r\n#0\r\n=9223372036854775807\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		ctx := context.Background()
		c, err := pop2.NewClient(ctx, &scripted{in: strings.NewReader(in)})
		if err != nil {
			return
		}
		defer c.Close()
		n, err := c.Helo(ctx, "a", "b")
		if err == nil && n < 0 {
			t.Fatal("negative")
		}
		length, err := c.Read(ctx, 0)
		if err == nil && length > 0 {
			err = c.Retr(ctx, io.Discard)
		}
		if err == nil {
			_, _ = c.Delete(ctx)
		}
		_ = c.Quit(ctx)
	})
}
