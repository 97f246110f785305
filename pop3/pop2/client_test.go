package pop2_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/pop3/pop3test"
)

func serve(t testing.TB, srv *pop2.Server) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		require.ErrorIs(t, <-done, pop2.ErrServerClosed)
	})
	return l.Addr().String()
}

func TestClient(t *testing.T) {
	var trace bytes.Buffer
	long := message(1 << 20)
	srv, store := server(long, message(200), message(300))
	srv.Authenticator = users(`me too\`, "pass word")
	srv.Trace = func(_ *pop2.Conn, _ bool, line string) { trace.WriteString(line + "\n") }
	ctx := t.Context()
	c, err := pop2.Dial(ctx, serve(t, srv))
	require.NoError(t, err)
	n, err := c.Helo(ctx, `me too\`, "pass word")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	length, err := c.Read(ctx, 0)
	require.NoError(t, err)
	require.EqualValues(t, len(long), length)
	var got strings.Builder
	require.NoError(t, c.Retr(ctx, &got))
	require.Equal(t, long, got.String())
	length, err = c.Again(ctx)
	require.NoError(t, err)
	require.EqualValues(t, len(long), length)
	require.NoError(t, c.Retr(ctx, io.Discard))
	length, err = c.Keep(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 200, length)
	got.Reset()
	require.NoError(t, c.Retr(ctx, &got))
	require.Equal(t, message(200), got.String())
	length, err = c.Delete(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 300, length)
	n, err = c.Fold(ctx, `no\such box`)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = c.Fold(ctx, "INBOX") // what was deleted has gone with the first FOLD
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.NoError(t, c.Quit(ctx))
	require.Equal(t, []string{long, message(300)}, store.Messages("alice"))
	require.NotContains(t, trace.String(), "word")
	require.Contains(t, trace.String(), "HELO me\\ ***")

	_, err = c.Read(ctx, 1)
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestClientErrors(t *testing.T) {
	srv, _ := server()
	addr, ctx := serve(t, srv), t.Context()
	c, err := pop2.Dial(ctx, addr)
	require.NoError(t, err)
	_, err = c.Helo(ctx, "POSTEL", "wrong")
	var said *pop2.Error
	require.ErrorAs(t, err, &said)
	require.Equal(t, "authentication failed", said.Text)

	for _, password := range []string{"x\r\nQUIT", strings.Repeat("x", 600)} {
		c, err = pop2.Dial(ctx, addr)
		require.NoError(t, err)
		_, err = c.Helo(ctx, "POSTEL", password)
		require.ErrorContains(t, err, "can't be sent")
	}
	c, err = pop2.Dial(ctx, addr)
	require.NoError(t, err)
	_, err = c.Helo(ctx, "POSTEL", "SECRET")
	require.NoError(t, err)
	require.ErrorContains(t, c.Retr(ctx, io.Discard), "no message")
}

// What a server can say that is no answer.
func TestLyingServers(t *testing.T) {
	for name, says := range map[string]string{
		"another protocol": "+OK POP3 ready\r\n", "nothing": "", "no number": "+ POP2 x\r\n#many\r\n", "negative": "+ POP2 x\r\n#-1\r\n",
		"too large": "+ POP2 x\r\n#99999999999999999999\r\n", "other kind": "+ POP2 x\r\n=1\r\n", "endless line": "+ POP2 " + strings.Repeat("x", 1<<20),
	} {
		server, client := net.Pipe()
		go func() {
			go io.Copy(io.Discard, server)
			io.WriteString(server, says)
			server.Close()
		}()
		c, err := pop2.NewClient(t.Context(), client)
		if err == nil {
			_, err = c.Helo(t.Context(), "a", "b")
		}
		require.Error(t, err, name)
	}
}

func TestClientCanceled(t *testing.T) {
	server, client := net.Pipe()
	defer server.Close()
	go io.WriteString(server, "+ POP2 x ready\r\n")
	c, err := pop2.NewClient(t.Context(), client)
	require.NoError(t, err)
	go io.Copy(io.Discard, server)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = c.Helo(ctx, "a", "b")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func ExampleServer() {
	users := mail.AuthenticatorFunc(func(_ context.Context, r *mail.AuthRequest) (*mail.Identity, error) {
		if r.Username == "fred" && r.Password == "secret" {
			return &mail.Identity{Username: "fred"}, nil
		}
		return nil, mail.ErrAuthFailed
	})
	store := new(pop3test.Store)
	store.Add("fred", "Subject: hello\r\n\r\nHello.\r\n")
	srv := &pop2.Server{Store: store, Authenticator: users, AllowPlaintext: (*pop2.Conn).FromThisMachine}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(l)
	defer srv.Close()

	ctx := context.Background()
	c, err := pop2.Dial(ctx, l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Helo(ctx, "fred", "secret"); err != nil {
		log.Fatal(err)
	}
	for {
		length, err := c.Read(ctx, 0)
		if err != nil {
			log.Fatal(err)
		}
		if length == 0 {
			break
		}
		var message strings.Builder
		if err := c.Retr(ctx, &message); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q\n", message.String())
		if _, err := c.Delete(ctx); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Quit(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// "Subject: hello\r\n\r\nHello.\r\n"
}
