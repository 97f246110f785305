package scene

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/stretchr/testify/require"
)

// sinks are servers that take everything, at each address that isn't the server's under test: SMTP at port 25 and LMTP at port 24,
// at lmtpSink too.
type sinks struct {
	mu  sync.Mutex
	got []string
}

// lmtpSink is where the server under test delivers what is for its own mailboxes.
const lmtpSink = "127.0.0.2"

// shown are the fields of a message that are compared.
var shown = []string{"From", "To", "Cc", "Reply-To", "Sender", "Subject", "Delivered-To", "Resent-To"}

func (s *Scene) sinks(addrs []string) *sinks {
	s.t.Helper()
	k := &sinks{}
	start := func(addr string, lmtp bool) {
		l, err := net.Listen("tcp", addr)
		require.NoError(s.t, err)
		srv := &smtp.Server{Hostname: "sink.example", LMTP: lmtp, Logger: nil, Limits: smtp.Limits{ConnectionsPerAddr: -1}, Backend: smtp.Handle(mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, r io.Reader) error {
			text, err := io.ReadAll(r)
			if err == nil {
				k.take(addr, env, string(text))
			}
			return err
		}))}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = srv.Serve(l)
		}()
		s.t.Cleanup(func() {
			_ = srv.Close()
			<-done
		})
	}
	for _, a := range addrs {
		start(a+":25", false)
		start(a+":24", true)
	}
	start(lmtpSink+":24", true)
	return k
}

// take writes down what a message is to be compared by: where it came, its envelope, and the addresses in its header, a line for each recipient.
func (k *sinks) take(addr string, env *mail.Envelope, text string) {
	text = strings.NewReplacer("\r\n\t", " ", "\r\n ", " ").Replace(text)
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	var fields []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, _, _ := strings.Cut(line, ":"); slices.Contains(shown, name) {
			fields = append(fields, strings.Join(strings.Fields(strings.ReplaceAll(line, "> (", ">(")), " ")) // Postfix writes a field that it changes anew
		}
	}
	if env.From == "" { // a report: whom it is about, and why
		fields = fields[:0]
		for line := range strings.SplitSeq(body, "\r\n") {
			if name, _, _ := strings.Cut(line, ":"); name == "Final-Recipient" || name == "Status" {
				fields = append(fields, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range env.Recipients {
		k.got = append(k.got, fmt.Sprintf("%s: <%s> to <%s>: %s", addr, env.From, r.Address, strings.Join(fields, "; ")))
	}
}

// all returns what has come, in order, and forgets it.
func (k *sinks) all() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := k.got
	k.got = nil
	slices.Sort(out)
	return out
}
