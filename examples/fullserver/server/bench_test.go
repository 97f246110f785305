package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
)

// BenchmarkSMTPToMaildir is the whole way of a message of 4 KiB: over a socket, through policy and trace fields, synced into a
// Maildir, answered 250; 20 sessions at once.
func BenchmarkSMTPToMaildir(b *testing.B) {
	dir := b.TempDir()
	var list strings.Builder
	for i := range 50 {
		fmt.Fprintf(&list, "u%d@example.test:{PLAIN}x\n", i)
	}
	if err := os.WriteFile(dir+"/users", []byte(list.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	c, err := config.Load(config.Options{Overrides: base(dir)})
	if err != nil {
		b.Fatal(err)
	}
	s, err := server.Open(c, server.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	body := "Subject: bench\r\nMessage-ID: <x@far.test>\r\nDate: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 55) + ".\r\n"
	var next atomic.Int64
	b.SetParallelism(10)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		k, err := net.Dial("tcp", s.Addrs("smtp_listen")[0].String())
		if err != nil {
			b.Error(err)
			return
		}
		defer k.Close()
		r := bufio.NewReader(k)
		say := func(text string, lines int) {
			if _, err := io.WriteString(k, text); err != nil {
				b.Error(err)
			}
			for range lines {
				l, err := r.ReadString('\n')
				if err != nil || l[0] != '2' && l[0] != '3' {
					b.Errorf("%.30q -> %q, %v", text, l, err)
					return
				}
			}
		}
		say("HELO c.test\r\n", 2)
		for pb.Next() {
			say(fmt.Sprintf("MAIL FROM:<s@far.test>\r\nRCPT TO:<u%d@example.test>\r\nDATA\r\n", next.Add(1)%50), 3)
			say(body, 1)
		}
	})
}
