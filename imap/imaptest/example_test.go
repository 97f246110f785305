package imaptest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// unread is what these examples test: a function of the reader's own.
func unread(ctx context.Context, opts *imapclient.Options) (uint32, error) {
	opts.Auth = &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}
	c, err := imapclient.Dial(ctx, "imap.example.test:143", opts)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	s, err := c.Status(ctx, "INBOX", imap.StatusUnseen)
	if err != nil {
		return 0, err
	}
	return s.Unseen, nil
}

// exampleTB stands for the *testing.T of a test.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()                             {}
func (exampleTB) Cleanup(func())                      {}
func (exampleTB) Errorf(format string, values ...any) { fmt.Printf(format+"\n", values...) }

// A server with mail in one line each.
func ExampleNewServer() {
	t := exampleTB{}
	srv := imaptest.NewServer(t)
	srv.Add("INBOX", "Subject: hello\n\nHi!\n", "Subject: again\n\nHi!\n")
	fmt.Println(unread(context.Background(), &imapclient.Options{Dial: srv.Dial}))
	srv.Close() // by itself in a test
	// Output: 2 <nil>
}

// What does the program do when the server is in trouble?
func ExampleServer_Fail() {
	t := exampleTB{}
	srv := imaptest.NewServer(t)
	srv.Fail(imaptest.Fault{Command: "STATUS", Times: 1, Reply: "TAG NO [UNAVAILABLE] The disk is being changed\r\n"})
	_, err := unread(context.Background(), &imapclient.Options{Dial: srv.Dial})
	fmt.Println(imapclient.CodeOf(err))
	srv.Fail(imaptest.Fault{Command: "STATUS", Times: 1, Cut: 10})
	_, err = unread(context.Background(), &imapclient.Options{Dial: srv.Dial})
	fmt.Println(err != nil)
	fmt.Println(unread(context.Background(), &imapclient.Options{Dial: srv.Dial}))
	srv.Close() // by itself in a test
	// Output:
	// UNAVAILABLE
	// true
	// 0 <nil>
}

// A server with habits of its own, as a trace of it shows them.
func ExampleNewScript() {
	t := exampleTB{}
	srv := imaptest.NewScript(t, `
		S: * OK [CAPABILITY IMAP4rev1] Ready
		C: TAG LOGIN alice secret
		S: TAG OK [CAPABILITY IMAP4rev1] Welcome
		C: TAG STATUS INBOX (UNSEEN)
		S: * STATUS "Inbox" (UNSEEN 3 X-SOMETHING (1 2))
		S: TAG OK Done`)
	fmt.Println(unread(context.Background(), &imapclient.Options{Dial: srv.Dial, TLS: imapclient.TLSNone}))
	// Output: 3 <nil>
}
