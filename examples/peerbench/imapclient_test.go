package peerbench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	goimapclient "github.com/emersion/go-imap/v2/imapclient"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// written is a server that has its answers written before: what is measured is the client. It allocates nothing for a FETCH.
type written struct {
	messages  int
	envelopes []byte // the responses to FETCH of ENVELOPE and what goes with it
	bodies    []byte // the responses to FETCH of BODY[]
}

// newWritten makes a mailbox whose bodies have this many octets each.
func newWritten(messages, octets int) *written {
	w := &written{messages: messages}
	var env, bodies bytes.Buffer
	body := strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n", octets/66+1)[:octets]
	for i := 1; i <= messages; i++ {
		fmt.Fprintf(&env, "* %[1]d FETCH (UID %[1]d FLAGS (\\Seen $work) INTERNALDATE \"01-Jan-2026 10:00:%02[2]d +0700\" RFC822.SIZE %[3]d ENVELOPE "+
			"(\"Thu, 1 Jan 2026 10:00:%02[2]d +0700\" \"Re: message %[1]d about =?utf-8?Q?th=C6=B0?=\" ((\"Alice Example %[4]d\" NIL \"alice%[4]d\" \"example.org\")) "+
			"((\"Alice Example %[4]d\" NIL \"alice%[4]d\" \"example.org\")) ((\"Alice Example %[4]d\" NIL \"alice%[4]d\" \"example.org\")) "+
			"((NIL NIL \"bob\" \"example.test\")(\"Carol\" NIL \"carol\" \"example.test\")) NIL NIL \"<%[5]d@example.org>\" \"<%[1]d@example.org>\"))\r\n",
			i, i%60, 2000+i%977, i%500, i-1)
		fmt.Fprintf(&bodies, "* %[1]d FETCH (UID %[1]d BODY[] {%d}\r\n%s)\r\n", i, octets, body)
	}
	w.envelopes, w.bodies = env.Bytes(), bodies.Bytes()
	return w
}

// serve answers the commands that the three clients send. Written for a connection at a time.
func (w *written) serve(c net.Conn) {
	defer c.Close()
	_, _ = io.WriteString(c, "* OK [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n")
	r := bufio.NewReader(c)
	ok := make([]byte, 0, 64)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		tag, rest, _ := bytes.Cut(line, []byte(" "))
		switch {
		case bytes.Contains(rest, []byte("FETCH")) && bytes.Contains(rest, []byte("ENVELOPE")):
			_, err = c.Write(w.envelopes)
		case bytes.Contains(rest, []byte("FETCH")):
			_, err = c.Write(w.bodies)
		case bytes.HasPrefix(rest, []byte("CAPABILITY")):
			_, err = io.WriteString(c, "* CAPABILITY IMAP4rev1 LITERAL+\r\n")
		case bytes.HasPrefix(rest, []byte("SELECT")):
			_, err = fmt.Fprintf(c, "* FLAGS (\\Seen)\r\n* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT %d] x\r\n", w.messages, w.messages+1)
		}
		if err != nil {
			return
		}
		ok = append(append(ok[:0], tag...), " OK done\r\n"...)
		if _, err = c.Write(ok); err != nil {
			return
		}
	}
}

func (w *written) start(b *testing.B) net.Listener {
	l := listen(b)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.serve(c)
		}
	}()
	return l
}

// python reads with imaplib, which leaves the parsing to its caller: it prints the nanoseconds that each of n fetches took.
const python = `
import imaplib, sys, time
imaplib._MAXLINE = 1 << 24
c = imaplib.IMAP4(sys.argv[1], int(sys.argv[2]))
c.login("alice", "secret")
c.select("INBOX")
c.uid("FETCH", "1:*", sys.argv[3])
t = time.perf_counter_ns()
for _ in range(int(sys.argv[4])):
    assert len(c.uid("FETCH", "1:*", sys.argv[3])[1]) >= int(sys.argv[5])
print(time.perf_counter_ns() - t)
`

