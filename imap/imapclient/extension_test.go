package imapclient_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

func TestQuota(t *testing.T) {
	f := newFixture(t, func(s *imaptest.Server) { s.Store.Quota = 100 << 10 }, nil)
	roots, err := f.QuotaRoots(t.Context(), "INBOX")
	require.NoError(t, err)
	require.Len(t, roots, 1)
	require.Equal(t, []mail.QuotaResource{{Kind: mail.QuotaStorage, Limit: 100 << 10}}, roots[0].Resources)
	res, err := f.Quota(t.Context(), roots[0].Name)
	require.NoError(t, err)
	require.Equal(t, roots[0].Resources, res)
	_, err = f.Quota(t.Context(), "no such root")
	require.True(t, imapclient.Refused(err), "%v", err)
	f = newFixture(t, nil, func(o *imapclient.Options) { o.Without = []string{"QUOTA"} })
	_, err = f.Quota(t.Context(), "")
	require.ErrorIs(t, err, imapclient.ErrUnsupported)
}

func TestACL(t *testing.T) {
	f := newFixture(t, func(s *imaptest.Server) { s.Store.Sharing = true }, nil)
	ctx := t.Context()
	mine, err := f.MyRights(ctx, "INBOX")
	require.NoError(t, err)
	require.True(t, mine.Has(mail.RightAdmin|mail.RightRead))
	require.NoError(t, f.SetACL(ctx, "INBOX", "bob", mail.RightsReplace, mail.RightLookup|mail.RightRead))
	require.NoError(t, f.SetACL(ctx, "INBOX", "bob", mail.RightsAdd, mail.RightSeen))
	list, err := f.ACL(ctx, "INBOX")
	require.NoError(t, err)
	require.Contains(t, list, mail.ACLEntry{Identifier: "bob", Rights: mail.RightLookup | mail.RightRead | mail.RightSeen})
	r, err := f.ListRights(ctx, "INBOX", "bob")
	require.NoError(t, err)
	require.Equal(t, "bob", r.Identifier)
	require.NoError(t, f.DeleteACL(ctx, "INBOX", "bob"))
	list, err = f.ACL(ctx, "INBOX")
	require.NoError(t, err)
	require.NotContains(t, list, mail.ACLEntry{Identifier: "bob", Rights: mail.RightLookup | mail.RightRead | mail.RightSeen})
}

func TestMetadata(t *testing.T) {
	f := newFixture(t, nil, nil)
	ctx := t.Context()
	value := "two\r\nlines" + strings.Repeat("x", 500)
	require.NoError(t, f.SetMetadata(ctx, "INBOX", mail.Annotation{Name: "/private/comment", Value: []byte(value)},
		mail.Annotation{Name: "/private/vendor/x/y", Value: []byte{}}))
	got, err := f.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private"}, Depth: imap.DepthInfinity})
	require.NoError(t, err)
	require.Len(t, got, 2)
	small := uint32(10)
	got, err = f.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private/comment", "/private/vendor/x/y"}, MaxSize: &small})
	require.NoError(t, err)
	require.Equal(t, []mail.Annotation{{Name: "/private/vendor/x/y", Value: []byte{}}}, got)
	require.NoError(t, f.SetMetadata(ctx, "INBOX", mail.Annotation{Name: "/private/comment"}))
	got, err = f.Metadata(ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private/comment"}})
	require.NoError(t, err)
	for _, a := range got {
		require.Nil(t, a.Value)
	}
	require.ErrorIs(t, f.SetMetadata(ctx, "INBOX", mail.Annotation{Name: "/private/*"}), imapclient.ErrBadArgument)
}

func TestNotify(t *testing.T) {
	f := newFixture(t, nil, nil)
	require.True(t, f.Has(imap.CapNotify))
	f.srv.Mailbox("Other")
	require.NoError(t, f.Notify(t.Context(), imap.Notify{Groups: []imap.NotifyGroup{{Filter: imap.NotifyPersonal,
		Events: []imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge}}}}))
	f.srv.Add("Other", message(1))
	for range f.events.news {
		for _, e := range f.events.take() {
			if s, ok := e.(imapclient.StatusEvent); ok && s.Status.Name == "Other" && s.Status.Messages == 1 {
				require.NoError(t, f.Notify(t.Context(), imap.Notify{}))
				return
			}
		}
	}
}

