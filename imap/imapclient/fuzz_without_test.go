package imapclient_test

import (
	"context"
	"testing"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// FuzzWithout lets a server that has no extensions say anything to calls that are then done here: sorting, threads, BINARY, previews, parts
// of results, searches of mailboxes.
func FuzzWithout(f *testing.F) {
	for i, s := range []string{
		"* SEARCH 1 2 3\r\nA1 OK x\r\n* 1 FETCH (UID 1 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 3 ENVELOPE (\"x\" \"Re: =?utf-8?q?x?=\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL \"<m@x>\"))\r\nA2 OK x\r\n",
		"* SEARCH 1 2\r\nA1 OK x\r\n* 2 FETCH (UID 2 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL \"<m@x>\" \"<n@x>\") BODY[HEADER.FIELDS (References)] {24}\r\nReferences: <1@x> <2@x>\r\n)\r\nA2 OK x\r\n",
		"* 1 FETCH (UID 1 BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"base64\" 4 1)(\"a\" \"b\" NIL NIL NIL \"x-odd\" 1) \"mixed\") BODY[1] {4}\r\nYWJj BODY[2] \"x\" BODY[]<0> {9}\r\nA: b\r\n\r\nx)\r\nA1 OK x\r\n",
		"* SEARCH 1 2 9\r\nA1 OK x\r\n* 3 FETCH (UID 9 FLAGS ())\r\nA2 OK x\r\n",
		"* LIST () \"/\" INBOX\r\nA1 OK x\r\n* LIST (\\Noselect) \"/\" b\r\n* LIST () \"/\" a\r\nA2 OK x\r\n* 1 EXISTS\r\nA3 OK x\r\n* SEARCH 1\r\nA4 OK x\r\n",
		"* 1 EXISTS\r\nA1 OK x\r\n* 1 FETCH (UID 1 BODY[TEXT] {2}\r\nab)\r\nA2 OK x\r\nA3 OK x\r\n",
	} {
		f.Add(uint8(i), s)
	}
	key := imap.SearchKey{Op: imap.SearchAll}
	calls := []func(ctx context.Context, c *imapclient.Client) error{
		func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Sort(ctx, []imap.SortCriterion{{Key: imap.SortSubject}, {Key: imap.SortDate, Reverse: true}, {Key: imap.SortDisplayTo}, {Key: imap.SortSize}}, key,
				&imap.SearchOptions{Min: true, Save: true, Partial: &imap.PartialRange{First: 1, Last: 2, FromEnd: true}}))
		},
		func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Thread(ctx, imap.ThreadReferences, key))
		},
		func(ctx context.Context, c *imapclient.Client) (last error) {
			part := func(n int) imap.Section { return imap.Section{Part: []int{n}} }
			for _, last = range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Stream: true, Items: []imap.FetchItem{{Att: imap.FetchBinary, Section: part(1), Peek: true, Partial: &imap.Partial{Offset: 1, Size: 9}},
				{Att: imap.FetchBinarySize, Section: part(2)}, {Att: imap.FetchPreview}}}) {
			}
			return last
		},
		func(ctx context.Context, c *imapclient.Client) (last error) {
			for _, last = range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Partial: &imap.PartialRange{First: 2, Last: 1}}) {
			}
			return second(c.UIDBatches(ctx, 2))
		},
		func(ctx context.Context, c *imapclient.Client) error {
			return second(c.SearchMailboxes(ctx, []imap.MailboxFilter{{Scope: imap.ScopePersonal}, {Scope: imap.ScopeSubtree, Names: []string{"a"}}}, key, nil))
		},
		func(ctx context.Context, c *imapclient.Client) error {
			return second(c.Append(ctx, "x", imapclient.Draft{Parts: []imapclient.Part{{URL: "/INBOX/;UID=1/;SECTION=TEXT"}}}))
		},
	}
	f.Fuzz(func(t *testing.T, which uint8, said string) {
		conn, over := saying("* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", said)
		ctx, cancel := context.WithTimeout(context.Background(), fuzzTimeout)
		defer cancel()
		c, err := imapclient.NewClient(ctx, conn, fuzzed())
		if err == nil {
			_ = calls[int(which)%len(calls)](ctx, c)
			_ = c.Close()
		}
		if ctx.Err() != nil {
			t.Fatal("a call did not end")
		}
		<-over
	})
}
