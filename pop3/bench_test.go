package pop3_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// sink is a client that takes everything and has said everything.
type sink struct {
	scripted
	n int64
}

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return len(p), nil
}

// BenchmarkServerRETR is the server alone: one session that fetches a message again and again into nothing.
func BenchmarkServerRETR(b *testing.B) {
	for _, size := range []int{2 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := pop3test.NewUnstartedServer(b, body(size))
			s.Config.TLSConfig = nil
			b.SetBytes(int64(size))
			b.ReportAllocs()
			c := &sink{}
			c.in = strings.NewReader("USER alice\r\nPASS secret\r\n" + strings.Repeat("RETR 1\r\n", b.N))
			s.Config.ServeConn(context.Background(), c)
			if c.n < int64(b.N)*int64(size) {
				b.Fatal("too little was sent")
			}
		})
	}
}

// BenchmarkRETR is both sides over loopback, pipelined.
func BenchmarkRETR(b *testing.B) {
	for _, size := range []int{2 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := pop3test.NewServer(b, body(size))
			c := dial(b, s)
			numbers := make([]int, b.N)
			for i := range numbers {
				numbers[i] = 1
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for m, err := range c.RetrAll(context.Background(), numbers...) {
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLogin is login, UIDL and the first message in a maildrop of 100,000.
func BenchmarkLogin(b *testing.B) {
	s := pop3test.NewUnstartedServer(b)
	for range 100_000 {
		s.Store.Add("alice", "x: y\r\n\r\n")
	}
	s.Start()
	for _, uidl := range []bool{false, true} {
		b.Run(fmt.Sprintf("uidl=%t", uidl), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, err := pop3.Dial(context.Background(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone,
					Auth: &mail.Credentials{Username: "alice", Password: "secret", Mechanisms: []string{"PLAIN"}}})
				if err != nil {
					b.Fatal(err)
				}
				if uidl {
					for _, err := range c.UIDL(context.Background()) {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
				m, err := c.Retr(context.Background(), 1)
				if err != nil {
					b.Fatal(err)
				}
				_ = m.Close()
				if err := c.Quit(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
