package proxyfilter_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/proxyfilter"
)

// A server that passes all its mail through a filter before it says yes. The filter here refuses what is called "offer".
func ExampleFilter() {
	filter := &smtp.Server{Hostname: "filter.test", Backend: smtp.Handle(mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, message io.Reader) error {
		text, err := io.ReadAll(message)
		if strings.Contains(string(text), "Subject: offer") {
			return smtp.NewReply(550, smtp.EnhancedCode{5, 7, 1}, "no offers, please")
		}
		return err
	}))}
	behind, _ := net.Listen("tcp", "127.0.0.1:0")
	go filter.Serve(behind)
	defer filter.Close()

	front := &smtp.Server{Hostname: "mx.example.net", Backend: &proxyfilter.Filter{Addr: behind.Addr().String()}}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go front.Serve(l)
	defer front.Close()

	for _, subject := range []string{"hello", "offer"} {
		err := smtp.Send(context.Background(), l.Addr().String(), nil, "alice@example.org", []string{"bob@example.net"}, strings.NewReader("Subject: "+subject+"\r\n\r\n"))
		if err != nil {
			err = mail.ReplyOf(err)
		}
		fmt.Println(subject, err)
	}
	// Output:
	// hello <nil>
	// offer 550 5.7.1 no offers, please
}
