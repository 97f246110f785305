package imapclient_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// Servers as they are: testdata/servers has what they say, each with its habits. They all have the same two messages.
func TestServersInTheWild(t *testing.T) {
	files, err := filepath.Glob("testdata/servers/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 6)
	boxes := map[string][]string{"gmail": {"INBOX", "[Gmail]", "[Gmail]/G\u0300i \u0111\u0301i"}, "exchange": {"INBOX", "Gesendete Elemente"},
		"courier": {"INBOX.Sent", "INBOX"}, "uw": {"mbox", "INBOX"},
		"dovecot": {"Thư đã gửi", "INBOX"}, "cyrus": {"INBOX", "Thư đã gửi"}}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			c, ev, err := scripted(t, string(text), func(o *imapclient.Options) {
				o.TLS, o.Auth.AllowPlaintext = imapclient.TLSNone, true
				if name == "dovecot" || name == "cyrus" { // whose dialogue was recorded with PLAIN; others change each time
					o.Auth.Mechanisms = []string{"PLAIN"}
				}
			})
			require.NoError(t, err)
			var names []string
			for l, err := range c.List(t.Context(), nil) {
				require.NoError(t, err)
				names = append(names, l.Name)
			}
			require.Equal(t, boxes[name], names)
			box, err := c.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			require.EqualValues(t, 2, box.Messages)
			require.NotZero(t, box.UIDValidity)
			require.Equal(t, name != "exchange", box.NewKeywords)
			require.False(t, box.ReadOnly)
			seen := map[mail.UID]bool{}
			var got []mail.UID
			for m, err := range c.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags, imap.FetchBodyStructure)}) {
				require.NoError(t, err)
				require.NotZero(t, m.UID)
				if m.Structure == nil {
					continue // news of another session's
				}
				got = append(got, m.UID)
				seen[m.UID] = m.Flags.System&mail.Seen != 0
				if name == "gmail" && m.UID == 4 {
					require.Len(t, m.Extra, 3)
				}
			}
			slices.Sort(got)
			require.Equal(t, []mail.UID{4, 7}, got)
			require.Equal(t, map[mail.UID]bool{4: true, 7: false}, seen)
			for _, e := range ev.take() {
				_, bad := e.(imapclient.MalformedEvent)
				require.False(t, bad, "%v", e)
			}
			require.NoError(t, c.Close())
		})
	}
}
