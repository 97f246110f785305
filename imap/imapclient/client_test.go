package imapclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

func TestLoginAndSelect(t *testing.T) {
	f := selected(t, 3, nil)
	box := f.Mailbox()
	require.Equal(t, "INBOX", box.Name)
	require.EqualValues(t, 3, box.Messages)
	require.EqualValues(t, 4, box.UIDNext)
	require.NotZero(t, box.UIDValidity)
	require.NotZero(t, box.HighestModSeq)
	require.True(t, box.NewKeywords)
	require.False(t, box.ReadOnly)
	require.Equal(t, imapclient.StateSelected, f.State())
	require.True(t, f.Enabled().Has(imap.CapQResync))
	require.True(t, f.Enabled().Has(imap.CapIMAP4rev2))
	require.NotContains(t, f.trace.String(), "secret")
	require.NoError(t, f.Unselect(t.Context()))
	require.Nil(t, f.Mailbox())
	require.NoError(t, f.Logout(t.Context()))
	require.Equal(t, imapclient.StateLogout, f.State())
	require.ErrorIs(t, f.Noop(t.Context()), imapclient.ErrClosed)
}

func TestWrongPassword(t *testing.T) {
	srv := imaptest.NewServer(t)
	_, err := imapclient.Dial(t.Context(), "x:143", &imapclient.Options{Dial: srv.Dial, Auth: &mail.Credentials{Username: "alice", Password: "wrong"}})
	require.ErrorIs(t, err, mail.ErrAuthFailed)
	require.Equal(t, imap.CodeAuthenticationFailed, imapclient.CodeOf(err))
}

func TestStartTLS(t *testing.T) {
	var f *fixture
	var o imapclient.Options
	f = newFixture(t, func(s *imaptest.Server) {
		o.TLSConfig = s.UseTLS()
		s.Config.RequireSecure = true
	}, func(c *imapclient.Options) { c.TLSConfig = o.TLSConfig })
	require.NotNil(t, f.TLS())
	require.NoError(t, f.Noop(t.Context()))
	require.Contains(t, f.trace.String(), "STARTTLS")
}

// A password is not shown to a server that has no TLS and is elsewhere; TLS that was demanded and isn't offered is an error.
func TestTLSDemanded(t *testing.T) {
	srv := imaptest.NewServer(t)
	_, err := imapclient.Dial(t.Context(), "x:143", &imapclient.Options{Dial: srv.Dial, Auth: alice(), TLS: imapclient.TLSStartTLS})
	require.ErrorIs(t, err, imapclient.ErrInsecure)
}

// Who is on the way can put responses behind the answer to STARTTLS (CVE-2011-0411's class): they don't count.
func TestRegressionStartTLSInjection(t *testing.T) {
	_, ev, err := scripted(t, `
		S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello
		C: TAG STARTTLS
		S! TAG OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN INJECTED\r\n* BYE injected\r\n
		close`, nil)
	require.Error(t, err)
	for _, e := range ev.take() {
		_, bye := e.(imapclient.ByeEvent)
		require.False(t, bye, "what came in the clear was read")
		if c, ok := e.(imapclient.CapabilityEvent); ok {
			require.False(t, c.Capabilities.Has("INJECTED"))
		}
	}
}

