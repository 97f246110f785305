package smtptest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// In a test t is the test's own; an example has none.
var t = new(testing.T)

func Example() {
	srv := smtptest.NewServer(t)
	defer srv.Close()

	err := smtp.Send(context.Background(), srv.Addr(), nil, "alice@example.org", []string{"bob@example.net"},
		strings.NewReader("Subject: Hi\r\n\r\nIt works.\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	m := srv.Messages()[0]
	fmt.Println(m.From, m.Recipients[0].Address, len(m.Data))
	// Output: alice@example.org bob@example.net 26
}

func ExampleServer_Fail() {
	srv := smtptest.NewServer(t)
	defer srv.Close()
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Times: 1,
		Reply: smtp.NewReply(451, smtp.EnhancedCode{4, 7, 1}, "Greylisted")})

	letter := "Subject: Hi\r\n\r\nAgain.\r\n"
	for range 2 {
		err := smtp.Send(context.Background(), srv.Addr(), nil, "alice@example.org", []string{"bob@example.net"}, strings.NewReader(letter))
		fmt.Println(err)
	}
	fmt.Println(len(srv.Messages()))
	// Output:
	// <bob@example.net>: host 127.0.0.1[127.0.0.1] said: 451 4.7.1 Greylisted (in reply to RCPT TO command)
	// <nil>
	// 1
}

func ExampleServer_Dial() {
	srv := smtptest.NewServer(t)
	defer srv.Close()

	// No port, no network: the client dials into memory.
	opts := &smtp.ClientOptions{Dial: srv.Dial}
	err := smtp.Send(context.Background(), "mail.example.net:25", opts, "alice@example.org", []string{"bob@example.net"},
		strings.NewReader("Subject: Hi\r\n\r\nIt works.\r\n"))
	fmt.Println(err, len(srv.Messages()))
	// Output: <nil> 1
}
