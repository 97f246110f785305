package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/smtp"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/screen"
	"github.com/buuta/mail/internal/peers"
)

// output is what a program writes, read while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) wait(t *testing.T, text string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s := o.String(); strings.Contains(s, text) {
			return s
		}
	}
	require.Fail(t, "it was not written", "%q\n%s", text, o.String())
	return ""
}

// watching starts a proxy in front of a server, and returns its address and what it writes.
func watching(t *testing.T, p explain.Protocol, to string, inside bool) (string, *output) {
	t.Helper()
	out := &output{}
	w := &watcher{screen: &screen.Screen{Lang: explain.English, Width: 120}, words: true, to: to, protocol: p, timeout: time.Minute, out: out,
		target: func(string) *tls.Config { return &tls.Config{InsecureSkipVerify: true} }}
	if inside {
		var err error
		w.inside, err = throwAway(time.Now())
		require.NoError(t, err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	return ln.Addr().String(), out
}

// Whatever octets come, they go through as they are, in both directions, to the last one.
func TestWatchIsTransparent(t *testing.T) {
	said, answered := "EHLO\r\n. {3}a1 \x00\xff"+strings.Repeat("x", 200), "250 OK\r\n+*-1{9}\x80"+strings.Repeat("y", 200)
	for _, p := range []explain.Protocol{explain.SMTP, explain.IMAP} {
		for _, inside := range []bool{false, true} {
			up, down := make([]byte, 50_000), make([]byte, 40_000)
			r := rand.New(rand.NewPCG(1, 2))
			for i := range up {
				up[i] = said[r.IntN(len(said))]
			}
			for i := range down {
				down[i] = answered[r.IntN(len(answered))]
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			got := make(chan []byte, 1)
			go func() {
				c, err := ln.Accept()
				if err != nil {
					got <- nil
					return
				}
				defer c.Close()
				go c.Write(down)
				b, _ := io.ReadAll(c)
				got <- b
			}()
			addr, _ := watching(t, p, ln.Addr().String(), inside)
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
			read := make(chan []byte, 1)
			go func() {
				b := make([]byte, len(down))
				n, _ := io.ReadFull(c, b)
				read <- b[:n]
			}()
			_, err = c.Write(up)
			require.NoError(t, err)
			require.True(t, bytes.Equal(down, <-read), "%s: what the server said came through otherwise", p)
			require.NoError(t, c.(*net.TCPConn).CloseWrite())
			require.True(t, bytes.Equal(up, <-got), "%s: what the client said came through otherwise", p)
			c.Close()
		}
	}
}

// A session with Debian's Postfix goes through, with all lines explained, the password masked; TLS is seen inside only when it ends here.
func TestWatchPostfix(t *testing.T) {
	m := peers.Postfix(t, "compatibility_level = 3.6\nmyhostname = mail.example.test\nmydestination = mail.example.test\nlocal_recipient_maps =\nheader_checks = static:HOLD\nmynetworks = 127.0.0.0/8\n", nil)
	addr, out := watching(t, explain.SMTP, m.SMTP, false)
	require.NoError(t, smtp.SendMail(addr, nil, "an@example.test", []string{"binh@mail.example.test"}, []byte("Subject: x\r\n\r\n.dot\r\nend\r\n")))
	text := out.wait(t, "is over")
	for _, want := range []string{"S → C  220 mail.example.test ESMTP Postfix", "The server speaks first", "C → S  EHLO localhost", "S → C  250-PIPELINING", "C → S  MAIL FROM:<an@example.test>", "C → S  ..dot",
		"(dot-stuffing)", "250 2.0.0 Ok: queued as", "in its queue, and answers for it", "C → S  QUIT", "S → C  221 2.0.0 Bye"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "✗")
}

// Dovecot's POP3 and IMAP, spoken by curl.
func TestWatchDovecot(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	d := peers.Dovecot(t, "")
	imap, seen := watching(t, explain.IMAP, d.IMAP, false)
	message := t.TempDir() + "/m"
	require.NoError(t, exec.Command("sh", "-c", `printf 'Subject: hello\r\n\r\nbody\r\n' > `+message).Run())
	out, err := exec.Command(curl, "-sS", "-u", "user1:secret", "-T", message, "imap://"+imap+"/INBOX").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(curl, "-sS", "-u", "user1:secret", "imap://"+imap+"/INBOX;MAILINDEX=1").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "Subject: hello")
	text := seen.wait(t, "── 2 is over")
	for _, want := range []string{"APPEND INBOX", "octets will follow", "FETCH 1 BODY[]", "The server wants the octets", "Goodbye"} {
		require.Contains(t, text, want)
	}
	pop3, fetched := watching(t, explain.POP3, d.POP3, false)
	out, err = exec.Command(curl, "-sS", "-u", "user1:secret", "pop3://"+pop3+"/1").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "Subject: hello")
	other := fetched.wait(t, "is over")
	require.Contains(t, other, "C → S  RETR 1")
	for _, s := range []string{text, other} {
		require.NotContains(t, s, "✗")
		require.NotContains(t, s, "secret")
		require.NotContains(t, s, "AHVzZXIxAHNlY3JldA")
	}
}

// TLS goes through unseen; with -tls-inside what is within it is explained, and masked all the same.
func TestWatchTLS(t *testing.T) {
	cert, err := throwAway(time.Now())
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go plainServer(c, cert)
		}
	}()
	for _, inside := range []bool{false, true} {
		addr, out := watching(t, explain.SMTP, ln.Addr().String(), inside)
		c, err := smtp.Dial(addr)
		require.NoError(t, err)
		require.NoError(t, c.StartTLS(&tls.Config{InsecureSkipVerify: true}))
		require.NoError(t, c.Auth(smtp.PlainAuth("", "an", "geheim99", "127.0.0.1")))
		require.NoError(t, c.Quit())
		text := out.wait(t, "is over")
		require.Contains(t, text, "C → S  STARTTLS")
		require.Equal(t, inside, strings.Contains(text, "AUTH PLAIN "+explain.Mask), text)
		require.Equal(t, inside, strings.Contains(text, "Logged in"))
		require.Equal(t, !inside, strings.Contains(text, "From here on everything is encrypted"))
		require.NotContains(t, text, "geheim99")
		require.NotContains(t, text, "✗")
	}
}

// plainServer is an SMTP server with nothing but STARTTLS and AUTH.
func plainServer(c net.Conn, cert *tls.Config) {
	defer c.Close()
	fmt.Fprint(c, "220 x ESMTP\r\n")
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		switch line := strings.ToUpper(string(buf[:n])); {
		case strings.HasPrefix(line, "EHLO"):
			fmt.Fprint(c, "250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
		case strings.HasPrefix(line, "STARTTLS"):
			fmt.Fprint(c, "220 go\r\n")
			c = tls.Server(c, cert)
		case strings.HasPrefix(line, "AUTH"):
			fmt.Fprint(c, "235 2.7.0 ok\r\n")
		default:
			fmt.Fprint(c, "221 2.0.0 Bye\r\n")
			return
		}
	}
}
