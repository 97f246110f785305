package smtp_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// Many clients, and Shutdown in the middle: every message that was answered 250 has been taken, and none twice.
func TestShutdownUnderLoad(t *testing.T) {
	srv := smtptest.NewServer(t)
	addr := srv.Addr()
	var accepted atomic.Int64
	var clients sync.WaitGroup
	first := make(chan struct{})
	var once sync.Once
	for range 8 {
		clients.Go(func() {
			for {
				c, err := smtp.Dial(context.Background(), addr, &smtp.ClientOptions{TLS: smtp.TLSNone, LocalName: "c.test"})
				if err != nil {
					return
				}
				for range 5 {
					env := &mail.Envelope{From: "a@c.test", Recipients: []mail.Recipient{{Address: "b@example.test"}}}
					results, err := c.Send(context.Background(), env, strings.NewReader(letter))
					if err != nil || !results[0].Reply.OK() {
						break
					}
					if accepted.Add(1) > 50 {
						once.Do(func() { close(first) })
					}
				}
				_ = c.Close()
			}
		})
	}
	<-first
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, srv.Config.Shutdown(ctx))
	clients.Wait()
	require.Len(t, srv.Messages(), int(accepted.Load()))
	_, err := net.Dial("tcp", addr)
	require.Error(t, err)
}
