package pop3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// exampleServer stands for a server out there, with two messages for alice.
func exampleServer() (addr string, stop func()) {
	t := new(exampleTB)
	srv := pop3test.NewServer(t,
		"From: Bob <bob@example.test>\r\nSubject: Lunch?\r\n\r\nAt noon.\r\n",
		"From: Carol <carol@example.test>\r\nSubject: Dots\r\n\r\n.profile is gone.\r\n")
	return srv.Addr, t.stop
}

type exampleTB struct{ cleanup []func() }

func (t *exampleTB) Helper()                   {}
func (t *exampleTB) Fatalf(f string, a ...any) { log.Fatalf(f, a...) }
func (t *exampleTB) Cleanup(f func())          { t.cleanup = append(t.cleanup, f) }
func (t *exampleTB) stop() {
	for _, f := range t.cleanup {
		f()
	}
}

// Serve a store. The defaults let nobody send a password without TLS.
func ExampleServer() {
	store := new(pop3test.Store) // or maildir.Store, or yours
	store.Add("alice", "Subject: hello\r\n\r\nHello.\r\n")

	srv := &pop3.Server{
		Store:         store,
		Authenticator: oneUser{"alice", "secret"},
		// Passwords in the clear only from this machine. For others set TLSConfig.
		AllowPlaintext: (*pop3.Conn).FromThisMachine,
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // or srv.ListenAndServe(":110")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(l)
	defer srv.Shutdown(context.Background())

	c, err := pop3.Dial(context.Background(), l.Addr().String(), &pop3.ClientOptions{Auth: &mail.Credentials{Username: "alice", Password: "secret"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Stat(context.Background()))
	c.Quit(context.Background())
	// Output: 1 26 <nil>
}

// oneUser is the shortest Authenticator.
type oneUser struct{ name, password string }

func (u oneUser) Authenticate(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	if a.Username != u.name || a.Password != u.password {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: u.name}, nil
}

// Fetch everything and remove it from the server.
func ExampleClient() {
	addr, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := pop3.Dial(ctx, addr, &pop3.ClientOptions{
		TLS:  pop3.TLSNone, // only because this server is on this machine
		Auth: &mail.Credentials{Username: "alice", Password: "secret"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close() // without Quit nothing is removed

	n, _, err := c.Stat(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for i := 1; i <= n; i++ {
		m, err := c.Retr(ctx, i)
		if err != nil {
			log.Fatal(err)
		}
		b, err := io.ReadAll(m)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(strings.ReplaceAll(string(b), "\r\n", "\n"))
		if err := c.Dele(ctx, i); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Quit(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// From: Bob <bob@example.test>
	// Subject: Lunch?
	//
	// At noon.
	// From: Carol <carol@example.test>
	// Subject: Dots
	//
	// .profile is gone.
}

// Leave the mail on the server and fetch only what is new: a unique-id stays with its message.
func ExampleClient_UIDL() {
	addr, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	c, err := pop3.Dial(ctx, addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{Username: "alice", Password: "secret"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	seen := map[string]bool{"0000000100000001": true} // from the last time
	var fetch []int
	for l, err := range c.UIDL(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if !seen[l.UID] {
			fetch = append(fetch, l.Number)
		}
	}
	fmt.Println("new:", fetch)
	// Output: new: [2]
}

// RetrAll asks for the next messages while the first are still coming in.
func ExampleClient_RetrAll() {
	addr, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	c, err := pop3.Dial(ctx, addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{Username: "alice", Password: "secret"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for m, err := range c.RetrAll(ctx, 1, 2, 3) {
		if _, ok := errors.AsType[*pop3.Error](err); ok {
			fmt.Println(err) // this message can't be had; the others can
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		b, err := io.ReadAll(m)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("message", m.Number, "has", len(b), "octets")
	}
	// Output:
	// message 1 has 59 octets
	// message 2 has 70 octets
	// pop3: RETR: server says no such message, only 2 messages in maildrop
}

// The hooks have what a log line needs.
func ExampleHooks() {
	srv := &pop3.Server{
		Hooks: pop3.Hooks{
			Authenticated: func(c *pop3.Conn, mechanism, username string, err error) {
				if err == nil {
					log.Printf("pop3-login: Login: user=<%s>, method=%s, rip=%s, lip=%s", username, mechanism, c.RemoteIP(), c.LocalIP())
				}
			},
			Disconnected: func(c *pop3.Conn, e *pop3.End) {
				s := e.Stats
				log.Printf("pop3: Disconnected: %v top=%d/%d, retr=%d/%d, del=%d/%d, size=%d",
					e.Cause, s.Tops, s.TopBytes, s.Retrs, s.RetrBytes, s.Deleted, s.Messages, s.Size)
			},
		},
	}
	_ = srv
	// Output:
}
