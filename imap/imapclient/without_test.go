package imapclient_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// conversation are messages that differ in what can be sorted by, and answer each other.
func conversation() []string {
	return []string{
		"Date: Wed, 3 Jan 2024 10:00:00 +0000\nFrom: Zoe <a@x.test>\nTo: z@x.test\nCc: b@x.test\nSubject: lunch\nMessage-ID: <1@x.test>\n\nShall we?\n",
		"Date: Tue, 2 Jan 2024 10:00:00 +0000\nFrom: =?utf-8?q?=C3=81nna?= <c@x.test>\nTo: y@x.test\nSubject: Re: lunch\nMessage-ID: <2@x.test>\nIn-Reply-To: <1@x.test>\n\nYes, at noon, where the river bends.\n",
		"Date: Thu, 4 Jan 2024 10:00:00 +0000\nFrom: b@x.test\nTo: friends:;\nSubject: =?iso-8859-1?q?=E9t=E9?=\nMessage-ID: <3@x.test>\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nbuG6r25nIGjDqA0K\n",
		"From: d@x.test\nSubject: (no date)\nMessage-ID: <4@x.test>\nReferences: <1@x.test> <2@x.test>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>caf=C3=A9</p>\n--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAECAw==\n--b--\n",
		"Date: Fri, 5 Jan 2024 10:00:00 +0000\nFrom: b@x.test\nSubject: odd\nMessage-ID: <5@x.test>\nContent-Type: application/x-odd\nContent-Transfer-Encoding: x-odd\n\nodd\n",
	}
}

// with runs f against servers that have everything and that lack some of it: what it returns must be the same. lacks is given to the
// server, which then refuses what it doesn't announce, so that a client that asks for it all the same is found.
func with[T any](t *testing.T, lacks [][]imap.Capability, prepare func(s *imaptest.Server), f func(c *fixture) T) {
	t.Helper()
	var want T
	for i, without := range append([][]imap.Capability{nil}, lacks...) {
		t.Run(strings.ReplaceAll(fmt.Sprint("without", without), "/", "_"), func(t *testing.T) {
			fix := newFixture(t, func(s *imaptest.Server) {
				s.Config.Without = without
				if prepare != nil {
					prepare(s)
				}
			}, nil)
			fix.addDated(conversation())
			for _, name := range without {
				require.False(t, fix.Has(name), name)
			}
			_, err := fix.Select(t.Context(), "INBOX", nil)
			require.NoError(t, err)
			got := f(fix)
			if i == 0 {
				want = got
				return
			}
			require.Equal(t, want, got)
			require.NoError(t, fix.Noop(t.Context()))
			require.Equal(t, "INBOX", fix.Mailbox().Name)
			require.NotContains(t, fix.trace.String(), " BAD ", "what the server lacks was asked for")
		})
	}
}

// addDated puts messages into INBOX that have come a minute apart.
func (f *fixture) addDated(messages []string) {
	tx, err := f.srv.Mailbox("INBOX").Append(f.Context())
	require.NoError(f, err)
	for i, m := range messages {
		when := time.Date(2024, 2, 1, 10, i*7%5, 0, 0, time.UTC)
		require.NoError(f, tx.Add(f.Context(), strings.NewReader(strings.ReplaceAll(m, "\n", "\r\n")), &mail.AppendOptions{InternalDate: when}))
	}
	_, err = tx.Commit(f.Context())
	require.NoError(f, err)
}

func caps(names ...imap.Capability) []imap.Capability { return names }

