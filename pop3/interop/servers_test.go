package interop_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3"
)

// messages have what goes wrong with POP3: dots, long lines, no body, no end, octets beyond ASCII, size.
func messages() []string {
	head := func(n int) string {
		return fmt.Sprintf("From: a@example.test\r\nTo: user1@example.test\r\nSubject: message %d\r\nMessage-ID: <%d@example.test>\r\n", n, n)
	}
	out := []string{
		head(0) + "\r\n.\r\n..\r\n.a\r\n...\r\n\r\n.\r\n",
		head(1) + "\r\n" + strings.Repeat("x", 900) + "\r\n",
		head(2) + "\r\n",
		head(3) + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nThư này có dấu.\r\n",
		head(4) + "\r\n" + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz.\r\n", 20000),
	}
	for n := len(out); n < 40; n++ {
		out = append(out, head(n)+"\r\nHello.\r\n"+strings.Repeat(".\r\n", n))
	}
	return out
}

// fill puts messages into user1's INBOX by IMAP.
func fill(t *testing.T, s *peers.Server, messages []string) {
	t.Helper()
	c, err := imapclient.Dial(t.Context(), s.IMAP, &imapclient.Options{TLS: imapclient.TLSNone, Auth: user1()})
	require.NoError(t, err)
	for _, m := range messages {
		_, err := c.Append(t.Context(), "INBOX", imapclient.NewDraft([]byte(m)))
		require.NoError(t, err)
	}
	require.NoError(t, c.Logout(t.Context()))
}

func user1(mechanisms ...string) *mail.Credentials {
	return &mail.Credentials{Username: "user1", Password: peers.Password, Mechanisms: mechanisms}
}

func dial(t *testing.T, s *peers.Server, mechanisms ...string) *pop3.Client {
	t.Helper()
	c, err := pop3.Dial(t.Context(), s.POP3, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: user1(mechanisms...)})
	require.NoError(t, err, "%v", mechanisms)
	t.Cleanup(func() { c.Close() })
	return c
}

// retrAll gets every message by pipelined RETR.
func retrAll(t *testing.T, c *pop3.Client, n int) (out []string) {
	t.Helper()
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	for m, err := range c.RetrAll(t.Context(), numbers...) {
		require.NoError(t, err)
		b, err := io.ReadAll(m)
		require.NoError(t, err)
		out = append(out, string(b))
	}
	return out
}

func uidl(t *testing.T, c *pop3.Client) (out []string) {
	t.Helper()
	for l, err := range c.UIDL(t.Context()) {
		require.NoError(t, err)
		out = append(out, l.UID)
	}
	return out
}

// bySize returns unique-ids, each with its message's size, in an order that doesn't depend on the messages'.
func bySize(t *testing.T, c *pop3.Client) (out []string) {
	t.Helper()
	sizes := map[int]int64{}
	for l, err := range c.List(t.Context()) {
		require.NoError(t, err)
		sizes[l.Number] = l.Size
	}
	for l, err := range c.UIDL(t.Context()) {
		require.NoError(t, err)
		out = append(out, fmt.Sprint(l.UID, " ", sizes[l.Number]))
	}
	slices.Sort(out)
	return out
}