// A PREAUTH greeting takes away the chance of STARTTLS: whoever demands it is not served (RFC 9051 section 11.3's reason).
func TestRegressionPreauthBeforeTLS(t *testing.T) {
	_, _, err := scripted(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello", func(o *imapclient.Options) { o.TLS = imapclient.TLSStartTLS })
	require.ErrorIs(t, err, imapclient.ErrInsecure)
}

func TestManyGoroutines(t *testing.T) {
	f := selected(t, 20, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 20 {
				u := mail.UID(1 + (i*20+k)%20)
				switch k % 5 {
				case 0:
					require.Len(t, uids(t, t.Context(), f.Client, imapclient.All()), 20)
				case 1:
					m, err := f.FetchOne(t.Context(), u, imapclient.Peek(imap.Section{}))
					require.NoError(t, err)
					body, _ := m.Section(imap.Section{})
					require.Contains(t, string(body), "Text of message")
				case 2:
					_, err := f.Store(t.Context(), imapclient.UID(u), mail.FlagsAdd, mail.NewFlags("$k"), nil)
					require.NoError(t, err)
				case 3:
					s, err := f.Status(t.Context(), "INBOX", imap.StatusMessages)
					require.NoError(t, err)
					require.EqualValues(t, 20, s.Messages)
				case 4:
					r, err := f.Search(t.Context(), imap.SearchKey{Op: imap.SearchAll}, nil)
					require.NoError(t, err)
					require.Equal(t, 20, r.Count)
				}
			}
		})
	}
	wg.Wait()
}

func TestFetchEverything(t *testing.T) {
	f := selected(t, 3, nil)
	n := 0
	for m, err := range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: append(imapclient.Items(imap.FetchFlags, imap.FetchEnvelope,
		imap.FetchInternalDate, imap.FetchSize, imap.FetchBodyStructure, imap.FetchModSeq, imap.FetchEmailID), imapclient.Headers("Subject"), imapclient.PeekPart(1))}) {
		require.NoError(t, err)
		n++
		require.EqualValues(t, n, m.UID)
		require.EqualValues(t, n, m.Seq)
		require.Equal(t, imapclient.HasFlags|imapclient.HasEnvelope|imapclient.HasInternalDate|imapclient.HasSize|imapclient.HasStructure|
			imapclient.HasModSeq|imapclient.HasEmailID, m.Has&(1<<10-1))
		require.Equal(t, "Fred", m.Envelope.From[0].Name)
		require.Equal(t, "text", m.Structure.Type)
		require.NotEmpty(t, m.EmailID)
		h, ok := m.Section(imap.Section{Spec: imap.SectionFields, Fields: []string{"Subject"}})
		require.True(t, ok)
		require.Contains(t, string(h), "Subject: message")
	}
	require.Equal(t, 3, n)
	_, err := f.FetchOne(t.Context(), 99, imapclient.Items(imap.FetchFlags)...)
	require.ErrorIs(t, err, mail.ErrExpunged)
}

// go-imap v1 and v2 deadlock when a loop over FETCH is left, or gives a command (#107, #382, #710).
func TestRegressionLoopLeftEarly(t *testing.T) {
	f := selected(t, 200, nil)
	for range 20 {
		for range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
			break
		}
		require.NoError(t, f.Noop(t.Context()))
	}
}

func TestRegressionCommandsWithinLoop(t *testing.T) {
	f := selected(t, 600, nil)
	n := 0
	for m, err := range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
		require.NoError(t, err)
		if n++; n%50 == 1 {
			_, err = f.Store(t.Context(), imapclient.UID(m.UID), mail.FlagsAdd, mail.NewFlags(`\Flagged`), nil)
			require.NoError(t, err)
			inner, err := f.FetchOne(t.Context(), m.UID, imapclient.Items(imap.FetchFlags)...)
			require.NoError(t, err)
			require.NotZero(t, inner.Flags.System&mail.Flagged)
		}
	}
	require.Equal(t, 600, n)
}

// A loop that holds up others for longer than Limits.Ahead allows ends; the others go on.
func TestRegressionLoopFarBehind(t *testing.T) {
	f := newFixture(t, nil, func(o *imapclient.Options) {
		o.Limits.Ahead, o.Timeouts.Command = 100_000, 200*time.Millisecond
	})
	big := "Subject: big\n\n" + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef\n", 1000)
	for range 40 {
		f.srv.Add("INBOX", big)
	}
	_, err := f.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	for _, err = range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
		if err != nil {
			break
		}
		require.NoError(t, f.Noop(t.Context()))
	}
	require.ErrorIs(t, err, imapclient.ErrBehind)
	require.NoError(t, f.Noop(t.Context()))
}

