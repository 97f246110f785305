package imapclient_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// "The server is REQUIRED to process messages from highest to lowest UID" (RFC 9738 section 3.1): every call goes on below where it has
// stopped, with ESEARCH and without.
func TestMessageLimit(t *testing.T) {
	for _, without := range [][]string{nil, {"ESEARCH", "IMAP4rev2", "MOVE"}} {
		f := newFixture(t, func(s *imaptest.Server) { s.Config.Limits.MessagesPerCommand = 3 }, func(o *imapclient.Options) { o.Without = without })
		ctx := t.Context()
		for i := range 10 {
			f.srv.Add("INBOX", message(i))
		}
		f.srv.Mailbox("Other")
		_, err := f.Select(ctx, "INBOX", nil)
		require.NoError(t, err)
		require.ElementsMatch(t, []mail.UID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, uids(t, ctx, f.Client, imapclient.All()))

		all := imap.SearchKey{Op: imap.SearchAll}
		r, err := f.Search(ctx, all, nil)
		require.NoError(t, err)
		require.Equal(t, "1:10", r.UIDs.String())
		r, err = f.Search(ctx, all, &imap.SearchOptions{Min: true, Max: true, Count: true})
		require.NoError(t, err)
		require.Equal(t, []int{1, 10, 10}, []int{int(r.Min), int(r.Max), r.Count})
		r, err = f.Search(ctx, all, &imap.SearchOptions{Partial: &imap.PartialRange{First: 2, Last: 5}})
		require.NoError(t, err)
		require.Equal(t, "2:5", r.Partial.Nums.UIDs(0).String())
		require.True(t, r.UIDs.Empty())
		r, err = f.Search(ctx, all, &imap.SearchOptions{Save: true, Count: true})
		require.NoError(t, err)
		require.Equal(t, 10, r.Count)
		require.Len(t, uids(t, ctx, f.Client, imapclient.Saved()), 10, "what is put together here is kept here")
		r, err = f.Sort(ctx, []imap.SortCriterion{{Key: imap.SortSubject, Reverse: true}}, all, nil)
		require.NoError(t, err)
		require.Equal(t, []mail.UID{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, r.Order)
		threads, err := f.Thread(ctx, imap.ThreadReferences, all)
		require.NoError(t, err)
		require.Len(t, threads, 10)

		s, err := f.Store(ctx, imapclient.All(), mail.FlagsAdd, mail.NewFlags("$x"), nil)
		require.NoError(t, err)
		require.Len(t, s.Messages, 10)
		m, err := f.Copy(ctx, imapclient.UIDs(mail.UIDRangeSet(2, 9)), "Other")
		require.NoError(t, err)
		require.Len(t, m.To, 8)
		m, err = f.Move(ctx, imapclient.UIDs(mail.UIDRangeSet(1, 5)), "Other")
		require.NoError(t, err)
		require.Len(t, m.To, 5)
		require.ElementsMatch(t, []mail.UID{6, 7, 8, 9, 10}, uids(t, ctx, f.Client, imapclient.All()))
		_, err = f.Store(ctx, imapclient.All(), mail.FlagsAdd, mail.NewFlags(`\Deleted`), &imapclient.StoreOptions{Silent: true})
		require.NoError(t, err)
		require.NoError(t, f.ExpungeSet(ctx, imapclient.All()))
		require.Zero(t, f.Mailbox().Messages)

		drafts := make([]imapclient.Draft, 5)
		for i := range drafts {
			drafts[i] = imapclient.NewDraft([]byte("Subject: x\r\n\r\n"))
		}
		done, err := f.Append(ctx, "INBOX", drafts...)
		require.NoError(t, err)
		require.Len(t, done.UIDs, 5)
		for _, err = range f.Fetch(ctx, imapclient.Seqs(imap.SeqSetOf(1, 2, 3, 4)), nil) {
			if err != nil {
				break
			}
		}
		require.Equal(t, imap.CodeMessageLimit, imapclient.CodeOf(err), "sequence numbers can't be gone on with: it is told")
	}
}

// A server that stops where it has begun, again and again, or without saying where, is not asked for ever.
func TestMessageLimitWithoutProgress(t *testing.T) {
	all := imap.SearchKey{Op: imap.SearchAll}
	calls := map[string]func(ctx context.Context, f *fixture) error{
		"UID FETCH": func(ctx context.Context, f *fixture) (last error) {
			for _, last = range f.Fetch(ctx, imapclient.All(), nil) {
			}
			return last
		},
		"UID STORE": func(ctx context.Context, f *fixture) error {
			return second(f.Store(ctx, imapclient.All(), mail.FlagsAdd, mail.NewFlags("$x"), nil))
		},
		"UID MOVE":    func(ctx context.Context, f *fixture) error { return second(f.Move(ctx, imapclient.All(), "Other")) },
		"UID EXPUNGE": func(ctx context.Context, f *fixture) error { return f.ExpungeSet(ctx, imapclient.All()) },
		"UID SEARCH":  func(ctx context.Context, f *fixture) error { return second(f.Search(ctx, all, nil)) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *imaptest.Server) { s.Config.Limits.MessagesPerCommand = 3 }, nil)
			f.srv.Add("INBOX", message(1), message(2), message(3))
			_, err := f.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			f.srv.Fail(imaptest.Fault{Command: name, Reply: "TAG OK [MESSAGELIMIT 3 4294967295] more\r\n"})
			require.ErrorIs(t, call(t.Context(), f), imapclient.ErrSyntax)
			f.srv.Heal()
			f.srv.Fail(imaptest.Fault{Command: name, Reply: "TAG OK [MESSAGELIMIT 3] more\r\n"})
			require.ErrorIs(t, call(t.Context(), f), imapclient.ErrSyntax)
			f.srv.Heal()
			for i := range 1000 {
				f.srv.Fail(imaptest.Fault{Command: name, Times: 1, Reply: fmt.Sprintf("TAG OK [MESSAGELIMIT 3 %d] more\r\n", 5_000_000-i)})
			}
			require.ErrorIs(t, call(t.Context(), f), imapclient.ErrSyntax)
			f.srv.Heal()
			require.NoError(t, f.Noop(t.Context()))
			require.Len(t, uids(t, t.Context(), f.Client, imapclient.All()), 3)
		})
	}
}