func TestLanguageAndUnauthenticate(t *testing.T) {
	c, _, err := scripted(t, `
		S: * OK [CAPABILITY IMAP4rev1 LANGUAGE UNAUTHENTICATE AUTH=PLAIN SASL-IR] hello
		C: TAG AUTHENTICATE PLAIN …
		S: TAG OK [CAPABILITY IMAP4rev1 LANGUAGE UNAUTHENTICATE] in
		C: TAG LANGUAGE
		S: * LANGUAGE (EN DE i-default)
		S: TAG OK done
		C: TAG LANGUAGE de
		S: * LANGUAGE (DE)
		S: TAG OK Gut
		C: TAG UNAUTHENTICATE
		S: TAG OK out
		C: TAG CAPABILITY
		S: * CAPABILITY IMAP4rev1 UNAUTHENTICATE AUTH=PLAIN SASL-IR
		S: TAG OK done
		C: TAG AUTHENTICATE PLAIN …
		S: TAG OK [CAPABILITY IMAP4rev1] in again`, func(o *imapclient.Options) { o.TLS = imapclient.TLSNone })
	require.NoError(t, err)
	tags, err := c.Language(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"EN", "DE", "i-default"}, tags)
	tags, err = c.Language(t.Context(), "de")
	require.NoError(t, err)
	require.Equal(t, []string{"DE"}, tags)
	require.NoError(t, c.Unauthenticate(t.Context()))
	require.Equal(t, imapclient.StateNotAuthenticated, c.State())
	require.NoError(t, c.Login(t.Context(), alice()))
	require.Equal(t, imapclient.StateAuthenticated, c.State())
}

// REPLACE in one step, and without it in three (RFC 8508).
func TestReplace(t *testing.T) {
	for _, without := range [][]string{nil, {"REPLACE"}} {
		f := selected(t, 3, func(o *imapclient.Options) { o.Without = without })
		done, err := f.Replace(t.Context(), 2, "INBOX", imapclient.NewDraft([]byte("Subject: new\r\n\r\n"), `\Draft`))
		require.NoError(t, err)
		require.Equal(t, []mail.UID{4}, done.UIDs)
		require.Equal(t, []mail.UID{1, 3, 4}, uids(t, t.Context(), f.Client, imapclient.All()))
		_, err = f.Replace(t.Context(), 1, "Nowhere", imapclient.NewDraft([]byte("Subject: new\r\n\r\n")))
		require.Equal(t, imap.CodeTryCreate, imapclient.CodeOf(err))
		require.Equal(t, []mail.UID{1, 3, 4}, uids(t, t.Context(), f.Client, imapclient.All()))
	}
}

func TestCatenate(t *testing.T) {
	f := selected(t, 1, nil)
	done, err := f.Append(t.Context(), "INBOX", imapclient.Draft{Parts: []imapclient.Part{
		{Content: strings.NewReader("Subject: forwarded\r\n\r\n"), Size: 22}, {URL: "/INBOX/;UID=1/;SECTION=TEXT"}}})
	require.NoError(t, err)
	m, err := f.FetchOne(t.Context(), done.UIDs[0], imapclient.Peek(imap.Section{}))
	require.NoError(t, err)
	body, _ := m.Section(imap.Section{})
	require.Equal(t, "Subject: forwarded\r\n\r\nText of message 0.\r\n", string(body))
	_, err = f.Append(t.Context(), "INBOX", imapclient.Draft{Parts: []imapclient.Part{{URL: "/INBOX/;UID=99"}}})
	require.Equal(t, imap.Code("BADURL"), imapclient.CodeOf(err))
	_, err = f.Append(t.Context(), "INBOX", imapclient.Draft{})
	require.ErrorIs(t, err, imapclient.ErrBadArgument)
}