// runPython reports what imaplib needs for b.N fetches of items.
func runPython(b *testing.B, l net.Listener, items string, messages int) {
	if _, err := exec.LookPath("python3"); err != nil {
		b.Skip("no python3")
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	must(b, err)
	out, err := exec.Command("python3", "-c", python, host, port, items, strconv.Itoa(b.N), strconv.Itoa(messages)).Output()
	must(b, err)
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	must(b, err)
	b.ReportMetric(float64(ns)/float64(b.N), "ns/op")
}

func ourClient(b *testing.B, l net.Listener) *imapclient.Client {
	c, err := imapclient.Dial(context.Background(), l.Addr().String(), &imapclient.Options{TLS: imapclient.TLSNone,
		Auth: &mail.Credentials{Username: "alice", Password: "secret", AllowPlaintext: true}})
	must(b, err)
	b.Cleanup(func() { _ = c.Close() })
	_, err = c.Select(context.Background(), "INBOX", nil)
	must(b, err)
	return c
}

func theirClient(b *testing.B, l net.Listener) *goimapclient.Client {
	c := goimapclient.New(dial(b, l), nil)
	b.Cleanup(func() { _ = c.Close() })
	must(b, c.Login("alice", "secret").Wait())
	_, err := c.Select("INBOX", nil).Wait()
	must(b, err)
	return c
}

var wholeMailbox = goimap.UIDSet{{Start: 1, Stop: 0}}

// BenchmarkIMAPClientEnvelopes gives the time and the allocations of a FETCH of UID, FLAGS, INTERNALDATE, RFC822.SIZE and ENVELOPE of
// 20,000 messages, decoded; imaplib gives the lines as they are.
func BenchmarkIMAPClientEnvelopes(b *testing.B) {
	const messages = 20_000
	w := newWritten(messages, 0)
	b.Run("ours", func(b *testing.B) {
		c := ourClient(b, w.start(b))
		o := &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize, imap.FetchEnvelope)}
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for m, err := range c.Fetch(context.Background(), imapclient.All(), o) {
				must(b, err)
				if m.Envelope.Subject.Value != "" {
					n++
				}
			}
			if n != messages {
				b.Fatal(n)
			}
		}
	})
	b.Run("go-imap", func(b *testing.B) {
		c := theirClient(b, w.start(b))
		o := &goimap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true}
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			cmd := c.Fetch(wholeMailbox, o)
			for m := cmd.Next(); m != nil; m = cmd.Next() {
				buf, err := m.Collect()
				must(b, err)
				if buf.Envelope.Subject != "" {
					n++
				}
			}
			must(b, cmd.Close())
			if n != messages {
				b.Fatal(n)
			}
		}
	})
	b.Run("imaplib", func(b *testing.B) {
		runPython(b, w.start(b), "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", messages)
	})
}

// BenchmarkIMAPClientBodies gives the rate at which BODY.PEEK[] is read, of messages small and large. With -cpu 1 client and server
// share one processor.
func BenchmarkIMAPClientBodies(b *testing.B) {
	for _, size := range []struct{ messages, octets int }{{10_000, 4 << 10}, {200, 1 << 20}} {
		w := newWritten(size.messages, size.octets)
		total := int64(size.messages * size.octets)
		name := fmt.Sprintf("/%dKiB", size.octets>>10)
		for _, stream := range []bool{false, true} {
			b.Run(map[bool]string{false: "ours", true: "ours-streamed"}[stream]+name, func(b *testing.B) {
				c := ourClient(b, w.start(b))
				o := &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}, Stream: stream}
				b.SetBytes(total)
				b.ReportAllocs()
				for b.Loop() {
					sum := int64(0)
					for m, err := range c.Fetch(context.Background(), imapclient.All(), o) {
						must(b, err)
						if m.Body != nil {
							n, err := io.Copy(io.Discard, m.Body)
							must(b, err)
							sum += n
						} else {
							data, _ := m.Section(imap.Section{})
							sum += int64(len(data))
						}
					}
					if sum != total {
						b.Fatal(sum)
					}
				}
			})
		}
		b.Run("go-imap"+name, func(b *testing.B) {
			c := theirClient(b, w.start(b))
			section := &goimap.FetchItemBodySection{Peek: true}
			o := &goimap.FetchOptions{UID: true, BodySection: []*goimap.FetchItemBodySection{section}}
			b.SetBytes(total)
			b.ReportAllocs()
			for b.Loop() {
				sum := int64(0)
				cmd := c.Fetch(wholeMailbox, o)
				for m := cmd.Next(); m != nil; m = cmd.Next() {
					for item := m.Next(); item != nil; item = m.Next() {
						if s, ok := item.(goimapclient.FetchItemDataBodySection); ok {
							n, err := io.Copy(io.Discard, s.Literal)
							must(b, err)
							sum += n
						}
					}
				}
				must(b, cmd.Close())
				if sum != total {
					b.Fatal(sum)
				}
			}
		})
		b.Run("imaplib"+name, func(b *testing.B) {
			b.SetBytes(total)
			runPython(b, w.start(b), "(UID BODY.PEEK[])", size.messages)
		})
	}
}