func TestStreamedBodies(t *testing.T) {
	f := newFixture(t, nil, nil)
	big := "Subject: big\n\n" + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef\n", 20_000)
	for range 4 {
		f.srv.Add("INBOX", big)
	}
	f.srv.Add("INBOX", message(1))
	want := strings.ReplaceAll(big, "\n", "\r\n")
	_, err := f.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	opts := &imapclient.FetchOptions{Items: append(imapclient.Items(imap.FetchFlags), imapclient.Peek(imap.Section{})), Stream: true}
	var seen []mail.UID
	var half *imapclient.Message
	for m, err := range f.Fetch(t.Context(), imapclient.All(), opts) {
		require.NoError(t, err)
		seen = append(seen, m.UID)
		switch m.UID {
		case 1: // read whole
			b, err := io.ReadAll(m.Body)
			require.NoError(t, err)
			require.Equal(t, want, string(b))
		case 2: // a part, and then another command, which waits for what is behind the rest
			_, err := io.ReadFull(m.Body, make([]byte, 1000))
			require.NoError(t, err)
			require.NoError(t, f.Noop(t.Context()))
			var b bytes.Buffer
			_, err = m.Body.WriteTo(&b)
			require.NoError(t, err)
			require.Equal(t, want[1000:], b.String())
			half = m
		case 3: // nothing
		case 4:
			require.EqualValues(t, len(want), m.Body.Size())
		case 5:
			require.Nil(t, m.Body, "a small one is in memory")
			b, ok := m.Section(imap.Section{})
			require.True(t, ok)
			require.Contains(t, string(b), "Text of message")
		}
	}
	require.Equal(t, []mail.UID{1, 2, 3, 4, 5}, seen)
	_, err = half.Body.Read(make([]byte, 1))
	require.Error(t, err, "the loop has gone on")
	for m, err := range f.Fetch(t.Context(), imapclient.All(), opts) {
		require.NoError(t, err)
		_, _ = io.ReadFull(m.Body, make([]byte, 10))
		break
	}
	require.NoError(t, f.Noop(t.Context()))
}

// A call whose context ends returns at once; the connection goes on, and the late answer goes to nobody else.
func TestCancelledCall(t *testing.T) {
	f := selected(t, 3, nil)
	f.srv.Fail(imaptest.Fault{Command: "UID SEARCH", Delay: 100 * time.Millisecond, Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := f.Search(ctx, imap.SearchKey{Op: imap.SearchAll}, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	r, err := f.Search(t.Context(), imap.SearchKey{Op: imap.SearchUID, Set: imap.NumSet{Ranges: []imap.NumRange{{First: 2, Last: 2}}}}, nil)
	require.NoError(t, err)
	require.Equal(t, "2", r.UIDs.String())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for m, err := range f.Fetch(ctx, imapclient.All(), nil) {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		require.NotNil(t, m)
		stop()
	}
	require.NoError(t, f.Noop(t.Context()))
}

// go-imap waits without a timeout (#762, #742, #650).
func TestRegressionSilentServer(t *testing.T) {
	f := newFixture(t, nil, func(o *imapclient.Options) { o.Timeouts.Command = 100 * time.Millisecond })
	f.srv.Fail(imaptest.Fault{Command: "NOOP", Delay: 4 * time.Second})
	start := time.Now()
	require.ErrorIs(t, f.Noop(t.Context()), imapclient.ErrTimeout)
	require.Less(t, time.Since(start), 4*time.Second)
	require.ErrorIs(t, f.Err(), imapclient.ErrTimeout)
}

func TestConnectionLost(t *testing.T) {
	f := selected(t, 50, nil)
	f.srv.Fail(imaptest.Fault{Command: "UID FETCH", Cut: 3000, Times: 1})
	var last error
	n := 0
	for _, err := range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}}) {
		if last = err; err == nil {
			n++
		}
	}
	require.Error(t, last)
	require.ErrorIs(t, f.Noop(t.Context()), imapclient.ErrClosed)
	var e *imapclient.Error
	require.True(t, errors.As(last, &e))
	require.Equal(t, "UID FETCH", e.Command)
}

