package imapserver_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"os"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/maildir"
)

// Ten lines that serve Maildirs over IMAP.
func ExampleServer() {
	cert, err := tls.LoadX509KeyPair("server.pem", "server.key")
	if err != nil {
		log.Fatal(err)
	}
	srv := &imapserver.Server{
		Store:         &maildir.Store{Path: "/var/mail/%d/%n"},
		Authenticator: imaptest.Users{"alice@example.test": "a secret from somewhere"},
		TLSConfig:     &tls.Config{Certificates: []tls.Certificate{cert}},
	}
	log.Fatal(srv.ListenAndServe(":143"))
}

// A server within a test: a store in memory, one user, and loopback without TLS.
func ExampleServer_Serve() {
	srv := &imapserver.Server{Store: imaptest.NewStore(), Authenticator: imaptest.Users{"alice": "secret"},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine, Greeting: "Hello."}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // returns ErrServerClosed
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	var tagged string
	fmt.Fprintf(c, "a LOGIN alice secret\r\nb STATUS INBOX (MESSAGES)\r\nc LOGOUT\r\n")
	p := newLineReader(c)
	for tagged != "c" {
		line := p()
		tagged = line[:1]
		if tagged == "*" && len(line) < 60 {
			fmt.Println(line)
		}
	}
	_ = c.Close()
	_ = srv.Shutdown(context.Background())
	<-done
	// Output:
	// * STATUS INBOX (MESSAGES 0)
	// * BYE Logging out
}

// Hooks write a log in the form that a site wants.
func ExampleHooks() {
	srv := &imapserver.Server{Authenticator: imaptest.Users{"alice": "secret"}, Store: imaptest.NewStore(),
		AllowPlaintext: func(*imapserver.Conn) bool { return true }}
	srv.Hooks = imapserver.Hooks{
		Authenticated: func(_ *imapserver.Conn, mechanism, user string, err error) {
			fmt.Printf("login user=<%s> method=%s error=%v\n", user, mechanism, err)
		},
		Disconnected: func(_ *imapserver.Conn, end *imapserver.End) {
			fmt.Printf("%s in=%d\n", end.Cause, end.In)
		},
	}
	client, server := net.Pipe()
	go func() {
		p := newLineReader(client)
		p()
		fmt.Fprintf(client, "a LOGIN alice wrong\r\n")
		p()
		fmt.Fprintf(client, "b LOGOUT\r\n")
		p()
		p()
	}()
	srv.ServeConn(context.Background(), server)
	// Output:
	// login user=<alice> method=LOGIN error=authentication failed
	// Logged out in=31
}

// Some clients have trouble with an extension: it can be taken away from one user.
func ExampleServer_withoutFor() {
	trouble := map[string]bool{"carol@example.test": true}
	srv := &imapserver.Server{
		WithoutFor: func(id *mail.Identity) []imap.Capability {
			if trouble[id.Username] {
				return []imap.Capability{imap.CapQResync, imap.CapCondStore}
			}
			return nil
		},
	}
	fmt.Println(srv.WithoutFor(&mail.Identity{Username: "carol@example.test"}))
	// Output: [QRESYNC CONDSTORE]
}

// newLineReader returns a function that reads a line without its end.
func newLineReader(c net.Conn) func() string {
	return func() string {
		var line []byte
		b := make([]byte, 1)
		for {
			if _, err := c.Read(b); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if b[0] == '\n' {
				return string(line[:len(line)-1])
			}
			line = append(line, b[0])
		}
	}
}