func TestSortWithout(t *testing.T) {
	all := imap.SearchKey{Op: imap.SearchAll}
	with(t, [][]imap.Capability{caps("SORT"), caps("ESORT", "CONTEXT=SORT"), caps("SORT=DISPLAY"), caps("CONTEXT=SORT"), caps("SORT", "ESEARCH", "PARTIAL", "IMAP4rev2")}, nil, func(f *fixture) (out []string) {
		for _, key := range []imap.SortKey{imap.SortArrival, imap.SortCc, imap.SortDate, imap.SortFrom, imap.SortSize, imap.SortSubject, imap.SortTo, imap.SortDisplayFrom, imap.SortDisplayTo} {
			for _, reverse := range []bool{false, true} {
				r, err := f.Sort(f.Context(), []imap.SortCriterion{{Key: key, Reverse: reverse}, {Key: imap.SortSize}}, all, nil)
				require.NoError(f, err)
				require.Equal(f, 5, r.Count)
				out = append(out, fmt.Sprint(key, reverse, r.Order))
				r, err = f.Sort(f.Context(), []imap.SortCriterion{{Key: key, Reverse: reverse}}, all, &imap.SearchOptions{Min: true, Max: true, Count: true,
					Partial: &imap.PartialRange{First: 2, Last: 3}})
				require.NoError(f, err)
				require.Empty(f, r.Order)
				out = append(out, fmt.Sprint(r.Min, r.Max, r.Count, numbers(r.Partial.Nums)))
				r, err = f.Sort(f.Context(), []imap.SortCriterion{{Key: key, Reverse: reverse}}, all, &imap.SearchOptions{All: true, Partial: &imap.PartialRange{First: 1, Last: 2, FromEnd: true}})
				require.NoError(f, err)
				out = append(out, fmt.Sprint(r.Order, numbers(r.Partial.Nums)))
			}
		}
		r, err := f.Sort(f.Context(), []imap.SortCriterion{{Key: imap.SortSubject}}, imap.SearchKey{Op: imap.SearchSubject, Value: "nothing of this"}, &imap.SearchOptions{Min: true, All: true})
		require.NoError(f, err)
		return append(out, fmt.Sprint(r.Min, r.Order))
	})
}

// numbers writes a set's elements one by one.
func numbers(s imap.NumSet) (out []uint32) {
	for _, r := range s.Ranges {
		for n := r.First; n <= r.Last; n++ {
			out = append(out, n)
		}
	}
	return out
}

func TestSortByRelevancyWithout(t *testing.T) {
	key := imap.SearchKey{Op: imap.SearchFuzzy, Keys: []imap.SearchKey{{Op: imap.SearchText, Value: "lunch"}}}
	with(t, [][]imap.Capability{caps("SORT")}, nil, func(f *fixture) (out []any) {
		r, err := f.Sort(f.Context(), []imap.SortCriterion{{Key: imap.SortRelevancy}}, key, &imap.SearchOptions{All: true, Relevancy: true})
		require.NoError(f, err)
		require.NotEmpty(f, r.Order)
		return []any{r.Order, r.Relevancy}
	})
}

func TestThreadWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT", "THREAD=REFS")}, nil, func(f *fixture) (out [][]imap.Thread) {
		for _, alg := range []imap.ThreadAlgorithm{imap.ThreadReferences, imap.ThreadOrderedSubject, imap.ThreadRefs} {
			threads, err := f.Thread(f.Context(), alg, imap.SearchKey{Op: imap.SearchAll})
			require.NoError(f, err)
			require.Greater(f, len(threads), 1)
			for i := range threads {
				clip(threads[i : i+1])
			}
			out = append(out, threads)
		}
		_, err := f.Thread(f.Context(), "MAGIC", imap.SearchKey{Op: imap.SearchAll})
		require.ErrorIs(f, err, imapclient.ErrUnsupported)
		return out
	})
}

// clip makes lists without elements nil, as they may be or not.
func clip(list []imap.Thread) {
	for i := range list {
		if len(list[i].Replies) == 0 {
			list[i].Replies = nil
		}
		clip(list[i].Replies)
	}
}

func TestPartialWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("PARTIAL"), caps("PARTIAL", "CONTEXT=SEARCH"), caps("PARTIAL", "ESEARCH", "IMAP4rev2")}, nil, func(f *fixture) (out []mail.UID) {
		for _, p := range []imap.PartialRange{{First: 1, Last: 2}, {First: 1, Last: 2, FromEnd: true}, {First: 4, Last: 9}, {First: 8, Last: 9}} {
			for m, err := range f.Fetch(f.Context(), imapclient.UIDs(mail.UIDRangeSet(2, 100)), &imapclient.FetchOptions{Partial: &p}) {
				require.NoError(f, err)
				out = append(out, m.UID)
			}
			r, err := f.Search(f.Context(), imap.SearchKey{Op: imap.SearchAll}, &imap.SearchOptions{Partial: &p})
			require.NoError(f, err)
			for _, n := range numbers(r.Partial.Nums) {
				out = append(out, mail.UID(n))
			}
			out = append(out, 0)
		}
		return out
	})
}

// RFC 5182 sections 2.1 and 2.4.
func TestSavedWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("SEARCHRES", "IMAP4rev2"), caps("SEARCHRES", "ESEARCH", "IMAP4rev2"), caps("PARTIAL", "CONTEXT=SEARCH")}, nil, func(f *fixture) (out []string) {
		ctx := f.Context()
		lunch := imap.SearchKey{Op: imap.SearchSubject, Value: "lunch"}
		saved := imap.SearchKey{Op: imap.SearchUID, Set: imap.NumSet{Saved: true}}
		for _, o := range []imap.SearchOptions{{Save: true}, {Save: true, Min: true}, {Save: true, Max: true, Min: true}, {Save: true, Count: true, Max: true}, {Save: true, All: true},
			{Save: true, Partial: &imap.PartialRange{First: 2, Last: 2}}} {
			_, err := f.Search(ctx, lunch, &o)
			require.NoError(f, err)
			out = append(out, fmt.Sprint(uids(f.T, ctx, f.Client, imapclient.Saved())))
			r, err := f.Search(ctx, imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{saved}}, nil)
			require.NoError(f, err)
			out = append(out, r.UIDs.String())
		}
		_, err := f.Search(ctx, lunch, &imap.SearchOptions{Save: true})
		require.NoError(f, err)
		_, err = f.Store(ctx, imapclient.Saved(), mail.FlagsAdd, mail.NewFlags("$x"), nil)
		require.NoError(f, err)
		r, err := f.Search(ctx, imap.SearchKey{Op: imap.SearchKeyword, Field: "$x"}, nil)
		require.NoError(f, err)
		out = append(out, r.UIDs.String())
		// Nothing found is nothing done.
		_, err = f.Search(ctx, imap.SearchKey{Op: imap.SearchSubject, Value: "no such thing"}, &imap.SearchOptions{Save: true})
		require.NoError(f, err)
		require.Empty(f, uids(f.T, ctx, f.Client, imapclient.Saved()))
		_, err = f.Store(ctx, imapclient.Saved(), mail.FlagsAdd, mail.NewFlags("$y"), nil)
		require.NoError(f, err)
		_, err = f.Copy(ctx, imapclient.Saved(), "INBOX")
		require.NoError(f, err)
		require.NoError(f, f.ExpungeSet(ctx, imapclient.Saved()))
		r, err = f.Search(ctx, saved, nil)
		require.NoError(f, err)
		return append(out, r.UIDs.String())
	})
}

