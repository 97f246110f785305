package smtp_test

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// BenchmarkClient measures client and server together: messages over one connection, over loopback.
func BenchmarkClient(b *testing.B) {
	line := []byte("0123456789012345678901234567890123456789012345678901234567890123456789\r\n")
	for _, way := range []struct {
		name string
		opts smtp.ClientOptions
	}{
		{"BDAT", smtp.ClientOptions{TLS: smtp.TLSNone}},
		{"DATA", smtp.ClientOptions{TLS: smtp.TLSNone, NoChunking: true}},
	} {
		for _, size := range []int{2 << 10, 1 << 20} {
			message := bytes.Repeat(line, size/len(line))
			for _, source := range []string{"memory", "stream"} {
				b.Run(way.name+"/"+strconv.Itoa(size>>10)+"KiB/"+source, func(b *testing.B) {
					srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(null{})}
					c, err := smtp.Dial(context.Background(), listen(b, srv, false), &way.opts)
					require.NoError(b, err)
					defer c.Close()
					env := &mail.Envelope{From: "a@example.org", Recipients: []mail.Recipient{{Address: "b@example.net"}}}
					r := bytes.NewReader(nil)
					var in io.Reader = r
					if source == "stream" {
						in = struct{ io.Reader }{r}
					}
					b.SetBytes(int64(len(message)))
					b.ReportAllocs()
					for b.Loop() {
						r.Reset(message)
						results, err := c.Send(context.Background(), env, in)
						if err != nil || !results[0].Reply.OK() {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