// One bad response spoils one command (go-imap #659, #704, #626: one bad BODYSTRUCTURE ends the connection).
func TestRegressionBadResponse(t *testing.T) {
	f := selected(t, 2, nil)
	f.srv.Fail(imaptest.Fault{Command: "UID FETCH", Times: 1, Reply: "* 1 FETCH (UID 1 BODYSTRUCTURE (((\"a)\r\n* 2 FETCH (UID 2 BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 3 1))\r\nTAG OK done\r\n"})
	var got []mail.UID
	var last error
	for m, err := range f.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchBodyStructure)}) {
		if last = err; err == nil {
			got = append(got, m.UID)
		}
	}
	require.Equal(t, []mail.UID{2}, got)
	require.ErrorIs(t, last, imapclient.ErrSyntax)
	for _, e := range f.events.take() {
		_, ok := e.(imapclient.MalformedEvent)
		require.False(t, ok, "told twice")
	}
	require.NoError(t, f.Noop(t.Context()))
	// One that belongs to nobody is told.
	f.srv.Fail(imaptest.Fault{Command: "NOOP", Times: 1, Reply: "* LIST (((\r\n* STATUS\r\n* 99999999999 EXISTS\r\n* \r\n\r\nTAG OK done\r\n"})
	require.NoError(t, f.Noop(t.Context()))
	bad := 0
	for _, e := range f.events.take() {
		if _, ok := e.(imapclient.MalformedEvent); ok {
			bad++
		}
	}
	require.Equal(t, 5, bad)
}

// go-imap has no cap on the literals that a server sends (#93, #481, #747).
func TestRegressionHugeLiteral(t *testing.T) {
	f := selected(t, 1, func(o *imapclient.Options) { o.Limits.Literal, o.Limits.Line = 1000, 5000 })
	f.srv.Fail(imaptest.Fault{Command: "UID FETCH", Times: 1, Reply: "* 1 FETCH (UID 1 BODY[] {2000}\r\n" + strings.Repeat("x", 2000) + ")\r\nTAG OK done\r\n"})
	_, err := f.FetchOne(t.Context(), 1, imapclient.Peek(imap.Section{}))
	require.ErrorIs(t, err, imapclient.ErrTooLarge)
	f.srv.Fail(imaptest.Fault{Command: "UID FETCH", Times: 1, Reply: "* 1 FETCH (UID 1 FLAGS (" + strings.Repeat("x", 6000) + "))\r\nTAG OK done\r\n"})
	_, err = f.FetchOne(t.Context(), 1, imapclient.Items(imap.FetchFlags)...)
	require.Error(t, err)
	_, err = f.FetchOne(t.Context(), 1, imapclient.Peek(imap.Section{}))
	require.NoError(t, err)
}

