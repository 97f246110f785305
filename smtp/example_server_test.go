package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// The shortest server: a function that gets each message with its envelope.
func ExampleServer() {
	srv := &smtp.Server{
		Hostname: "mx.example.net",
		Backend: smtp.Handle(mail.DelivererFunc(func(ctx context.Context, env *mail.Envelope, message io.Reader) error {
			fmt.Println("from", env.From, "to", env.Recipients[0].Address)
			text, err := io.ReadAll(message)
			fmt.Println(strings.ReplaceAll(string(text), "\r\n", "\n"))
			return err
		})),
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()

	err := smtp.Send(context.Background(), l.Addr().String(), nil, "alice@example.org", []string{"bob@example.net"},
		strings.NewReader("Subject: Hi\r\n\r\nHow are you?\r\n"))
	fmt.Println(err)
	_ = srv.Shutdown(context.Background())
	fmt.Println(errors.Is(<-done, smtp.ErrServerClosed))
	// Output:
	// from alice@example.org to bob@example.net
	// Subject: Hi
	//
	// How are you?
	//
	// <nil>
	// true
}

// visit is a session with a policy: only known users, and only from hosts that say who they are.
type visit struct {
	mail.Deliverer
	conn *smtp.Conn
}

func (v *visit) Close() error { return nil }

// Hello makes it a smtp.HelloSession.
func (v *visit) Hello(_ context.Context, name string) error {
	if !strings.Contains(name, ".") {
		return smtp.NewReply(504, smtp.EnhancedCode{5, 5, 2}, "<"+name+">: Helo command rejected: need fully-qualified hostname")
	}
	return nil
}

// Verify makes it a smtp.Verifier, and VRFY is announced.
func (v *visit) Verify(_ context.Context, name string) *smtp.Reply {
	return smtp.NewReply(252, smtp.EnhancedCode{2, 0, 0}, name)
}

// A session with a policy of its own. What it can do beyond taking mail, it shows by implementing small interfaces.
func ExampleBackend() {
	inbox := mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, message io.Reader) error {
		return smtp.NewReply(452, smtp.EnhancedCode{4, 2, 2}, "Mailbox full")
	})
	srv := &smtp.Server{
		Hostname: "mx.example.net",
		Backend: smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
			return &visit{inbox, c}, nil
		}),
	}
	show(srv, "EHLO localhost", "EHLO mail.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA", ".", "QUIT")
	// Output:
	// 220 mx.example.net ESMTP
	// 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname
	// 250 LIMITS RCPTMAX=1000
	// 250 2.1.0 Ok
	// 250 2.1.5 Ok
	// 354 End data with <CR><LF>.<CR><LF>
	// 452 4.2.2 Mailbox full
	// 221 2.0.0 Bye
}

// LMTP answers for each recipient.
func ExampleServer_lmtp() {
	srv := &smtp.Server{Hostname: "store.example.net", LMTP: true, Backend: smtp.Handle(perUser{})}
	show(srv, "LHLO mx.example.net", "MAIL FROM:<a@example.org>", "RCPT TO:<alice@example.net>", "RCPT TO:<bob@example.net>", "DATA", ".", "", "QUIT")
	// Output:
	// 220 store.example.net LMTP
	// 250 LIMITS RCPTMAX=1000
	// 250 2.1.0 Ok
	// 250 2.1.5 Ok
	// 250 2.1.5 Ok
	// 354 End data with <CR><LF>.<CR><LF>
	// 250 2.0.0 Ok: queued as 4bz8tq
	// 452 4.2.2 <bob@example.net> Mailbox full
	// 221 2.0.0 Bye
}

// A program's own log, from hooks instead of text.
func ExampleHooks() {
	var log strings.Builder
	srv := &smtp.Server{Hostname: "mx.example.net", Hooks: smtp.Hooks{
		Rejected: func(c *smtp.Conn, r *smtp.Rejection) {
			fmt.Fprintf(&log, "reject: %s: %s; proto=%s helo=<%s>\n", r.Command, r.Reply, c.ProtocolFamily(), c.Hello())
		},
		Disconnected: func(c *smtp.Conn, end *smtp.End) {
			fmt.Fprintf(&log, "%s after %s: %s\n", end.Cause, end.After, c.CountsText())
		},
	}}
	show(srv, "HELO mail.example.org", "MAIL FROM:<a@example.org>", "QUIT")
	fmt.Print(log.String())
	// Output:
	// 220 mx.example.net ESMTP
	// 250 mx.example.net
	// 554 5.3.2 Error: this host takes no mail
	// 221 2.0.0 Bye
	// reject: MAIL: 554 5.3.2 Error: this host takes no mail; proto=SMTP helo=<mail.example.org>
	// quit after QUIT: helo=1 mail=0/1 quit=1 commands=2/3
}

func ExampleReceived() {
	r := &smtp.Received{
		Hello: "mail.example.org", Name: "mail.example.org", Addr: "192.0.2.1", By: "mx.example.net", Software: "Postfix",
		Protocol: "ESMTP", ID: "913E010089F", For: "bob@example.net", Time: time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC),
	}
	fmt.Print(strings.ReplaceAll(r.String(), "\r\n", "\n"))
	// Output:
	// Received: from mail.example.org (mail.example.org [192.0.2.1])
	// 	by mx.example.net (Postfix) with ESMTP id 913E010089F
	// 	for <bob@example.net>; Tue, 01 Sep 2026 10:00:00 +0000 (UTC)
}

// An error is what the client is told, if there is a Reply among its causes; the rest stays here.
func ExampleReply() {
	err := fmt.Errorf("user bob of tenant 7: %w", smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user"))
	fmt.Println(mail.ReplyOf(err))
	fmt.Println(mail.ReplyOf(errors.New("cannot reach 10.1.2.3:5432")).Text)
	// Output:
	// 550 5.1.1 No such user
	// Local error in processing
}
