package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// Most programs send a message with one call. It uses TLS when the server has it, and checks the certificate.
func ExampleSend() {
	srv := smtptest.NewServer(new(testing.T)) // stands for your provider's server
	defer srv.Close()

	message := "From: Alice <alice@example.org>\r\n" +
		"To: Bob <bob@example.net>\r\n" +
		"Subject: Lunch?\r\n" +
		"\r\n" +
		"At noon, the usual place.\r\n"
	err := smtp.Send(context.Background(), srv.Addr(), nil,
		"alice@example.org", []string{"bob@example.net"}, strings.NewReader(message))
	fmt.Println(err, len(srv.Messages()))
	// Output: <nil> 1
}

// With a user name the best mechanism is used that the server offers.
func ExampleClientOptions() {
	opts := &smtp.ClientOptions{
		TLS:  smtp.TLSStartTLS, // never without
		Auth: &mail.Credentials{Username: "alice", Password: "correct horse"},
	}
	_, err := smtp.Dial(context.Background(), "127.0.0.1:1", opts)
	fmt.Println(err != nil, mail.ReplyOf(err).Temporary())
	// Output: true true
}

// A Client sends several messages over one connection and tells what became of each recipient.
func ExampleClient_Send() {
	srv := smtptest.NewServer(new(testing.T))
	defer srv.Close()
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "nobody@example.net",
		Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user")})

	ctx := context.Background()
	c, err := smtp.Dial(ctx, srv.Addr(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Quit(ctx)
	results, err := c.Send(ctx, &mail.Envelope{
		From:       "alice@example.org",
		Recipients: []mail.Recipient{{Address: "bob@example.net"}, {Address: "nobody@example.net"}},
	}, strings.NewReader("Subject: Lunch?\r\n\r\nAt noon.\r\n"))
	if err != nil {
		log.Fatal(err) // nobody got it
	}
	for _, r := range results {
		fmt.Println(r.Recipient, r.Reply.OK(), r.Reply.Enhanced)
	}
	// Output:
	// bob@example.net true 2.0.0
	// nobody@example.net false 5.1.1
}

// A Transport is for programs that send all day, from many goroutines.
func ExampleTransport() {
	srv := smtptest.NewServer(new(testing.T))
	defer srv.Close()
	t := &smtp.Transport{MaxConns: 5}
	defer t.Close()

	env := &mail.Envelope{From: "alice@example.org", Recipients: []mail.Recipient{{Address: "bob@example.net"}}}
	results, err := t.Send(context.Background(), srv.Addr(), env, strings.NewReader("Subject: x\r\n\r\nHello.\r\n"))
	fmt.Println(err, results[0].Reply.Code)
	// Output: <nil> 250
}

// What a server said is in the error, and so is whether trying again makes sense.
func ExampleRemoteError() {
	srv := smtptest.NewServer(new(testing.T))
	defer srv.Close()
	srv.Fail(smtptest.Fault{Stage: smtptest.Mail, Reply: smtp.NewReply(451, smtp.EnhancedCode{4, 7, 1}, "Come back in five minutes")})

	c, err := smtp.Dial(context.Background(), srv.Addr(), &smtp.ClientOptions{ServerName: "mx.example.net"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	_, err = c.Begin(context.Background(), "alice@example.org", &mail.MailOptions{})

	var remote *smtp.RemoteError
	if errors.As(err, &remote) {
		fmt.Println(remote.Reply, "|", remote.Command, "|", remote.Reply.Temporary())
	}
	fmt.Println(err)
	// Output:
	// 451 4.7.1 Come back in five minutes | MAIL FROM | true
	// host mx.example.net[127.0.0.1] said: 451 4.7.1 Come back in five minutes (in reply to MAIL FROM command)
}
