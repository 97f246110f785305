package imapclient_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// answered gives one call its answer, and then a NOOP to see that the connection goes on.
func answered(t *testing.T, answer string, do func(ctx context.Context, c *imapclient.Client) error) (list []imapclient.Event, err error) {
	t.Helper()
	var ev events
	ev.news = make(chan struct{}, 1)
	o := fuzzed()
	o.Events = ev.add
	conn, over := halting(answer, 0, func() {})
	c, err := imapclient.NewClient(t.Context(), conn, o)
	require.NoError(t, err)
	err = do(t.Context(), c)
	if c.State() != imapclient.StateLogout {
		if err := c.Noop(t.Context()); !imapclient.Refused(err) {
			require.NoError(t, err, "%q", answer)
		}
	} else {
		t.Errorf("%q ends the connection: %v", answer, c.Err())
	}
	_ = c.Close()
	<-over
	return ev.take(), err
}

// One bad response spoils one command, not the connection: a response of each kind, cut off at each octet.
func TestResponsesCutOff(t *testing.T) {
	for i, call := range calls() {
		head, rest, _ := strings.Cut(call.answer, "\r\n")
		if !strings.HasPrefix(head, imap.Untagged) || strings.Contains(head, "{") || strings.Contains(head, "BYE") {
			continue
		}
		for at := 2; at < len(head); at++ {
			answer := head[:at] + "\r\n" + rest
			_, err := answered(t, answer, call.do)
			if err != nil && !imapclient.Refused(err) && !errors.Is(err, mail.ErrExpunged) {
				require.ErrorIs(t, err, imapclient.ErrSyntax, "call %d: %q", i, answer)
			}
		}
	}
}

