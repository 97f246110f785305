package imapclient_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/internal/peers"
)

// What is done here in place of a server gives what other people's servers give, too.
func TestAsOtherServersDo(t *testing.T) {
	known := map[string][]string{
		// It compares octets where RFC 5256 section 2.2 wants i;unicode-casemap, and its REFS are not in the order of the latest message.
		"Cyrus": {"SUBJECT", "REFS"},
		// What is equal comes in no order where the RFC wants that of sequence numbers, and a message without a Date has none where it
		// wants the internal one; so for threads, which are in the order of dates.
		"Courier": {"SUBJECT", "CC", "DATE", "FROM", "TO", "ORDEREDSUBJECT", "SIZE"},
	}
	for name, start := range map[string]func(t *testing.T) *peers.Server{
		"Dovecot": func(t *testing.T) *peers.Server { return peers.Dovecot(t, "") },
		"Cyrus":   func(t *testing.T) *peers.Server { return peers.Cyrus(t) },
		"Courier": func(t *testing.T) *peers.Server { return peers.Courier(t) },
	} {
		t.Run(name, func(t *testing.T) {
			addr := start(t).IMAP
			dial := func(without ...string) *imapclient.Client {
				c, err := imapclient.Dial(t.Context(), addr, &imapclient.Options{Auth: &mail.Credentials{Username: "user1", Password: peers.Password}, Without: without})
				require.NoError(t, err)
				t.Cleanup(func() { _ = c.Close() })
				return c
			}
			ctx := t.Context()
			there := dial()
			for i, m := range conversation() {
				d := imapclient.NewDraft([]byte(strings.ReplaceAll(m, "\n", "\r\n")))
				d.InternalDate = time.Date(2024, 2, 1, 10, i*7%5, 0, 0, time.UTC)
				_, err := there.Append(ctx, "INBOX", d)
				require.NoError(t, err)
			}
			_, err := there.Select(ctx, "INBOX", nil)
			require.NoError(t, err)
			here := dial("SORT", "SORT=DISPLAY", "ESORT", "THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT", "THREAD=REFS", "ESEARCH", "SEARCHRES", "PARTIAL",
				"CONTEXT=SEARCH", "BINARY", "PREVIEW", "CATENATE", "CONDSTORE", "QRESYNC", "UIDPLUS", "MULTIAPPEND", "LIST-EXTENDED", "NAMESPACE")
			_, err = here.Select(ctx, "INBOX", nil)
			require.NoError(t, err)
			differs := map[string][]string{}
			all := imap.SearchKey{Op: imap.SearchAll}
			for _, key := range []imap.SortKey{imap.SortArrival, imap.SortCc, imap.SortDate, imap.SortFrom, imap.SortSize, imap.SortSubject, imap.SortTo, imap.SortDisplayFrom, imap.SortDisplayTo} {
				for _, reverse := range []bool{false, true} {
					var orders []string
					for _, c := range []*imapclient.Client{there, here} {
						r, err := c.Sort(ctx, []imap.SortCriterion{{Key: key, Reverse: reverse}}, all, &imap.SearchOptions{All: true, Min: true, Max: true})
						require.NoError(t, err)
						orders = append(orders, fmt.Sprint(key, reverse, r.Order, r.Min, r.Max))
					}
					if orders[0] != orders[1] {
						differs[string(key)] = orders
					}
				}
			}
			for _, alg := range []imap.ThreadAlgorithm{imap.ThreadReferences, imap.ThreadOrderedSubject, imap.ThreadRefs} {
				var threads [2][]imap.Thread
				for i, c := range []*imapclient.Client{there, here} {
					threads[i], err = c.Thread(ctx, alg, all)
					require.NoError(t, err)
					clip(threads[i])
				}
				if fmt.Sprint(threads[0]) != fmt.Sprint(threads[1]) {
					differs[string(alg)] = []string{fmt.Sprint(threads[0]), fmt.Sprint(threads[1])}
				}
			}
			for what, got := range differs {
				require.Contains(t, known[name], what, "%v", got)
			}
			for _, c := range []*imapclient.Client{there, here} {
				r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchSubject, Value: "lunch"}, &imap.SearchOptions{Save: true, Count: true, Partial: &imap.PartialRange{First: 2, Last: 2}})
				require.NoError(t, err)
				require.Equal(t, 2, r.Count)
				require.Equal(t, []uint32{2}, numbers(r.Partial.Nums))
				require.Equal(t, []mail.UID{1, 2}, uids(t, ctx, c, imapclient.Saved()))
				m, err := c.FetchOne(ctx, 4, imap.FetchItem{Att: imap.FetchBinary, Peek: true, Section: imap.Section{Part: []int{1}}}, imap.FetchItem{Att: imap.FetchPreview})
				require.NoError(t, err)
				data, ok := m.Section(imap.Section{Part: []int{1}})
				require.True(t, ok)
				require.Equal(t, "<p>café</p>", strings.TrimSpace(string(data)))
				if name != "Cyrus" || c != there { // which makes them only where it is told to
					require.Equal(t, "café", m.Preview)
				}
				b, err := c.UIDBatches(ctx, 2)
				require.NoError(t, err)
				require.Equal(t, []mail.UIDRange{{First: 4, Last: 5}, {First: 2, Last: 3}, {First: 1, Last: 1}}, b)
				found, err := c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, imap.SearchKey{Op: imap.SearchSubject, Value: "odd"}, nil)
				require.NoError(t, err)
				require.Len(t, found, 1)
				require.Equal(t, []uint32{5}, numbers(found[0].All))
				require.NoError(t, c.Logout(ctx))
			}
		})
	}
}
