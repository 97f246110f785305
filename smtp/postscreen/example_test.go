package postscreen_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/postscreen"
)

func Example() {
	cache, err := postscreen.OpenCache("", postscreen.CacheOptions{}) // or a file
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()
	screen := &postscreen.Screen{Hostname: "mx.example.net", Teaser: "mx.example.net", Greet: postscreen.Drop, GreetWait: 10 * time.Millisecond, Cache: cache}
	srv := &smtp.Server{Hostname: "mx.example.net", Backend: smtp.Handle(mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, _ io.Reader) error {
		fmt.Println("from", env.From)
		return nil
	}))}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	done := make(chan error)
	go func() { done <- srv.Serve(screen.Listen(l)) }()
	err = smtp.Send(context.Background(), l.Addr().String(), nil, "alice@example.org", []string{"bob@example.net"},
		strings.NewReader("Subject: Hi\r\n\r\nHow are you?\r\n"))
	fmt.Println(err)
	_ = srv.Close()
	<-done
	// Output:
	// from alice@example.org
	// <nil>
}