func TestStoreCopyMoveExpunge(t *testing.T) {
	for _, without := range [][]string{nil, {"MOVE"}, {"MOVE", "UIDPLUS"}, {"CONDSTORE", "QRESYNC", "IMAP4rev2"}} {
		f := newFixture(t, nil, func(o *imapclient.Options) { o.Without = without })
		for i := range 5 {
			f.srv.Add("INBOX", message(i))
		}
		_, err := f.Create(t.Context(), "Archive")
		require.NoError(t, err)
		_, err = f.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		r, err := f.Store(t.Context(), imapclient.UID(1, 2), mail.FlagsAdd, mail.NewFlags(`\Flagged`, "$x"), nil)
		require.NoError(t, err)
		require.Len(t, r.Messages, 2)
		require.True(t, r.Messages[0].Flags.Has("$x"))
		m, err := f.Copy(t.Context(), imapclient.UID(1, 3), "Archive")
		require.NoError(t, err)
		require.Equal(t, []mail.UID{1, 3}, m.From)
		require.Equal(t, []mail.UID{1, 2}, m.To)
		_, err = f.Move(t.Context(), imapclient.UID(2), "Archive")
		require.NoError(t, err)
		left := uids(t, t.Context(), f.Client, imapclient.All())
		if len(without) == 2 {
			require.Equal(t, []mail.UID{1, 2, 3, 4, 5}, left, "marked, and not expunged with others'")
			require.NoError(t, f.Expunge(t.Context()))
		} else {
			require.Equal(t, []mail.UID{1, 3, 4, 5}, left)
		}
		_, err = f.Store(t.Context(), imapclient.UID(4), mail.FlagsAdd, mail.NewFlags(`\Deleted`), &imapclient.StoreOptions{Silent: true})
		require.NoError(t, err)
		if len(without) == 2 {
			require.ErrorIs(t, f.ExpungeSet(t.Context(), imapclient.UID(4)), imapclient.ErrUnsupported)
			require.NoError(t, f.Expunge(t.Context()))
		} else {
			require.NoError(t, f.ExpungeSet(t.Context(), imapclient.UID(4)))
		}
		require.EqualValues(t, 3, f.Mailbox().Messages)
		_, err = f.Copy(t.Context(), imapclient.UID(1), "No/Such")
		require.Equal(t, imap.CodeTryCreate, imapclient.CodeOf(err))
		require.True(t, imapclient.Refused(err))
	}
}

func TestConditionalStore(t *testing.T) {
	f := selected(t, 3, nil)
	since := f.Mailbox().HighestModSeq
	_, err := f.srv.Mailbox("INBOX").SetFlags(t.Context(), mail.UIDSetOf(2), mail.FlagChange{Flags: mail.NewFlags("other")})
	require.NoError(t, err)
	r, err := f.Store(t.Context(), imapclient.UID(1, 2, 3), mail.FlagsAdd, mail.NewFlags(`\Seen`), &imapclient.StoreOptions{UnchangedSince: since, Silent: true})
	require.NoError(t, err)
	require.Equal(t, "2", r.Modified.String())
}

