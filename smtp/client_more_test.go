package smtp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// cutConn breaks in the middle of a long write, as a connection does that the server has hung up.
type cutConn struct{ net.Conn }

func (c cutConn) Write(p []byte) (int, error) {
	if len(p) > 10_000 {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(p)
}

// A server that refuses a message in its middle says why before it hangs up; that is worth more than "broken pipe".
func TestClientLastWords(t *testing.T) {
	for words, want := range map[string]string{
		"S: 552 5.3.4 too big": "host mx.example.net[127.0.0.1] said: 552 5.3.4 too big (in reply to end of DATA command)",
		"S: 250 what":          "421 4.4.2 lost connection with mx.example.net[127.0.0.1] while sending message body (broken pipe)",
		"S!":                   "421 4.4.2 lost connection with mx.example.net[127.0.0.1] while sending message body (broken pipe)",
	} {
		server, conn := tcpPair(t)
		go func() {
			defer server.Close()
			newScripted(server).run(greeted() + "C: MAIL FROM:<a@example.org>\nS: 250 x\nC: RCPT TO:<b@example.net>\nS: 250 x\nC: DATA\nS: 354 x\n" + words)
		}()
		c := clientOn(t, cutConn{conn}, nil)
		_, err := c.Send(context.Background(), envelopeOf("a@example.org", "b@example.net"), bytes.NewReader(bytes.Repeat([]byte("x\r\n"), 50_000)))
		require.EqualError(t, err, want)
	}
}

// Messages of every kind and size arrive as they were, by DATA and by BDAT.
func TestClientSources(t *testing.T) {
	text := strings.Repeat(".0123456789 tiếng Việt\r\n", 10_000)
	path := filepath.Join(t.TempDir(), "m")
	for _, chunking := range []bool{true, false} {
		srv := smtptest.NewServer(t)
		c, err := smtp.Dial(context.Background(), srv.Addr(), &smtp.ClientOptions{NoChunking: !chunking})
		require.NoError(t, err)
		for _, n := range []int{0, 1, 24, 32 << 10, 32<<10 + 1, 100_000, len(text)} {
			require.NoError(t, os.WriteFile(path, []byte(text[:n]), 0o600))
			file, err := os.Open(path)
			require.NoError(t, err)
			for i, r := range []io.Reader{strings.NewReader(text[:n]), bytes.NewBufferString(text[:n]), file,
				struct{ io.Reader }{strings.NewReader(text[:n])}, io.NewSectionReader(strings.NewReader(text), 0, int64(n))} {
				srv.Reset()
				results, err := c.Send(context.Background(), envelopeOf("a@example.org", "b@example.net"), r)
				require.NoError(t, err)
				require.True(t, results[0].Reply.OK())
				want := text[:n]
				if n > 0 && want[n-1] == '\r' {
					want += "\n"
				} else if n > 0 && want[n-1] != '\n' {
					want += "\r\n"
				}
				if got := string(srv.Messages()[0].Data); got != want {
					t.Fatalf("chunking %v, source %d, %d octets: got %d octets", chunking, i, n, len(got))
				}
			}
			file.Close()
		}
		require.NoError(t, c.Quit(context.Background()))
	}
}

func TestDialReason(t *testing.T) {
	for want, err := range map[string]error{
		"Connection refused":        &net.OpError{Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"No route to host":          syscall.EHOSTUNREACH,
		"Network is unreachable":    syscall.ENETUNREACH,
		"Connection timed out":      fmt.Errorf("x: %w", context.DeadlineExceeded),
		"Connection reset by peer":  syscall.ECONNRESET,
		"No such file or directory": syscall.ENOENT,
		"Permission denied":         syscall.EACCES,
		"too many open files":       syscall.EMFILE,
		"a?b":                       errors.New("a\x01b"),
	} {
		require.Equal(t, want, smtp.DialReason(err))
	}
	require.Equal(t, "Connection timed out", smtp.DialReason(syscall.ETIMEDOUT))
}

func TestDialFailures(t *testing.T) {
	ctx := context.Background()
	_, err := smtp.Dial(ctx, "unix:"+filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorContains(t, err, "No such file or directory")
	for notFound, want := range map[bool]string{
		true:  "550 5.4.4 Host or domain name not found. Name service error for name=mx.example.net type=A: Host not found",
		false: "450 4.4.3 Host or domain name not found. Name service error for name=mx.example.net type=A: Host not found, try again",
	} {
		_, err = smtp.Dial(ctx, "mx.example.net:25", &smtp.ClientOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "mx.example.net", IsNotFound: notFound}}
		}})
		require.Equal(t, want, mail.ReplyOf(err).String())
	}
}

// LMTP over a socket of this machine: no TLS, and AUTH is safe there.
func TestDialUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = newScripted(conn).run("S: 220 box\nC: LHLO c.example.org\nS: 250-box\nS: 250 STARTTLS\nC: QUIT\nS: 221 x")
			conn.Close()
		}
		done <- err
	}()
	c, err := smtp.Dial(context.Background(), "unix:"+path, &smtp.ClientOptions{LMTP: true, LocalName: "c.example.org"})
	require.NoError(t, err)
	require.Equal(t, "localhost["+path+"]", c.Relay())
	require.NoError(t, c.Quit(context.Background()))
	require.NoError(t, <-done)
	l.Close()
}
