package peerbench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	goimapserver "github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/maildir"

	"github.com/buuta/mail"
)

// listed is the i-th message of a mailbox, of 2 KiB.
func listed(i int) string {
	m := fmt.Sprintf("From: \"Alice Example %d\" <alice%d@example.org>\r\nTo: Bob <bob@example.test>, Carol <carol@example.test>\r\n"+
		"Subject: message %d\r\nDate: Thu, 1 Jan 2026 10:00:00 +0700\r\nMessage-ID: <%d@example.org>\r\nIn-Reply-To: <%d@example.org>\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", i, i, i, i, i-1)
	return m + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n", (2048-len(m))/66)
}

// BenchmarkIMAPFetch gives the time and the allocations of one message in a FETCH of 2,000. The client allocates nothing.
func BenchmarkIMAPFetch(b *testing.B) {
	const messages = 2000
	for _, server := range []struct {
		name  string
		start func(b *testing.B, n int) net.Conn
	}{{"ours", ourIMAP(func(*testing.B) mail.Store { return imaptest.NewStore() })},
		{"ours-maildir", ourIMAP(func(b *testing.B) mail.Store { return &maildir.Store{Path: b.TempDir() + "/%u", NoSync: true} })},
		{"go-imap", goIMAP}} {
		for _, items := range []string{"ENVELOPE", "FLAGS", "BODYSTRUCTURE", "BODY.PEEK[]"} {
			b.Run(server.name+"/"+items, func(b *testing.B) {
				c := server.start(b, messages)
				defer c.Close()
				r := bufio.NewReaderSize(c, 64<<10)
				do := func(command string) {
					if _, err := io.WriteString(c, "a "+command+"\r\n"); err != nil {
						b.Fatal(err)
					}
					for {
						l, err := r.ReadSlice('\n')
						switch {
						case err != nil:
							b.Fatal(err)
						case bytes.HasPrefix(l, []byte("a OK")):
							return
						case bytes.HasPrefix(l, []byte("a ")):
							b.Fatalf("%s: %s", command, l)
						}
					}
				}
				do("LOGIN alice secret")
				do("SELECT INBOX")
				do("FETCH 1:* " + items)
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i += messages {
					do(fmt.Sprintf("FETCH 1:%d %s", min(messages, b.N-i), items))
				}
			})
		}
	}
}

func ourIMAP(store func(*testing.B) mail.Store) func(*testing.B, int) net.Conn {
	return func(b *testing.B, n int) net.Conn {
		ctx := context.Background()
		s := store(b)
		a, err := s.Account(ctx, "alice")
		must(b, err)
		box, err := a.Open(ctx, "INBOX")
		must(b, err)
		tx, err := box.Append(ctx)
		must(b, err)
		for i := range n {
			must(b, tx.Add(ctx, strings.NewReader(listed(i)), nil))
		}
		_, err = tx.Commit(ctx)
		must(b, err)
		srv := &imapserver.Server{Store: s, Authenticator: imaptest.Users{"alice": "secret"}, AllowPlaintext: (*imapserver.Conn).FromThisMachine}
		l := listen(b)
		go srv.Serve(l)
		b.Cleanup(func() {
			srv.Shutdown(ctx)
			box.Close()
			a.Close()
		})
		return dial(b, l)
	}
}

// literal is a message as go-imap takes it.
type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

func goIMAP(b *testing.B, n int) net.Conn {
	user := imapmemserver.NewUser("alice", "secret")
	must(b, user.Create("INBOX", nil))
	for i := range n {
		_, err := user.Append("INBOX", literal{strings.NewReader(listed(i))}, &goimap.AppendOptions{})
		must(b, err)
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	srv := goimapserver.New(&goimapserver.Options{InsecureAuth: true, Caps: goimap.CapSet{goimap.CapIMAP4rev1: {}},
		NewSession: func(*goimapserver.Conn) (goimapserver.Session, *goimapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		}})
	l := listen(b)
	go srv.Serve(l)
	b.Cleanup(func() { srv.Close() })
	return dial(b, l)
}

func dial(b *testing.B, l net.Listener) net.Conn {
	c, err := net.Dial("tcp", l.Addr().String())
	must(b, err)
	return c
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
