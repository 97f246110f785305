package mx_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/smtptest"
)

// sendTo sends a short message through a Deliverer, as a queue would.
func sendTo(d mail.Deliverer, to ...string) []mail.Result {
	ctx := context.Background()
	tx, err := d.Begin(ctx, "alice@example.org", &mail.MailOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Abort()
	for _, a := range to {
		if err := tx.Recipient(ctx, a, &mail.RcptOptions{}); err != nil {
			log.Fatal(err)
		}
	}
	if err := tx.Body(ctx, strings.NewReader("Subject: Hello\r\n\r\nFrom far away.\r\n")); err != nil {
		log.Fatal(err)
	}
	results, err := tx.Commit(ctx)
	if err != nil {
		log.Fatal(err)
	}
	return results
}

// Every recipient's copy goes to the mail exchangers of its domain.
func ExampleTransport_To() {
	srv := smtptest.NewServer(new(testing.T))
	defer srv.Close()
	t := &mx.Transport{
		Hostname: "mail.example.org",
		Dial:     srv.Dial, // the whole world is one server here
		Resolver: world2(),
	}
	defer t.Close()

	for _, r := range sendTo(t.To(""), "bob@example.net", "carol@example.com") {
		fmt.Println(r.Recipient, r.Reply.Code)
	}
	fmt.Println(len(srv.Messages()))
	// Output:
	// bob@example.net 250
	// carol@example.com 250
	// 2
}

func world2() mx.Resolver {
	w := newWorld(new(testing.T))
	w.a["example.net"], w.a["example.com"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
	return w
}

// A smart host takes everything. The password is shown only to a server with the right certificate.
func ExampleTransport_smartHost() {
	t := &mx.Transport{
		Hostname: "mail.example.org",
		Auth: func(_ context.Context, nexthop, sender string) (*mail.Credentials, error) {
			return &mail.Credentials{Username: "alice", Password: "correct horse"}, nil
		},
	}
	defer t.Close()
	r := sendTo(t.To("[127.0.0.1]:1"), "bob@example.net")[0]
	fmt.Printf("status=deferred (%s)\n", r.Detail)
	// Output: status=deferred (connect to 127.0.0.1[127.0.0.1]:1: Connection refused)
}

// What the log and a bounce say: the remote's own words, with where they come from.
func ExampleTransport_results() {
	srv := smtptest.NewServer(new(testing.T))
	defer srv.Close()
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "nobody@example.net",
		Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user here")})
	t := &mx.Transport{Hostname: "mail.example.org"}
	defer t.Close()

	r := sendTo(t.To("["+strings.Replace(srv.Addr(), ":", "]:", 1)), "nobody@example.net")[0]
	fmt.Println(r.Reply)
	fmt.Println(r.Detail)
	// Output:
	// 550 5.1.1 No such user here
	// host 127.0.0.1[127.0.0.1] said: 550 5.1.1 No such user here (in reply to RCPT TO command)
}

// TLS is opportunistic by default. A policy makes it a condition.
func ExamplePolicy() {
	t := &mx.Transport{
		Hostname: "mail.example.org",
		STS:      &mx.STS{}, // domains may ask for it themselves
		Policy: func(ctx context.Context, nexthop string) (mx.Policy, error) {
			if nexthop == "bank.example" {
				return mx.Policy{Level: mx.LevelVerify}, nil
			}
			return mx.Policy{}, nil
		},
	}
	defer t.Close()
	fmt.Println(mx.LevelVerify, mx.LevelMay)
	// Output: verify may
}
