package imapclient_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// TestEveryCapability makes every call against a server that lacks one of the capabilities that it has, each in its turn, and refuses what
// belongs to it: nothing that isn't offered is asked for, and a call does what it says or returns ErrUnsupported.
func TestEveryCapability(t *testing.T) {
	all := imap.SearchKey{Op: imap.SearchAll}
	draft := func() imapclient.Draft { return imapclient.NewDraft([]byte(message(9)), `\Draft`) }
	fetch := func(ctx context.Context, c *imapclient.Client, o imapclient.FetchOptions) (last error) {
		for _, last = range c.Fetch(ctx, imapclient.All(), &o) {
		}
		return last
	}
	list := func(ctx context.Context, c *imapclient.Client, o imapclient.ListOptions) (last error) {
		for _, last = range c.List(ctx, &o) {
		}
		return last
	}
	calls := map[string]func(ctx context.Context, c *imapclient.Client) error{
		"fetch": func(ctx context.Context, c *imapclient.Client) error {
			return fetch(ctx, c, imapclient.FetchOptions{Items: append(imapclient.Items(imap.FetchFlags, imap.FetchEnvelope, imap.FetchBodyStructure, imap.FetchInternalDate, imap.FetchSize,
				imap.FetchModSeq, imap.FetchEmailID, imap.FetchThreadID, imap.FetchSaveDate, imap.FetchPreview), imapclient.Peek(imap.Section{}),
				imap.FetchItem{Att: imap.FetchBinary, Peek: true, Section: imap.Section{Part: []int{1}}}), Partial: &imap.PartialRange{First: 1, Last: 2}})
		},
		"fetch changes": func(ctx context.Context, c *imapclient.Client) error {
			return fetch(ctx, c, imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags), ChangedSince: 1})
		},
		"search": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Search(ctx, all, &imap.SearchOptions{Min: true, Max: true, Count: true, Save: true, Partial: &imap.PartialRange{First: 1, Last: 2}}))
		},
		"search with updates": func(ctx context.Context, c *imapclient.Client) error {
			r, err := c.Search(ctx, all, &imap.SearchOptions{Update: true})
			if err != nil {
				return err
			}
			return c.CancelUpdate(ctx, r.Tag)
		},
		"relevancy": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Search(ctx, imap.SearchKey{Op: imap.SearchFuzzy, Keys: []imap.SearchKey{{Op: imap.SearchText, Value: "x"}}}, &imap.SearchOptions{Relevancy: true}))
		},
		"sort": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortDisplayFrom}, {Key: imap.SortDate}}, all, &imap.SearchOptions{Min: true, Partial: &imap.PartialRange{First: 1, Last: 2}}))
		},
		"thread": func(ctx context.Context, c *imapclient.Client) error {
			return errors.Join(second(c.Thread(ctx, imap.ThreadReferences, all)), second(c.Thread(ctx, imap.ThreadRefs, all)), second(c.Thread(ctx, imap.ThreadOrderedSubject, all)))
		},
		"multisearch": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, all, nil))
		},
		"store": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Store(ctx, imapclient.UID(1), mail.FlagsAdd, mail.NewFlags("$x"), nil))
		},
		"conditional store": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Store(ctx, imapclient.UID(1), mail.FlagsAdd, mail.NewFlags("$y"), &imapclient.StoreOptions{UnchangedSince: 1 << 40}))
		},
		"move": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Move(ctx, imapclient.UID(2), "Other"))
		},
		"expunge": func(ctx context.Context, c *imapclient.Client) error { return c.ExpungeSet(ctx, imapclient.UID(3)) },
		"append": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Append(ctx, "INBOX", draft(), draft()))
		},
		"append binary": func(ctx context.Context, c *imapclient.Client) error {
			d := draft()
			d.Binary = true
			return second(c.Append(ctx, "INBOX", d))
		},
		"catenate": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Append(ctx, "INBOX", imapclient.Draft{Parts: []imapclient.Part{{URL: "/INBOX/;UID=4"}}}))
		},
		"replace": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Replace(ctx, 1, "INBOX", draft()))
		},
		"list": func(ctx context.Context, c *imapclient.Client) error {
			return list(ctx, c, imapclient.ListOptions{Status: 1<<11 - 1, Rights: true, Metadata: []string{"/private/comment"}})
		},
		"subscribed": func(ctx context.Context, c *imapclient.Client) error {
			return list(ctx, c, imapclient.ListOptions{Subscribed: true, Deeper: true, Patterns: []string{"%", "a/%"}})
		},
		"purposes": func(ctx context.Context, c *imapclient.Client) error {
			return list(ctx, c, imapclient.ListOptions{SpecialUse: true})
		},
		"status": func(ctx context.Context, c *imapclient.Client) error { return second(c.Status(ctx, "Other", 1<<11-1)) },
		"create": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Create(ctx, "Sent", mail.UseSent))
		},
		"namespaces": func(ctx context.Context, c *imapclient.Client) error { return second(c.Namespaces(ctx)) },
		"id":         func(ctx context.Context, c *imapclient.Client) error { return second(c.ID(ctx, "name", "test")) },
		"quota":      func(ctx context.Context, c *imapclient.Client) error { return second(c.QuotaRoots(ctx, "INBOX")) },
		"rights":     func(ctx context.Context, c *imapclient.Client) error { return second(c.MyRights(ctx, "INBOX")) },
		"metadata": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private/comment"}}))
		},
		"language": func(ctx context.Context, c *imapclient.Client) error { return second(c.Language(ctx, "vi")) },
		"batches":  func(ctx context.Context, c *imapclient.Client) error { return second(c.UIDBatches(ctx, 500)) },
		"notify": func(ctx context.Context, c *imapclient.Client) error {
			return c.Notify(ctx, imap.Notify{Groups: []imap.NotifyGroup{{Filter: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge}}}})
		},
		"urls": func(ctx context.Context, c *imapclient.Client) error {
			return second(c.GenURLAuth(ctx, "imap://alice@imaptest.example/INBOX/;UID=4;URLAUTH=user+alice"))
		},
		"unselect": func(ctx context.Context, c *imapclient.Client) error { return c.Unselect(ctx) },
	}
	// What can't be done without.
	only := map[string][]imap.Capability{"fetch changes": {"CONDSTORE"}, "conditional store": {"CONDSTORE"}, "search with updates": {"CONTEXT=SEARCH"}, "relevancy": {"SEARCH=FUZZY"},
		"expunge": {"UIDPLUS"}, "append binary": {"BINARY"}, "id": {"ID"}, "quota": {"QUOTA"}, "rights": {"ACL"}, "metadata": {"METADATA"}, "language": {"LANGUAGE", "NAMESPACE"},
		"notify": {"NOTIFY"}, "urls": {"URLAUTH"}}
	prepare := func(without ...imap.Capability) *fixture {
		f := newFixture(t, func(s *imaptest.Server) {
			s.Store.Sharing, s.Store.Quota = true, 1<<20
			s.Config.Without = without
			s.Add("INBOX", message(1), message(2), message(3), message(4))
			s.Mailbox("Other")
		}, func(o *imapclient.Options) { o.Compress = true })
		_, err := f.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		_, err = f.Store(t.Context(), imapclient.UID(3), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
		require.NoError(t, err)
		return f
	}
	whole := prepare()
	for _, without := range append(whole.Capabilities(), "nothing") {
		if without == imap.CapIMAP4rev1 {
			continue
		}
		f := prepare(without)
		if f.Has(without) || without == imap.CapBinary { // as a part of IMAP4rev2
			f = prepare(without, imap.CapIMAP4rev2)
			require.False(t, f.Has(without), without)
		}
		for _, name := range slices.Sorted(maps.Keys(calls)) {
			if name == "unselect" {
				continue // the last
			}
			err := calls[name](t.Context(), f.Client)
			if errors.Is(err, imapclient.ErrUnsupported) {
				require.Contains(t, only[name], without, "%s without %q: %v", name, without, err)
				continue
			}
			require.NoError(t, err, "%s without %q", name, without)
		}
		require.NoError(t, calls["unselect"](t.Context(), f.Client), "without %q", without)
		require.NotContains(t, f.trace.String(), " BAD ", "without %q", without)
		_ = f.Close()
	}
}
