package peerbench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// message returns a message of about size octets in lines of 76.
func message(size int) []byte {
	var b bytes.Buffer
	b.WriteString("From: <a@example.org>\r\nTo: <b@example.test>\r\nSubject: benchmark\r\n\r\n")
	line := strings.Repeat("0123456789abcdef", 5)[:74] + "\r\n"
	for b.Len() < size {
		b.WriteString(line)
	}
	return b.Bytes()
}

func listen(b *testing.B) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkSMTP sends messages over one connection on loopback; time and allocations are those of client and server together.
func BenchmarkSMTP(b *testing.B) {
	for _, size := range []int{2 << 10, 1 << 20} {
		msg := message(size)
		b.Run(fmt.Sprintf("ours/%dKiB", size>>10), func(b *testing.B) { ours(b, msg) })
		b.Run(fmt.Sprintf("go-smtp/%dKiB", size>>10), func(b *testing.B) { goSMTP(b, msg) })
	}
}

func ours(b *testing.B, msg []byte) {
	l := listen(b)
	srv := &smtp.Server{Hostname: "localhost", Limits: smtp.Limits{MessageSize: 64 << 20},
		Backend: smtp.Handle(mail.DelivererFunc(func(_ context.Context, _ *mail.Envelope, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		}))}
	go srv.Serve(l)
	defer srv.Close()
	ctx := context.Background()
	c, err := smtp.Dial(ctx, l.Addr().String(), &smtp.ClientOptions{TLS: smtp.TLSNone})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	env := &mail.Envelope{From: "a@example.org", Recipients: []mail.Recipient{{Address: "b@example.test"}}}
	r := bytes.NewReader(msg)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(msg)
		res, err := c.Send(ctx, env, r)
		if err != nil || !res[0].Reply.OK() {
			b.Fatal(res, err)
		}
	}
}

type goBackend struct{}

func (goBackend) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return goBackend{}, nil }
func (goBackend) Reset()                                          {}
func (goBackend) Logout() error                                   { return nil }
func (goBackend) Mail(string, *gosmtp.MailOptions) error          { return nil }
func (goBackend) Rcpt(string, *gosmtp.RcptOptions) error          { return nil }
func (goBackend) Data(r io.Reader) error                          { _, err := io.Copy(io.Discard, r); return err }

func goSMTP(b *testing.B, msg []byte) {
	l := listen(b)
	srv := gosmtp.NewServer(goBackend{})
	srv.Domain = "localhost"
	srv.MaxMessageBytes = 64 << 20
	go srv.Serve(l)
	defer srv.Close()
	c, err := gosmtp.Dial(l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	to := []string{"b@example.test"}
	r := bytes.NewReader(msg)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(msg)
		if err := c.SendMail("a@example.org", to, r); err != nil {
			b.Fatal(err)
		}
	}
}