func TestServers(t *testing.T) {
	for _, p := range []struct {
		name       string
		start      func(*testing.T) *peers.Server
		mechanisms []string
	}{
		{"Dovecot", func(t *testing.T) *peers.Server { return peers.Dovecot(t, "") }, []string{"USER", "APOP", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}},
		{"Courier", func(t *testing.T) *peers.Server { return peers.Courier(t) }, []string{"USER", "PLAIN", "LOGIN", "CRAM-MD5"}},
		{"Cyrus", func(t *testing.T) *peers.Server { return peers.Cyrus(t) }, []string{"USER", "APOP", "PLAIN", "LOGIN", "CRAM-MD5"}},
	} {
		t.Run(p.name, func(t *testing.T) {
			s := p.start(t)
			want := messages()
			fill(t, s, want)
			for _, m := range p.mechanisms {
				c := dial(t, s, m)
				n, _, err := c.Stat(t.Context())
				require.NoError(t, err, m)
				require.Equal(t, len(want), n, m)
				require.NoError(t, c.Quit(t.Context()), m)
			}
			_, err := pop3.Dial(t.Context(), s.POP3, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{Username: "user1", Password: "wrong"}})
			require.ErrorAs(t, err, new(*pop3.Error))

			c := dial(t, s)
			got := retrAll(t, c, len(want))
			if p.name == "Courier" { // which numbers the messages of one second in no order
				require.ElementsMatch(t, want, got)
				want = got
			}
			require.Equal(t, want, got)
			dots := slices.Index(want, messages()[0])
			ids := uidl(t, c)
			require.Len(t, ids, len(want))
			i := 0
			for l, err := range c.List(t.Context()) {
				require.NoError(t, err)
				require.EqualValues(t, len(want[i]), l.Size, "message %d", i+1)
				i++
			}
			top, err := c.Top(t.Context(), dots+1, 2)
			require.NoError(t, err)
			b, err := io.ReadAll(top)
			require.NoError(t, err)
			require.Equal(t, want[dots][:strings.Index(want[dots], "\r\n\r\n")+4]+".\r\n..\r\n", string(b))

			// Marked and not said goodbye: everything stays, under the same names.
			require.NoError(t, c.Dele(t.Context(), 1, 2))
			require.NoError(t, c.Close())
			c = dial(t, s)
			require.Equal(t, ids, uidl(t, c))
			require.NoError(t, c.Dele(t.Context(), 1, 3))
			require.NoError(t, c.Quit(t.Context()))
			want = slices.Delete(slices.Delete(want, 2, 3), 0, 1)

			// The Collector files each message once, and leaves an empty maildrop.
			a, err := (&maildir.Store{Path: t.TempDir() + "/%u"}).Account(t.Context(), "me")
			require.NoError(t, err)
			defer a.Close()
			box, err := a.Open(t.Context(), "INBOX")
			require.NoError(t, err)
			defer box.Close()
			for _, filed := range []int{len(want), 0} {
				r, err := (&pop3.Collector{Mailbox: box, Source: "user1@" + p.name}).Run(t.Context(), dial(t, s))
				require.NoError(t, err)
				require.Equal(t, pop3.Collected{Filed: filed}, r)
			}
			got = nil
			for m, err := range box.Messages(t.Context(), mail.AllUIDs(), 0) {
				require.NoError(t, err)
				body, err := box.OpenBody(t.Context(), m.UID)
				require.NoError(t, err)
				b, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
				require.NoError(t, err)
				body.Close()
				got = append(got, string(b))
			}
			require.Equal(t, want, got)
		})
	}
}

// A Maildir that was Dovecot's or Courier's has, served by us, the unique-ids that it had.
func TestUniqueIDsStay(t *testing.T) {
	for _, p := range []struct {
		name, format string
		start        func(*testing.T) *peers.Server
	}{
		{"Dovecot", "", func(t *testing.T) *peers.Server { return peers.Dovecot(t, "") }},
		{"Dovecot with UIDs", "%v.%u", func(t *testing.T) *peers.Server {
			return peers.Dovecot(t, "protocol pop3 {\n  pop3_uidl_format = %v.%u\n}\n")
		}},
		{"Dovecot with names of files", "%f", func(t *testing.T) *peers.Server {
			return peers.Dovecot(t, "protocol pop3 {\n  pop3_uidl_format = %f\n}\n")
		}},
		{"Dovecot with GUIDs", "%g", func(t *testing.T) *peers.Server {
			return peers.Dovecot(t, "protocol pop3 {\n  pop3_uidl_format = %g\n}\n")
		}},
		{"Courier", "", func(t *testing.T) *peers.Server { return peers.Courier(t) }},
	} {
		t.Run(p.name, func(t *testing.T) {
			s := p.start(t)
			fill(t, s, messages()[5:20])
			c := dial(t, s)
			ids := uidl
			if p.name == "Courier" { // it numbers what comes within a second by the letters of file names; we by the microseconds in them
				ids = bySize
			}
			want := ids(t, c)
			require.NoError(t, c.Quit(t.Context()))
			require.Len(t, want, 15)

			copied := t.TempDir() + "/user1"
			require.NoError(t, os.CopyFS(copied, os.DirFS(s.Maildir)))
			for _, d := range []string{"cur", "new", "tmp"} {
				require.NoError(t, os.MkdirAll(filepath.Join(copied, d), 0o700))
			}
			for _, sharing := range []*maildir.Sharing{nil, {}} { // and they stay
				ours := serve(t, &maildir.Store{Path: copied, Sharing: sharing}, func(s *pop3.Server) { s.UIDLFormat = p.format })
				c, err := pop3.Dial(t.Context(), ours, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: user1()})
				require.NoError(t, err)
				require.Equal(t, want, ids(t, c))
				require.NoError(t, c.Quit(t.Context()))
			}
		})
	}
}
