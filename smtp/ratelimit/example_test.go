package ratelimit_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/ratelimit"
)

func Example() {
	var counters ratelimit.Counters // for all services
	srv := &smtp.Server{
		Hostname:    "mx.example.net",
		Backend:     smtp.Handle(mail.DelivererFunc(func(context.Context, *mail.Envelope, io.Reader) error { return nil })),
		RateLimiter: &ratelimit.Service{Counters: &counters, Name: "smtp", Limits: ratelimit.Limits{Connections: 50, MessageRate: 2}},
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	for range 3 {
		err := smtp.Send(context.Background(), l.Addr().String(), nil, "alice@example.org", []string{"bob@example.net"},
			strings.NewReader("Subject: Hi\r\n\r\nHow are you?\r\n"))
		if r := mail.ReplyOf(err); r != nil {
			fmt.Println(r)
			continue
		}
		fmt.Println(err)
	}
	_ = srv.Close()
	<-done
	// Output:
	// <nil>
	// <nil>
	// 450 4.7.1 Error: too much mail from 127.0.0.1
}