func TestURLAuth(t *testing.T) {
	f := selected(t, 1, nil)
	require.True(t, f.Has(imap.CapURLAuth))
	urls, err := f.GenURLAuth(t.Context(), "imap://alice@imaptest.example/INBOX/;UID=1/;SECTION=TEXT;URLAUTH=user+alice")
	require.NoError(t, err)
	require.Len(t, urls, 1)
	got, err := f.FetchURLs(t.Context(), urls[0], urls[0]+"0")
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "Text of message 0.\r\n", string(got[0].Data))
	require.False(t, got[1].Valid)
	require.NoError(t, f.ResetURLKey(t.Context(), "INBOX"))
	got, err = f.FetchURLs(t.Context(), urls[0])
	require.NoError(t, err)
	require.False(t, got[0].Valid)
}

func TestMultiSearch(t *testing.T) {
	f := selected(t, 3, nil)
	f.srv.Add("Other", message(1), message(2))
	f.srv.Add("Empty", "Subject: x\n\n")
	got, err := f.SearchMailboxes(t.Context(), []imap.MailboxFilter{{Scope: imap.ScopePersonal}},
		imap.SearchKey{Op: imap.SearchSubject, Value: "message"}, &imap.SearchOptions{Count: true})
	require.NoError(t, err)
	counts := map[string]uint32{}
	for _, r := range got {
		counts[r.Mailbox] = *r.Count
		require.NotZero(t, r.UIDValidity)
	}
	require.Equal(t, map[string]uint32{"INBOX": 3, "Other": 2}, counts)
}

// RETURN (UPDATE) tells what changes in a result until CANCELUPDATE (RFC 5267 section 4.3).
func TestSearchUpdates(t *testing.T) {
	f := selected(t, 3, nil)
	require.True(t, f.Has(imap.CapContextSearch))
	r, err := f.Search(t.Context(), imap.SearchKey{Op: imap.SearchFlagged}, &imap.SearchOptions{Update: true, All: true})
	require.NoError(t, err)
	require.True(t, r.UIDs.Empty())
	_, err = f.Store(t.Context(), imapclient.UID(2), mail.FlagsAdd, mail.NewFlags(`\Flagged`), nil)
	require.NoError(t, err)
	require.NoError(t, f.Noop(t.Context()))
	var added imap.NumSet
	for _, e := range f.events.take() {
		if s, ok := e.(imapclient.SearchEvent); ok && s.Search.Tag == r.Tag {
			for _, u := range s.Search.Updates {
				require.False(t, u.Remove)
				added.Ranges = append(added.Ranges, u.Nums.Ranges...)
			}
		}
	}
	require.Equal(t, "2", added.String())
	require.NoError(t, f.CancelUpdate(t.Context(), r.Tag))
}

// With UIDONLY there are no sequence numbers: UIDFETCH and VANISHED (RFC 9586).
func TestUIDOnly(t *testing.T) {
	f := newFixture(t, nil, nil)
	for i := range 3 {
		f.srv.Add("INBOX", message(i))
	}
	on, err := f.Enable(t.Context(), imap.CapUIDOnly)
	require.NoError(t, err)
	require.True(t, on.Has(imap.CapUIDOnly))
	_, err = f.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	require.Equal(t, []mail.UID{1, 2, 3}, uids(t, t.Context(), f.Client, imapclient.All()))
	r, err := f.Store(t.Context(), imapclient.UID(2), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
	require.NoError(t, err)
	require.Len(t, r.Messages, 1)
	require.EqualValues(t, 2, r.Messages[0].UID)
	require.NoError(t, f.Expunge(t.Context()))
	require.EqualValues(t, 2, f.Mailbox().Messages)
	m, err := f.FetchOne(t.Context(), 3, imapclient.Peek(imap.Section{}), imap.FetchItem{Att: imap.FetchEnvelope})
	require.NoError(t, err)
	require.Equal(t, "message 2", m.Envelope.Subject.Value)
	require.NoError(t, f.Noop(t.Context()))
}

func TestCompressedConnection(t *testing.T) {
	f := selected(t, 50, func(o *imapclient.Options) { o.Compress = true })
	require.Contains(t, f.trace.String(), "COMPRESS")
	n := 0
	for m, err := range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
		require.NoError(t, err)
		body, ok := m.Section(imap.Section{})
		require.True(t, ok)
		require.Contains(t, string(body), "Text of message")
		n++
	}
	require.Equal(t, 50, n)
}
