package pop3test_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// t stands for the *testing.T that a test has.
var t = exampleT{}

type exampleT struct{}

func (exampleT) Helper()                           {}
func (exampleT) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
func (exampleT) Cleanup(func())                    {}

// One line makes a server with mail. It ends with the test.
func ExampleNewServer() {
	srv := pop3test.NewServer(t, "Subject: hello\r\n\r\nHello.\r\n")
	defer srv.Close()

	// The program under test gets srv.Addr, pop3test.Username and pop3test.Password, and with TLS srv.ClientTLS().
	c, err := pop3.Dial(context.Background(), srv.Addr, &pop3.ClientOptions{TLSConfig: srv.ClientTLS(), Auth: srv.Credentials()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Stat(context.Background()))
	c.Quit(context.Background())
	// Output: 1 26 <nil>
}

// Without a port.
func ExampleServer_Pipe() {
	srv := pop3test.NewUnstartedServer(t, "Subject: hello\r\n\r\nHello.\r\n")
	c, err := pop3.NewClient(context.Background(), srv.Pipe(), &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: srv.Credentials()})
	if err != nil {
		log.Fatal(err)
	}
	m, err := c.Retr(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	b, _ := io.ReadAll(m)
	fmt.Print(strings.ReplaceAll(string(b), "\r", ""))
	c.Quit(context.Background())
	// Output:
	// Subject: hello
	//
	// Hello.
}

// What did the program leave behind? And what happens when the server behaves in another way?
func ExampleStore() {
	srv := pop3test.NewUnstartedServer(t, "one\r\n", "two\r\n")
	srv.Config.AllowPlaintext = nil          // no passwords in the clear
	srv.Config.Mechanisms = []string{"APOP"} // and no SASL
	c, err := pop3.NewClient(context.Background(), srv.Pipe(), &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: srv.Credentials()})
	if err != nil {
		log.Fatal(err)
	}
	c.Dele(context.Background(), 1)
	c.Quit(context.Background())
	fmt.Printf("%q\n", srv.Store.Messages(pop3test.Username))
	// Output: ["two\r\n"]
}
