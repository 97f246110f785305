package mx_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/smtptest"
)

// Whatever goes wrong at the hosts of a domain, each recipient gets one copy or none, and the result says which; only a
// connection that broke after the end of the message leaves it open.
func TestNobodyTwice(t *testing.T) {
	stages := []smtptest.Stage{smtptest.Connect, smtptest.Hello, smtptest.Mail, smtptest.Recipient, smtptest.Data, smtptest.Body, smtptest.Done}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		servers := map[string]*smtptest.Server{}
		for i := range rapid.IntRange(1, 3).Draw(rt, "hosts") {
			name, addr := fmt.Sprintf("mx%d.example.net", i), fmt.Sprintf("192.0.2.%d", i+1)
			w.mx["example.net"] = append(w.mx["example.net"], &net.MX{Host: name, Pref: uint16(i)})
			w.a[name] = []string{addr}
			srv := smtptest.NewServer(t)
			if rapid.Bool().Draw(rt, "simple") {
				srv.Config.Extensions = smtp.Size
			}
			for range rapid.IntRange(0, 2).Draw(rt, "faults") {
				f := smtptest.Fault{Stage: rapid.SampledFrom(stages).Draw(rt, "stage"), Times: rapid.IntRange(0, 1).Draw(rt, "times")}
				if f.Stage == smtptest.Recipient {
					f.Address = rapid.SampledFrom([]string{"", "a@example.net", "b@example.net"}).Draw(rt, "address")
				}
				if f.Stage == smtptest.Body {
					f.After = rapid.Int64Range(0, 200_000).Draw(rt, "after")
				}
				switch rapid.IntRange(0, 2).Draw(rt, "kind") {
				case 0:
					f.Drop = true
				case 1:
					f.Reply = smtp.NewReply(451, smtp.EnhancedCode{4, 0, 0}, "later")
				case 2:
					f.Reply = smtp.NewReply(550, smtp.EnhancedCode{5, 0, 0}, "never")
				}
				srv.Fail(f)
			}
			servers[addr+":25"] = srv
		}
		tr := &mx.Transport{Hostname: "client.example.org", Resolver: w,
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return servers[addr].Dial(ctx, network, addr)
			}}
		text := "Subject: x\r\n\r\n" + strings.Repeat("0123456789\r\n", rapid.SampledFrom([]int{1, 20_000}).Draw(rt, "lines"))
		to := []string{"a@example.net", "b@example.net", "c@example.net"}
		var source io.Reader = strings.NewReader(text)
		if rapid.Bool().Draw(rt, "stream") {
			source = stream(text)
		}
		results := deliver(t, tr.To("example.net"), source, to...)
		tr.Close()
		copies := map[string]int{}
		for _, s := range servers {
			for _, m := range s.Messages() {
				if string(m.Data) != text {
					rt.Fatalf("damaged: %d octets of %d", len(m.Data), len(text))
				}
				for _, r := range m.Recipients {
					copies[r.Address]++
				}
			}
			s.Close()
		}
		for i, r := range results {
			n := copies[to[i]]
			open := strings.Contains(r.Detail, "may be sent more than once")
			if n > 1 || r.Reply.OK() && n != 1 || !r.Reply.OK() && n != 0 && !open {
				rt.Fatalf("%s: %d copies, %s (%s)", to[i], n, r.Reply, r.Detail)
			}
		}
	})
}

// BenchmarkTransport measures a delivery over a connection that is kept.
func BenchmarkTransport(b *testing.B) {
	srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(mail.DelivererFunc(
		func(_ context.Context, _ *mail.Envelope, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		}))}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l)
	}()
	defer func() {
		srv.Close()
		<-done
	}()
	tr := &mx.Transport{Hostname: "client.example.org"}
	defer tr.Close()
	d := tr.To(l.Addr().String())
	text := "Subject: x\r\n\r\n" + strings.Repeat("0123456789012345678901234567890123456789\r\n", 48)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		tx, _ := d.Begin(ctx, "a@example.org", &mail.MailOptions{})
		tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{})
		if err := tx.Body(ctx, strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
		if results, err := tx.Commit(ctx); err != nil || !results[0].Reply.OK() {
			b.Fatal(results, err)
		}
	}
}
