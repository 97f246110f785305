package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
)

// ours is our server over a Maildir, with the peers' user.
func ours(t *testing.T) string {
	srv := &imapserver.Server{Store: &maildir.Store{Path: t.TempDir() + "/%u", NoSync: true}, Authenticator: imaptest.Users{"user1": peers.Password},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

func dialUser1(t *testing.T, addr string) *imapclient.Client {
	c, err := imapclient.Dial(t.Context(), addr, &imapclient.Options{Auth: &mail.Credentials{Username: "user1", Password: peers.Password}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// fillUser1 makes mailboxes with messages, some of them alike, as the server calls them.
func fillUser1(t *testing.T, addr string) {
	c := dialUser1(t, addr)
	ns, err := c.Namespaces(t.Context())
	require.NoError(t, err)
	boxes := []string{"INBOX", ns[0].Prefix + "Đã gửi", ns[0].Prefix + "a", ns[0].Prefix + "a" + ns[0].Separator + "b & c"}
	for _, b := range boxes[1:] {
		_, err := c.Create(t.Context(), b)
		require.NoError(t, err)
	}
	for i := range 48 {
		d := imapclient.NewDraft(fmt.Appendf(nil, "From: a@example.test\r\nSubject: %d\r\n\r\n%s", i/8, strings.Repeat("text\r\n", i/8*400)), []string{`\Seen`, `\Flagged`, "$x", `\Draft`}[i%4])
		d.InternalDate = time.Date(2020, 1, 1+i, 2, 3, 4, 0, time.UTC)
		_, err := c.Append(t.Context(), boxes[i%len(boxes)], d)
		require.NoError(t, err)
	}
}

// contentsUser1 returns what is in the account: the last part of each mailbox's name, and flags, date and content of its messages.
func contentsUser1(t *testing.T, addr string) (out []string) {
	c := dialUser1(t, addr)
	for l, err := range c.List(t.Context(), nil) {
		require.NoError(t, err)
		if !l.Selectable() {
			continue
		}
		name := l.Name[strings.LastIndex(l.Name, string(l.Delimiter))+1:]
		box, err := c.Select(t.Context(), l.Name, &imapclient.SelectOptions{ReadOnly: true})
		require.NoError(t, err)
		if box.Messages == 0 {
			continue
		}
		items := append(imapclient.Items(imap.FetchFlags, imap.FetchInternalDate), imapclient.Peek(imap.Section{}))
		for m, err := range c.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: items}) {
			require.NoError(t, err)
			names := m.Flags.Names()
			slices.Sort(names)
			body, _ := m.Section(imap.Section{})
			out = append(out, fmt.Sprintf("%s %v %v %.40q %d", name, names, m.InternalDate.UTC(), body, len(body)))
		}
	}
	slices.Sort(out)
	return out
}

// Between other people's servers and ours the program is killed by SIGKILL at random moments, and started again until it comes to
// its end: every message is there once, with its flags and date, in the mailbox that it belongs to.
func TestKilledBetweenServers(t *testing.T) {
	dovecot := func(t *testing.T) string { return peers.Dovecot(t, "").IMAP }
	cyrus := func(t *testing.T) string { return peers.Cyrus(t).IMAP }
	courier := func(t *testing.T) string { return peers.Courier(t).IMAP }
	for _, pair := range []struct {
		name     string
		from, to func(t *testing.T) string
	}{
		{"Dovecot to ours", dovecot, ours},
		{"ours to Dovecot", ours, dovecot},
		{"Dovecot to Cyrus", dovecot, cyrus},
		{"Cyrus to Courier", cyrus, courier},
		{"Courier to ours", courier, ours},
		{"Courier to Dovecot", courier, dovecot},
	} {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			from, to := pair.from(t), pair.to(t)
			fillUser1(t, from)
			want := contentsUser1(t, from)
			require.Len(t, want, 48)
			rnd := rand.New(rand.NewPCG(5, 5))
			step := 15
			if *soak {
				step = 1
			}
			killed(t, from, to, "user1", peers.Password, func(try int) time.Duration {
				return time.Duration(10+step*try+rnd.IntN(40)) * time.Millisecond
			})
			require.Equal(t, want, contentsUser1(t, to))
		})
	}
}