func TestBinaryWithout(t *testing.T) {
	part := func(att imap.FetchAtt, p *imap.Partial, number ...int) imap.FetchItem {
		return imap.FetchItem{Att: att, Peek: att == imap.FetchBinary, Section: imap.Section{Part: number}, Partial: p}
	}
	with(t, [][]imap.Capability{caps("BINARY", "IMAP4rev2")}, nil, func(f *fixture) (out []string) {
		for _, stream := range []bool{false, true} {
			for m, err := range f.Fetch(f.Context(), imapclient.UIDs(mail.UIDRangeSet(1, 4)), &imapclient.FetchOptions{Stream: stream, Items: []imap.FetchItem{part(imap.FetchBinary, nil, 1), part(imap.FetchBinary, nil, 2),
				part(imap.FetchBinary, &imap.Partial{Offset: 1, Size: 2}, 1), part(imap.FetchBinarySize, nil, 1), part(imap.FetchBinary, nil)}}) {
				require.NoError(f, err)
				for _, s := range m.Sections {
					out = append(out, fmt.Sprintf("%v %s %d %q %v", m.UID, s.Item.Label(), s.Size, s.Data, s.NIL))
				}
			}
		}
		slices.Sort(out)
		_, err := f.FetchOne(f.Context(), 5, part(imap.FetchBinary, nil, 1))
		require.Equal(f, imap.CodeUnknownCTE, imapclient.CodeOf(err), "%v", err)
		_, err = f.FetchOne(f.Context(), 1, part(imap.FetchBinary, nil, 1), imapclient.PeekPart(1))
		require.NoError(f, err)
		return out
	})
}

func TestPreviewWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("PREVIEW")}, nil, func(f *fixture) (out []string) {
		big := "Subject: big\n\n" + strings.Repeat("a line of a long text\n", 3000)
		f.srv.Add("INBOX", big)
		require.NoError(f, f.Noop(f.Context()))
		for m, err := range f.Fetch(f.Context(), imapclient.All(), &imapclient.FetchOptions{Stream: true, Items: append(imapclient.Items(imap.FetchPreview), imapclient.Peek(imap.Section{}))}) {
			require.NoError(f, err)
			require.NotZero(f, m.Has&imapclient.HasPreview)
			require.Len(f, m.Sections, 1)
			require.Equal(f, m.UID == 6, m.Body != nil)
			out = append(out, fmt.Sprint(m.UID, " ", m.Preview))
		}
		return out
	})
}

// What the server doesn't know is left out.
func TestItemsWithout(t *testing.T) {
	f := newFixture(t, func(s *imaptest.Server) { s.Config.Without = caps("OBJECTID", "SAVEDATE", "CONDSTORE", "PREVIEW") }, nil)
	f.srv.Add("INBOX", message(1))
	_, err := f.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	m, err := f.FetchOne(t.Context(), 1, append(imapclient.Items(imap.FetchEmailID, imap.FetchThreadID, imap.FetchSaveDate, imap.FetchModSeq, imap.FetchSize), imap.FetchItem{Att: imap.FetchPreview, Lazy: true})...)
	require.NoError(t, err)
	require.Equal(t, imapclient.HasSize, m.Has&(1<<10-1))
}

func TestMultiSearchWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("MULTISEARCH")}, func(s *imaptest.Server) {
		s.Add("Other", message(1), message(2))
		s.Add("Other/Deep", message(3))
		s.Add("Other/Deep/Deeper", "Subject: lunch\n\n", message(4))
		s.Add("Otherwise", "Subject: lunch\n\n")
	}, func(f *fixture) (out []string) {
		ctx := f.Context()
		require.NoError(f, f.Subscribe(ctx, "Other/Deep"))
		for _, in := range [][]imap.MailboxFilter{nil, {{Scope: imap.ScopePersonal}}, {{Scope: imap.ScopeInboxes}}, {{Scope: imap.ScopeSubscribed}},
			{{Scope: imap.ScopeSubtree, Names: []string{"Other"}}}, {{Scope: imap.ScopeSubtreeOne, Names: []string{"Other"}}},
			{{Scope: imap.ScopeMailboxes, Names: []string{"Otherwise", "Nowhere"}}, {Scope: imap.ScopeSelected}}} {
			for _, key := range []imap.SearchKey{{Op: imap.SearchAll}, {Op: imap.SearchSubject, Value: "lunch"}} {
				got, err := f.SearchMailboxes(ctx, in, key, &imap.SearchOptions{All: true, Count: true, Max: true})
				require.NoError(f, err)
				var lines []string
				for _, r := range got {
					require.NotZero(f, r.UIDValidity)
					lines = append(lines, fmt.Sprint(r.Mailbox, numbers(r.All), *r.Count, r.Max))
				}
				slices.Sort(lines)
				out = append(out, fmt.Sprint(in, lines))
			}
		}
		return out
	})
}

func TestCatenateWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("CATENATE"), caps("CATENATE", "MULTIAPPEND", "LITERAL+", "IMAP4rev2")}, func(s *imaptest.Server) { s.Add("Other", conversation()...) }, func(f *fixture) (out []string) {
		draft := func(urls ...string) imapclient.Draft {
			d := imapclient.Draft{Parts: []imapclient.Part{{Content: strings.NewReader("Subject: forwarded\r\n\r\n"), Size: 22}}}
			for _, u := range urls {
				d.Parts = append(d.Parts, imapclient.Part{URL: u})
			}
			return d
		}
		ctx := f.Context()
		done, err := f.Append(ctx, "INBOX", draft("/INBOX/;UID=1/;SECTION=TEXT", "/Other/;UID=4/;SECTION=1"), draft("/Other/;UID=3", "/INBOX/;UID=2/;SECTION=TEXT/;PARTIAL=3.6"))
		require.NoError(f, err)
		require.Equal(f, "INBOX", f.Mailbox().Name)
		require.False(f, f.Mailbox().ReadOnly)
		for _, u := range done.UIDs {
			m, err := f.FetchOne(ctx, u, imapclient.Peek(imap.Section{}))
			require.NoError(f, err)
			body, _ := m.Section(imap.Section{})
			out = append(out, string(body))
		}
		for _, u := range []string{"/INBOX/;UID=99", "/Nowhere/;UID=1", "/INBOX;UIDVALIDITY=77777/;UID=1", "imap://elsewhere.test/INBOX/;UID=1", "/INBOX", "nonsense;;"} {
			_, err := f.Append(ctx, "INBOX", draft(u))
			out = append(out, string(imapclient.CodeOf(err)))
		}
		_, err = f.Replace(ctx, 1, "INBOX", draft("/INBOX/;UID=1/;SECTION=TEXT"))
		require.NoError(f, err)
		return out
	})
}

func TestListWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("LIST-MYRIGHTS"), caps("LIST-METADATA"), caps("LIST-EXTENDED", "IMAP4rev2")}, func(s *imaptest.Server) {
		s.Store.Sharing = true
		s.Mailbox("Other")
	}, func(f *fixture) (out []string) {
		require.NoError(f, f.SetMetadata(f.Context(), "Other", mail.Annotation{Name: "/private/comment", Value: []byte("hello")}))
		for l, err := range f.List(f.Context(), &imapclient.ListOptions{Rights: true, Metadata: []string{"/private/comment", "/shared/comment"}}) {
			require.NoError(f, err)
			if !l.Selectable() {
				continue
			}
			require.NotNil(f, l.MyRights)
			out = append(out, fmt.Sprintf("%s %s %s", l.Name, l.MyRights.String(), l.Metadata))
		}
		require.Len(f, out, 2)
		return out
	})
}

func TestUIDBatchesWithout(t *testing.T) {
	with(t, [][]imap.Capability{caps("UIDBATCHES")}, nil, func(f *fixture) (out []any) {
		var many []string
		for i := range 1200 {
			many = append(many, message(i))
		}
		f.srv.Add("INBOX", many...)
		_, err := f.Store(f.Context(), imapclient.UID(3, 700, 1205), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
		require.NoError(f, err)
		require.NoError(f, f.Expunge(f.Context()))
		for _, size := range []int{500, 601, 5000, 100} {
			b, err := f.UIDBatches(f.Context(), size)
			require.NoError(f, err)
			out = append(out, b)
		}
		_, err = f.UIDBatches(f.Context(), 0)
		require.ErrorIs(f, err, imapclient.ErrBadArgument)
		return out
	})
}
