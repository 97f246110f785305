package smtp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// null takes every message and forgets it.
type null struct{}

func (null) Begin(context.Context, string, *mail.MailOptions) (mail.Transaction, error) {
	return nullTx{}, nil
}

type nullTx struct{}

var nullResult = []mail.Result{{Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok"), ID: "913E010089F"}}

func (nullTx) Recipient(context.Context, string, *mail.RcptOptions) error { return nil }
func (nullTx) Body(_ context.Context, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
func (nullTx) Commit(context.Context) ([]mail.Result, error) { return nullResult, nil }
func (nullTx) Abort() error                                  { return nil }

func listen(b testing.TB, srv *smtp.Server, implicit bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if implicit {
			_ = srv.ServeTLS(l)
			return
		}
		_ = srv.Serve(l)
	}()
	b.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return l.Addr().String()
}

// BenchmarkServer measures the server over loopback, with a client that does next to nothing.
func BenchmarkServer(b *testing.B) {
	for _, size := range []int{2 << 10, 1 << 20} {
		b.Run(strconv.Itoa(size>>10)+"KiB", func(b *testing.B) {
			srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(null{})}
			conn, err := net.Dial("tcp", listen(b, srv, false))
			require.NoError(b, err)
			buf := make([]byte, 4096)
			expect := func(end string) {
				n := 0
				for !bytes.HasSuffix(buf[:n], []byte(end)) {
					m, err := conn.Read(buf[n:])
					if err != nil {
						b.Fatal(err, string(buf[:n]))
					}
					n += m
				}
			}
			expect("ESMTP\r\n")
			_, _ = io.WriteString(conn, "EHLO c.test\r\n")
			expect("RCPTMAX=1000\r\n")
			msg := bytes.Repeat([]byte("0123456789012345678901234567890123456789012345678901234567890123456789\r\n"), size/72)
			msg = append(msg, ".\r\n"...)
			head := []byte("MAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n")
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = conn.Write(head)
				expect("<CR><LF>.<CR><LF>\r\n")
				_, _ = conn.Write(msg)
				expect("queued as 913E010089F\r\n")
			}
			_ = conn.Close()
		})
	}
}

// TestIdleMemory holds an idle connection to what it may cost. The number of connections and the limits are those of
// BUUTA_IDLE_CONNS if it is set.
func TestIdleMemory(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("BUUTA_IDLE_CONNS"))
	if n == 0 {
		n = 200
	}
	for _, secure := range []bool{false, true} {
		srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(null{}), AllowEarlyTalk: true}
		cfg := withTLS(t, srv)
		ready := make(chan struct{}, 1)
		srv.ConnState = func(_ *smtp.Conn, s smtp.ConnState) {
			if s == smtp.StateIdle {
				ready <- struct{}{}
			}
		}
		addr := listen(t, srv, secure)
		before := memory()
		conns := make([]net.Conn, 0, n)
		for range n {
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			conns = append(conns, c)
			if secure {
				// The client's half of TLS is not what is measured: it is dropped, and its memory with it.
				tc := tls.Client(c, cfg)
				require.NoError(t, tc.Handshake())
			}
			<-ready
			if !secure {
				_, err = io.WriteString(c, "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRSET\r\n")
				require.NoError(t, err)
				<-ready
			}
		}
		per := (memory() - before) / int64(n)
		t.Logf("TLS %v: %d octets for each of %d idle connections, the client's end among them", secure, per, n)
		if !raceEnabled {
			require.Less(t, per, map[bool]int64{false: 8 << 10, true: 24 << 10}[secure])
		}
		for _, c := range conns {
			_ = c.Close()
		}
		require.NoError(t, srv.Close())
	}
}

// memory is what heap and stacks occupy.
func memory() int64 {
	for range 3 {
		runtime.GC()
		time.Sleep(0)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
