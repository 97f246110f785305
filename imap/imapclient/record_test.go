package imapclient_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/internal/peers"
)

var record = flag.Bool("record", false, "write down anew what Debian's servers say, for TestServersInTheWild")

// TestRecord writes down what Debian's Dovecot and Cyrus say to the calls of TestServersInTheWild. Without -record it sees that the
// calls are understood by the servers as they are now.
func TestRecord(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) *peers.Server{
		"dovecot": func(t *testing.T) *peers.Server { return peers.Dovecot(t, "") },
		"cyrus":   func(t *testing.T) *peers.Server { return peers.Cyrus(t) },
	} {
		t.Run(name, func(t *testing.T) {
			addr := start(t).IMAP
			var tr trace
			dial := func(o imapclient.Options) *imapclient.Client {
				o.Auth = &mail.Credentials{Username: "user1", Password: peers.Password, Mechanisms: []string{"PLAIN"}, AllowPlaintext: true}
				o.TLS = imapclient.TLSNone
				c, err := imapclient.Dial(t.Context(), addr, &o)
				require.NoError(t, err)
				t.Cleanup(func() { _ = c.Close() })
				return c
			}
			twoMessages(t, dial(imapclient.Options{}))
			c := dial(imapclient.Options{Trace: tr.add})
			for _, err := range c.List(t.Context(), nil) {
				require.NoError(t, err)
			}
			_, err := c.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			n := 0
			for _, err := range c.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags, imap.FetchBodyStructure)}) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, 2, n)
			if *record {
				text := "Recorded from Debian's package.\n" + script(tr.String())
				require.NoError(t, os.WriteFile("testdata/servers/"+name+".txt", []byte(text), 0o644))
			}
		})
	}
}

// twoMessages leaves the messages with the UIDs 4 and 7 in INBOX, of which the first has been read.
func twoMessages(t *testing.T, c *imapclient.Client) {
	ctx := t.Context()
	ns, err := c.Namespaces(ctx)
	require.NoError(t, err)
	_, err = c.Create(ctx, ns[0].Prefix+"Thư đã gửi")
	require.NoError(t, err)
	for i := range 7 {
		text := fmt.Sprintf("Subject: %d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\nplain\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>x\r\n--x--\r\n", i)
		_, err := c.Append(ctx, "INBOX", imapclient.NewDraft([]byte(text)))
		require.NoError(t, err)
	}
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	_, err = c.Store(ctx, imapclient.UID(4), mail.FlagsAdd, mail.NewFlags(`\Seen`), nil)
	require.NoError(t, err)
	_, err = c.Store(ctx, imapclient.UID(1, 2, 3, 5, 6), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
	require.NoError(t, err)
	require.NoError(t, c.Expunge(ctx))
	require.NoError(t, c.Logout(ctx))
}

// script makes a script of a trace.
func script(trace string) string {
	var b strings.Builder
	tag := regexp.MustCompile(`^A\d+ `)
	for line := range strings.Lines(trace) {
		line = strings.TrimRight(line, "\n")
		who, rest := line[:3], line[3:]
		rest = tag.ReplaceAllString(rest, "TAG ")
		b.WriteString(who + strings.ReplaceAll(rest, "***", "…") + "\n")
	}
	return b.String()
}