// The command that a bad response belongs to says so; where there are several, what was good is there.
func TestResponseSpoilsItsCommand(t *testing.T) {
	ctxFetch := func(items ...imap.FetchItem) func(context.Context, *imapclient.Client) error {
		return func(ctx context.Context, c *imapclient.Client) (last error) {
			for _, last = range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Items: items}) {
			}
			return last
		}
	}
	all := imap.SearchKey{Op: imap.SearchAll}
	for _, x := range []struct {
		kind, bad string
		do        func(ctx context.Context, c *imapclient.Client) error
	}{
		{"FLAGS", "* 1 FETCH (UID 1 FLAGS (\\Seen (x))", ctxFetch(imapclient.Items(imap.FetchFlags)...)},
		{"INTERNALDATE", "* 1 FETCH (UID 1 INTERNALDATE \"yesterday\")", ctxFetch(imapclient.Items(imap.FetchInternalDate)...)},
		{"RFC822.SIZE", "* 1 FETCH (UID 1 RFC822.SIZE many)", ctxFetch(imapclient.Items(imap.FetchSize)...)},
		{"ENVELOPE", "* 1 FETCH (UID 1 ENVELOPE (NIL NIL (x", ctxFetch(imapclient.Items(imap.FetchEnvelope)...)},
		{"BODYSTRUCTURE", "* 1 FETCH (UID 1 BODYSTRUCTURE ((\"a)", ctxFetch(imapclient.Items(imap.FetchBodyStructure)...)},
		{"MODSEQ", "* 1 FETCH (UID 1 MODSEQ (x))", ctxFetch(imapclient.Items(imap.FetchModSeq)...)},
		{"BODY[]", "* 1 FETCH (UID 1 BODY[] (x))", ctxFetch(imapclient.Peek(imap.Section{}))},
		{"BINARY.SIZE", "* 1 FETCH (UID 1 BINARY.SIZE[1] NIL)", ctxFetch(imap.FetchItem{Att: imap.FetchBinarySize, Section: imap.Section{Part: []int{1}}})},
		{"UIDFETCH", "* 1 UIDFETCH (FLAGS (\\Seen (x))", ctxFetch(imapclient.Items(imap.FetchFlags)...)},
		{"SEARCH", "* SEARCH 1 2 x", func(ctx context.Context, c *imapclient.Client) error { return second(c.Search(ctx, all, nil)) }},
		{"ESEARCH", "* ESEARCH (TAG \"A1\") UID ALL (1)", func(ctx context.Context, c *imapclient.Client) error { return second(c.Search(ctx, all, nil)) }},
		{"SORT", "* SORT 1 2 0", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortArrival}}, all, nil))
		}},
		{"THREAD", "* THREAD (1 (2)", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Thread(ctx, imap.ThreadReferences, all))
		}},
		{"MULTISEARCH", "* ESEARCH (TAG \"A1\" MAILBOX) UID COUNT 1", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}}, all, nil))
		}},
		{"LIST", "* LIST (\\Sent \"/\" x", func(ctx context.Context, c *imapclient.Client) (last error) {
			for _, last = range c.List(ctx, nil) {
			}
			return last
		}},
		{"STATUS", "* STATUS INBOX (MESSAGES)", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Status(ctx, "INBOX", imap.StatusMessages))
		}},
		{"NAMESPACE", "* NAMESPACE ((\"\" \"/\" NIL", func(ctx context.Context, c *imapclient.Client) error { return second(c.Namespaces(ctx)) }},
		{"ID", "* ID (\"name\"", func(ctx context.Context, c *imapclient.Client) error { return second(c.ID(ctx)) }},
		{"QUOTA", "* QUOTA \"\" (STORAGE 1)", func(ctx context.Context, c *imapclient.Client) error { return second(c.QuotaRoots(ctx, "INBOX")) }},
		{"QUOTAROOT", "* QUOTAROOT", func(ctx context.Context, c *imapclient.Client) error { return second(c.QuotaRoots(ctx, "INBOX")) }},
		{"ACL", "* ACL INBOX bob", func(ctx context.Context, c *imapclient.Client) error { return second(c.ACL(ctx, "INBOX")) }},
		{"LISTRIGHTS", "* LISTRIGHTS INBOX", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.ListRights(ctx, "INBOX", "bob"))
		}},
		{"MYRIGHTS", "* MYRIGHTS INBOX", func(ctx context.Context, c *imapclient.Client) error { return second(c.MyRights(ctx, "INBOX")) }},
		{"METADATA", "* METADATA INBOX (/private/comment", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private"}}))
		}},
		{"LANGUAGE", "* LANGUAGE (DE", func(ctx context.Context, c *imapclient.Client) error { return second(c.Language(ctx)) }},
		{"GENURLAUTH", "* GENURLAUTH (", func(ctx context.Context, c *imapclient.Client) error { return second(c.GenURLAuth(ctx, "imap://x")) }},
		{"URLFETCH", "* URLFETCH x", func(ctx context.Context, c *imapclient.Client) error { return second(c.FetchURLs(ctx, "x")) }},
		{"FETCH of STORE", "* 1 FETCH (UID 1 FLAGS (", func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Store(ctx, imapclient.UID(1), mail.FlagsAdd, mail.NewFlags("x"), nil))
		}},
	} {
		t.Run(x.kind, func(t *testing.T) {
			list, err := answered(t, x.bad+"\r\nA1 OK done\r\n", x.do)
			require.ErrorIs(t, err, imapclient.ErrSyntax)
			for _, e := range list {
				_, told := e.(imapclient.MalformedEvent)
				require.False(t, told, "the call has said so")
			}
		})
	}
}

// What belongs to no command is told, and changes nothing.
func TestBadNews(t *testing.T) {
	for _, bad := range []string{"* x EXISTS", "* 99999999999 EXISTS", "* 1x RECENT", "* VANISHED x", "* VANISHED (EARLIER 1", "* FLAGS (", "* LIST (((",
		"* STATUS", "* 0 FETCH (UID", "* METADATA", "* ESEARCH (TAG", "*", "* ", "", "?"} {
		list, err := answered(t, bad+"\r\nA1 OK done\r\n", func(ctx context.Context, c *imapclient.Client) error { return c.Noop(ctx) })
		require.NoError(t, err, bad)
		require.NotEmpty(t, list, bad)
		for _, e := range list {
			switch e.(type) {
			case imapclient.MalformedEvent, imapclient.CapabilityEvent, imapclient.UnknownEvent:
			default:
				t.Errorf("%q was taken for %T %v", bad, e, e)
			}
		}
	}
}