func TestAppend(t *testing.T) {
	for _, without := range [][]string{nil, {"LITERAL+", "LITERAL-", "IMAP4rev2", "MULTIAPPEND"}} {
		f := newFixture(t, nil, func(o *imapclient.Options) { o.Without = without })
		when := time.Date(2020, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
		a := imapclient.NewDraft([]byte("Subject: a\r\n\r\nA\r\n"), `\Seen`, "$x")
		a.InternalDate = when
		b := imapclient.NewDraft(bytes.Repeat([]byte("Subject: b\r\n"), 10_000))
		done, err := f.Append(t.Context(), "INBOX", a, b)
		require.NoError(t, err)
		require.Equal(t, []mail.UID{1, 2}, done.UIDs)
		_, err = f.Append(t.Context(), "Nowhere", imapclient.NewDraft([]byte("x")))
		require.Equal(t, imap.CodeTryCreate, imapclient.CodeOf(err))
		_, err = f.Append(t.Context(), "Nowhere", imapclient.NewDraft(make([]byte, 100_000)), imapclient.NewDraft(make([]byte, 100_000)))
		require.Equal(t, imap.CodeTryCreate, imapclient.CodeOf(err))
		_, err = f.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		m, err := f.FetchOne(t.Context(), 1, imapclient.Items(imap.FetchFlags, imap.FetchInternalDate)...)
		require.NoError(t, err)
		require.True(t, when.Equal(m.InternalDate))
		require.True(t, m.Flags.Has("$x"))
		// A source that is too short breaks the connection, and adds nothing.
		_, err = f.Append(t.Context(), "INBOX", imapclient.Draft{Content: strings.NewReader("short"), Size: 100})
		require.ErrorIs(t, err, imap.ErrShortLiteral)
		st, err := f.srv.Mailbox("INBOX").State(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, st.Messages)
	}
}

func TestLists(t *testing.T) {
	for _, without := range [][]string{nil, {"LIST-STATUS"}, {"LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "IMAP4rev2"}} {
		f := newFixture(t, nil, func(o *imapclient.Options) { o.Without = without })
		_, err := f.Create(t.Context(), "Gửi đi", mail.UseSent)
		require.NoError(t, err)
		_, err = f.Create(t.Context(), "a/b & c")
		require.NoError(t, err)
		require.NoError(t, f.Subscribe(t.Context(), "a/b & c"))
		f.srv.Add("a/b & c", message(1), message(2))
		var names []string
		for l, err := range f.List(t.Context(), &imapclient.ListOptions{Status: imap.StatusMessages | imap.StatusUIDNext}) {
			require.NoError(t, err)
			names = append(names, l.Name)
			if l.Name == "a/b & c" {
				require.NotNil(t, l.Status)
				require.EqualValues(t, 2, l.Status.Messages)
				require.EqualValues(t, 3, l.Status.UIDNext)
			}
		}
		require.ElementsMatch(t, []string{"INBOX", "Gửi đi", "a", "a/b & c"}, names)
		names = nil
		for l, err := range f.List(t.Context(), &imapclient.ListOptions{Subscribed: true}) {
			require.NoError(t, err)
			require.True(t, l.Has(`\Subscribed`))
			names = append(names, l.Name)
		}
		require.Equal(t, []string{"a/b & c"}, names)
		require.NoError(t, f.Rename(t.Context(), "a/b & c", "neu"))
		require.NoError(t, f.Delete(t.Context(), "neu"))
		require.NoError(t, f.Unsubscribe(t.Context(), "a/b & c"))
		require.Equal(t, imap.CodeNonExistent, imapclient.CodeOf(f.Delete(t.Context(), "neu")))
	}
}

func TestSearches(t *testing.T) {
	for _, without := range [][]string{nil, {"ESEARCH", "PARTIAL", "IMAP4rev2"}} {
		f := selected(t, 12, func(o *imapclient.Options) { o.Without = without })
		all := imap.SearchKey{Op: imap.SearchAll}
		r, err := f.Search(t.Context(), all, &imap.SearchOptions{Min: true, Max: true, Count: true})
		require.NoError(t, err)
		require.Equal(t, []any{mail.UID(1), mail.UID(12), 12, true}, []any{r.Min, r.Max, r.Count, r.UIDs.Empty()})
		r, err = f.Search(t.Context(), all, &imap.SearchOptions{Partial: &imap.PartialRange{First: 1, Last: 3, FromEnd: true}})
		require.NoError(t, err)
		require.Equal(t, "10:12", imap.NumSet{Ranges: r.Partial.Nums.Ranges}.UIDs(0).String())
		r, err = f.Search(t.Context(), imap.SearchKey{Op: imap.SearchSubject, Value: "đơn"}, nil)
		require.NoError(t, err)
		require.True(t, r.UIDs.Empty())
		r, err = f.Search(t.Context(), imap.SearchKey{Op: imap.SearchSubject, Value: "message 1"}, nil)
		require.NoError(t, err)
		require.Equal(t, "2,11:12", r.UIDs.String())
	}
}

func TestIdle(t *testing.T) {
	for _, without := range [][]string{nil, {"IDLE", "IMAP4rev2"}} {
		f := selected(t, 1, func(o *imapclient.Options) {
			o.Without = without
			o.Timeouts.Idle, o.Timeouts.Poll = 50*time.Millisecond, 10*time.Millisecond
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go func() {
			_ = f.Noop(ctx) // makes a pause in it
			f.srv.Add("INBOX", message(2))
		}()
		for e, err := range f.Idle(ctx) {
			require.NoError(t, err)
			if ev, ok := e.(imapclient.ExistsEvent); ok && ev.Messages == 2 {
				require.Equal(t, []mail.UID{1, 2}, uids(t, ctx, f.Client, imapclient.All()), "commands within the loop")
				break
			}
		}
		require.NoError(t, f.Noop(ctx))
		ctx, cancel = context.WithTimeout(t.Context(), 120*time.Millisecond) // renewed twice
		for _, err := range f.Idle(ctx) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		cancel()
		require.NoError(t, f.Noop(t.Context()))
	}
}

func TestRawAndUnknown(t *testing.T) {
	f := selected(t, 1, nil)
	f.srv.Fail(imaptest.Fault{Command: "XFROB", Reply: "* XFROB (a {1}\r\nb \"c\")\r\n* XOTHER 1\r\nTAG OK [XDONE 7] frobbed\r\n"})
	var got string
	s, err := f.Raw(t.Context(), "XFROB (x y)", func(name string, d *imap.Decoder) bool {
		if name == "XFROB" {
			got = d.RawValue()
		}
		return name == "XFROB"
	})
	require.NoError(t, err)
	require.Equal(t, "(a {1}\r\nb \"c\")", got)
	require.EqualValues(t, "XDONE", s.Code)
	require.Contains(t, f.events.take(), imapclient.UnknownEvent{Line: "* XOTHER 1"})
	_, err = f.Raw(t.Context(), "NOOP\r\nA DELETE x", nil)
	require.ErrorIs(t, err, imapclient.ErrBadArgument)
	_, err = f.Store(t.Context(), imapclient.UID(1), mail.FlagsAdd, mail.Flags{Keywords: []string{"a) x"}}, nil)
	require.ErrorIs(t, err, imapclient.ErrBadArgument)
}

// A literal in a response that nobody knows is content: nothing in it is read as a response, though it looks like one.
func TestRegressionLiteralInUnknownResponse(t *testing.T) {
	f := selected(t, 1, nil)
	content := "x\r\n* BYE injected\r\n* 99 EXISTS\r\nTAG NO injected\r\n"
	for _, before := range []string{"* XOTHER (a ", "* 7 XOTHER ", "* XOTHER (a {0}\r\n "} {
		f.srv.Fail(imaptest.Fault{Command: "NOOP", Times: 1, Reply: before + fmt.Sprintf("{%d}\r\n%s", len(strings.ReplaceAll(content, "TAG", "A8")), content) + " b)\r\nTAG OK done\r\n"})
		f.events.take()
		require.NoError(t, f.Noop(t.Context()))
		list := f.events.take()
		require.Len(t, list, 1, "%v", list)
		require.IsType(t, imapclient.UnknownEvent{}, list[0])
		require.EqualValues(t, 1, f.Mailbox().Messages)
	}
}

func TestIDAndNamespace(t *testing.T) {
	f := newFixture(t, func(s *imaptest.Server) { s.Config.ID = []string{"name", "Bưu tá"} }, nil)
	id, err := f.ID(t.Context(), "name", "test")
	require.NoError(t, err)
	require.Equal(t, []string{"name", "Bưu tá"}, id)
	ns, err := f.Namespaces(t.Context())
	require.NoError(t, err)
	require.Equal(t, "/", ns[0].Separator)
}

// Sequence numbers, and what the last search has found (RFC 5182 section 2.1), name messages as UIDs do.
func TestSets(t *testing.T) {
	f := selected(t, 5, nil)
	require.NoError(t, f.Expunge(t.Context()))
	_, err := f.Store(t.Context(), imapclient.UID(2), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
	require.NoError(t, err)
	require.NoError(t, f.Expunge(t.Context()))
	require.Equal(t, []mail.UID{3, 4}, uids(t, t.Context(), f.Client, imapclient.Seqs(imap.SeqSetOf(2, 3))))
	_, err = f.Search(t.Context(), imap.SearchKey{Op: imap.SearchSubject, Value: "message 3"}, &imap.SearchOptions{Save: true})
	require.NoError(t, err)
	require.Equal(t, []mail.UID{4}, uids(t, t.Context(), f.Client, imapclient.Saved()))
}
