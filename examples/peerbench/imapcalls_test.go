package peerbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/internal/peers"
)

// imapCase is a use of some of the client's calls. All servers give the same result, but for what the case says of them.
type imapCase struct {
	name  string
	calls []string // methods of the client that it is for
	// needs is what the calls can't do without. On a server that lacks it refused is called, which must fail with ErrUnsupported.
	needs   imap.Capability
	refused func(o *on) error
	do      func(o *on)
	// differ says why the case fails on a server: it must fail there, so that this is known to be true.
	differ map[string]string
}

// attempt runs something that may fail, and returns how it failed.
type attempt struct{ msgs []string }

func (a *attempt) Errorf(format string, args ...any) {
	a.msgs = append(a.msgs, strings.TrimSpace(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")))
}
func (a *attempt) FailNow() { runtime.Goexit() }

func (a *attempt) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// TestIMAPCalls tries every call of the client on six servers.
func TestIMAPCalls(t *testing.T) {
	cases := imapCases()
	for _, peer := range imapPeers() {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			addr := peer.start(t)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					a := &attempt{}
					o := &on{TestingT: a, ctx: ctx, peer: peer.name, addr: addr}
					a.run(func() {
						o.Client = o.connect(nil)
						ns, err := o.Namespaces(ctx)
						require.NoError(o, err)
						o.prefix = ns[0].Prefix
						if c.needs != "" && !o.Has(c.needs) {
							require.ErrorIs(o, c.refused(o), imapclient.ErrUnsupported)
							return
						}
						c.do(o)
						require.NoError(o, o.Err())
					})
					for _, c := range o.opened {
						c.Close()
					}
					why, differs := c.differ[peer.name]
					switch {
					case differs && len(a.msgs) == 0:
						t.Errorf("makes no difference here: %s", why)
					case !differs && len(a.msgs) > 0:
						t.Error(strings.Join(a.msgs, "\n"))
					}
				})
			}
		})
	}
}

// TestIMAPCallsAll checks that no call is forgotten.
func TestIMAPCallsAll(t *testing.T) {
	tried := map[string]bool{"TLS": true, "Close": true, "Err": true, "Listen": true, "UIDBatches": true} // of every connection, or tested with certificates elsewhere
	for _, c := range imapCases() {
		for _, name := range c.calls {
			tried[name] = true
		}
	}
	typ := reflect.TypeFor[*imapclient.Client]()
	for i := range typ.NumMethod() {
		require.True(t, tried[typ.Method(i).Name], "%s is not tried", typ.Method(i).Name)
	}
}

func only[T any](_ T, err error) error { return err }

func imapCases() []imapCase {
	all := imap.SearchKey{Op: imap.SearchAll}
	return slices.Concat(imapCasesOfSessions(), imapCasesOfMailboxes(), imapCasesOfMessages(), imapCasesOfSearches(all), imapCasesOfAccounts())
}

func imapCasesOfSessions() []imapCase {
	return []imapCase{
		{name: "states", calls: []string{"Greeting", "State", "Capabilities", "Has", "Enabled", "Noop", "Logout"}, do: func(o *on) {
			require.Equal(o, imap.OK, o.Greeting().Type)
			require.Equal(o, imapclient.StateAuthenticated, o.State())
			require.True(o, o.Has("IMAP4rev1"))
			require.True(o, o.Capabilities().Has("imap4REV1"))
			// Dovecot 2.3 and Courier have IMAP4rev1 alone; Debian's Cyrus announces IMAP4rev2 no more than they do.
			require.Equal(o, !o.is("dovecot", "cyrus", "courier"), o.Enabled().Has(imap.CapIMAP4rev2))
			require.Equal(o, o.is("memory", "maildir", "dovecot", "cyrus"), o.Enabled().Has(imap.CapQResync))
			require.NoError(o, o.Noop(o.ctx))
			other := o.connect(nil)
			require.NoError(o, other.Logout(o.ctx))
			require.Equal(o, imapclient.StateLogout, other.State())
			require.ErrorIs(o, other.Noop(o.ctx), imapclient.ErrClosed)
		}},
		{name: "login", calls: []string{"Login"}, do: func(o *on) {
			c := o.connect(func(opts *imapclient.Options) { opts.Auth = nil })
			require.Equal(o, imapclient.StateNotAuthenticated, c.State())
			require.ErrorIs(o, c.Login(o.ctx, &mail.Credentials{Username: "user1", Password: "wrong"}), mail.ErrAuthFailed)
			require.NoError(o, c.Login(o.ctx, &mail.Credentials{Username: "user1", Password: peers.Password}))
			require.NoError(o, c.Noop(o.ctx))
		}},
		{name: "enable", calls: []string{"Enable"}, do: func(o *on) {
			on, err := o.Enable(o.ctx, imap.CapCondStore)
			require.NoError(o, err)
			require.Equal(o, !o.is("go-imap", "courier"), on.Has(imap.CapCondStore)) // which don't have it, and so ignore it
		}},
		{name: "id", calls: []string{"ID"}, needs: imap.CapID, refused: func(o *on) error { return only(o.ID(o.ctx, "name", "test")) }, do: func(o *on) {
			id, err := o.ID(o.ctx, "name", "test")
			require.NoError(o, err)
			require.Contains(o, id, "name")
		}},
		{name: "namespaces", calls: []string{"Namespaces"}, do: func(o *on) {
			ns, err := o.Namespaces(o.ctx)
			require.NoError(o, err)
			require.Equal(o, o.is("courier"), ns[0].Prefix == "INBOX.") // where all of Courier's mailboxes are
			require.Equal(o, map[bool]string{true: ".", false: "/"}[o.is("courier")], ns[0].Separator)
		}},
		{name: "raw", calls: []string{"Raw"}, do: func(o *on) {
			var caps string
			s, err := o.Raw(o.ctx, "CAPABILITY", func(name string, d *imap.Decoder) bool {
				if name == "CAPABILITY" {
					caps = d.Text()
				}
				return name == "CAPABILITY"
			})
			require.NoError(o, err)
			require.Equal(o, imap.OK, s.Type)
			require.Contains(o, caps, "IMAP4rev1")
			_, err = o.Raw(o.ctx, "XNOSUCHCOMMAND", nil)
			require.Error(o, err)
			require.NoError(o, o.Noop(o.ctx))
		}},
		{name: "idle", calls: []string{"Idle"}, do: func(o *on) {
			name := o.box("Idle")
			// Cyrus and go-imap don't tell what happened before they saw IDLE, until it ends. So it is renewed soon.
			o.Client = o.connect(func(opts *imapclient.Options) { opts.Timeouts.Idle = time.Second })
			require.NoError(o, only(o.Select(o.ctx, name, nil)))
			other := o.connect(nil)
			appended := make(chan error, 1)
			go func() { appended <- only(other.Append(o.ctx, name, imapclient.NewDraft([]byte("Subject: x\r\n\r\n")))) }()
			for e, err := range o.Idle(o.ctx) {
				require.NoError(o, err)
				if x, ok := e.(imapclient.ExistsEvent); ok && x.Messages == 4 {
					break
				}
			}
			require.NoError(o, <-appended)
			require.Equal(o, []mail.UID{1, 2, 3, 4}, o.uids())
		}},
		{name: "unauthenticate", calls: []string{"Unauthenticate"}, needs: imap.CapUnauthenticate, refused: func(o *on) error { return o.Unauthenticate(o.ctx) }, do: func(o *on) {
			require.NoError(o, o.Unauthenticate(o.ctx))
			require.Equal(o, imapclient.StateNotAuthenticated, o.State())
			require.NoError(o, o.Login(o.ctx, &mail.Credentials{Username: "user1", Password: peers.Password}))
			require.NoError(o, o.Noop(o.ctx))
		}},
		{name: "language", calls: []string{"Language"}, needs: imap.CapLanguage, refused: func(o *on) error { return only(o.Language(o.ctx)) }, do: func(o *on) {
			tags, err := o.Language(o.ctx)
			require.NoError(o, err)
			require.NotEmpty(o, tags)
		}},
		{name: "compress", calls: nil, do: func(o *on) {
			c := o.connect(func(opts *imapclient.Options) { opts.Compress = true }) // used where it is offered
			for range 3 {
				require.NoError(o, c.Noop(o.ctx))
			}
			require.NoError(o, only(c.Append(o.ctx, "INBOX", imapclient.NewDraft([]byte("Subject: x\r\n\r\n"+strings.Repeat("0123456789\r\n", 10_000))))))
			require.NoError(o, only(c.Select(o.ctx, "INBOX", nil)))
			for m, err := range c.Fetch(o.ctx, imapclient.All(), &imapclient.FetchOptions{Items: []imap.FetchItem{imapclient.Peek(imap.Section{})}, Stream: true}) {
				require.NoError(o, err)
				if m.Body != nil {
					n, err := io.Copy(io.Discard, m.Body)
					require.NoError(o, err)
					require.EqualValues(o, 120_014, n)
				}
			}
		}},
	}
}

func imapCasesOfMailboxes() []imapCase {
	utf7 := map[string]string{"go-imap": "v2.0.0-beta.8 reads names as modified UTF-7 also when IMAP4rev2 is enabled, against RFC 9051 appendix A"}
	return []imapCase{
		{name: "select", calls: []string{"Select", "Mailbox", "Check", "CloseMailbox", "Unselect"}, do: func(o *on) {
			name := o.box("Select")
			box := o.Mailbox()
			require.EqualValues(o, 3, box.Messages)
			require.NotZero(o, box.UIDValidity)
			require.Equal(o, o.is("courier"), box.UIDNext == 0) // which doesn't say
			require.False(o, box.ReadOnly)
			require.True(o, box.NewKeywords)
			require.Equal(o, o.Has(imap.CapCondStore), box.HighestModSeq > 0)
			if !o.Enabled().Has(imap.CapIMAP4rev2) { // where CHECK is no more
				require.NoError(o, o.Check(o.ctx))
			}
			require.NoError(o, o.CloseMailbox(o.ctx))
			require.Nil(o, o.Mailbox())
			box, err := o.Select(o.ctx, name, &imapclient.SelectOptions{ReadOnly: true})
			require.NoError(o, err)
			require.True(o, box.ReadOnly)
			require.NoError(o, o.Unselect(o.ctx))
			require.Nil(o, o.Mailbox())
			_, err = o.Select(o.ctx, o.name("no such"), nil)
			require.True(o, imapclient.Refused(err), "%v", err)
		}},
		{name: "create, rename, delete", calls: []string{"Create", "Rename", "Delete"}, differ: utf7, do: func(o *on) {
			from, to := o.name("Cũ & mới"), o.name("Mới")
			_, err := o.Create(o.ctx, from)
			require.NoError(o, err)
			_, err = o.Create(o.ctx, from)
			require.Error(o, err)
			require.NoError(o, o.Rename(o.ctx, from, to))
			require.NoError(o, o.Delete(o.ctx, to))
			require.True(o, imapclient.Refused(o.Delete(o.ctx, to)))
		}},
		{name: "list", calls: []string{"List", "Subscribe", "Unsubscribe", "Status"}, differ: utf7, do: func(o *on) {
			name := o.box("Hộp & thư")
			require.NoError(o, o.Subscribe(o.ctx, name))
			found := 0
			for l, err := range o.List(o.ctx, &imapclient.ListOptions{Status: imap.StatusMessages | imap.StatusUnseen | imap.StatusSize | imap.StatusRecent}) {
				require.NoError(o, err)
				if l.Name == name {
					found++
					require.EqualValues(o, 3, l.Status.Messages)
					require.EqualValues(o, 2, l.Status.Unseen)
				}
			}
			require.Equal(o, 1, found)
			found = 0
			for l, err := range o.List(o.ctx, &imapclient.ListOptions{Subscribed: true}) {
				require.NoError(o, err)
				if l.Name == name {
					found++
				}
			}
			require.Equal(o, 1, found)
			require.NoError(o, o.Unsubscribe(o.ctx, name))
			st, err := o.Status(o.ctx, name, imap.StatusMessages|imap.StatusUIDNext|imap.StatusUIDValidity|imap.StatusHighestModSeq)
			require.NoError(o, err)
			require.EqualValues(o, 3, st.Messages)
			require.EqualValues(o, 4, st.UIDNext)
			require.NotZero(o, st.UIDValidity)
		}},
		{name: "known state", calls: []string{"Select"}, do: func(o *on) {
			name := o.box("Known")
			box := o.Mailbox()
			known := &imapclient.KnownState{UIDValidity: box.UIDValidity, ModSeq: box.HighestModSeq}
			_, err := o.Store(o.ctx, imapclient.UID(1), mail.FlagsAdd, mail.NewFlags(`\Flagged`), nil)
			require.NoError(o, err)
			_, err = o.Store(o.ctx, imapclient.UID(3), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
			require.NoError(o, err)
			require.NoError(o, o.Expunge(o.ctx))
			require.NoError(o, o.Unselect(o.ctx))
			box, err = o.Select(o.ctx, name, &imapclient.SelectOptions{Known: known})
			require.NoError(o, err)
			if !o.Enabled().Has(imap.CapQResync) {
				require.True(o, box.Vanished.Empty())
				return
			}
			require.True(o, box.Vanished.Contains(3))
			require.Len(o, box.Changed, 1)
			require.True(o, box.Changed[0].Flags.Has(`\Flagged`))
		}},
	}
}

func imapCasesOfMessages() []imapCase {
	return []imapCase{
		{name: "fetch", calls: []string{"Fetch", "FetchOne"}, do: func(o *on) {
			o.box("Fetch")
			n := 0
			for m, err := range o.Fetch(o.ctx, imapclient.All(), &imapclient.FetchOptions{Items: append(imapclient.Items(imap.FetchFlags, imap.FetchInternalDate, imap.FetchSize,
				imap.FetchEnvelope, imap.FetchBodyStructure), imapclient.Headers("Subject", "From"), imapclient.Peek(imap.Section{}))}) {
				require.NoError(o, err)
				want := messages()[n]
				n++
				require.EqualValues(o, n, m.UID)
				require.Equal(o, n == 1, m.Flags.Has(`\Seen`))
				require.EqualValues(o, len(want), m.Size)
				require.WithinDuration(o, time.Now(), m.InternalDate, time.Minute)
				require.Equal(o, []string{"Fred Foobar", "Joe Mooch", "=?utf-8?q?Th=E1=BB=8B?="}[n-1], m.Envelope.From[0].Name)
				require.Equal(o, []string{"text", "multipart", "text"}[n-1], m.Structure.Type)
				body, ok := m.Section(imap.Section{})
				require.True(o, ok)
				require.Equal(o, want, string(body))
				h, ok := m.Section(imap.Section{Spec: imap.SectionFields, Fields: []string{"Subject", "From"}})
				require.True(o, ok)
				require.Contains(o, string(h), "Subject: ")
			}
			require.Equal(o, 3, n)
			_, err := o.FetchOne(o.ctx, 99, imapclient.Items(imap.FetchFlags)...)
			require.ErrorIs(o, err, mail.ErrExpunged)
			m, err := o.FetchOne(o.ctx, 2, imapclient.PeekPart(2))
			require.NoError(o, err)
			part, _ := m.Section(imap.Section{Part: []int{2}})
			require.Equal(o, "AAECAwQF", strings.TrimSpace(string(part)))
		}},
		{name: "store", calls: []string{"Store"}, do: func(o *on) {
			o.box("Store")
			r, err := o.Store(o.ctx, imapclient.UID(1, 2), mail.FlagsAdd, mail.NewFlags(`\Flagged`, "$work"), nil)
			require.NoError(o, err)
			require.Len(o, r.Messages, 2)
			require.True(o, r.Messages[1].Flags.Has("$work"))
			_, err = o.Store(o.ctx, imapclient.UID(1), mail.FlagsRemove, mail.NewFlags("$work"), &imapclient.StoreOptions{Silent: true})
			require.NoError(o, err)
			_, err = o.Store(o.ctx, imapclient.Seqs(imap.SeqSet{}), mail.FlagsRemove, mail.NewFlags("$work"), nil)
			require.ErrorIs(o, err, imapclient.ErrBadArgument)
			m, err := o.FetchOne(o.ctx, 1, imapclient.Items(imap.FetchFlags)...)
			require.NoError(o, err)
			require.ElementsMatch(o, []string{`\Seen`, `\Flagged`}, m.Flags.Names())
		}},
		{name: "conditional store", calls: []string{"Store"}, needs: imap.CapCondStore, refused: func(o *on) error {
			o.box("Conditional")
			return only(o.Store(o.ctx, imapclient.UID(1), mail.FlagsAdd, mail.NewFlags("x"), &imapclient.StoreOptions{UnchangedSince: 1}))
		}, do: func(o *on) {
			o.box("Conditional")
			since := o.Mailbox().HighestModSeq
			_, err := o.Store(o.ctx, imapclient.UID(2), mail.FlagsAdd, mail.NewFlags(`\Flagged`), nil)
			require.NoError(o, err)
			r, err := o.Store(o.ctx, imapclient.UID(1, 2, 3), mail.FlagsAdd, mail.NewFlags(`\Answered`), &imapclient.StoreOptions{UnchangedSince: since, Silent: true})
			require.NoError(o, err)
			require.Equal(o, "2", r.Modified.String())
		}},
		{name: "copy and move", calls: []string{"Copy", "Move"}, do: func(o *on) {
			name := o.box("Source")
			target := o.name("Target")
			_, err := o.Create(o.ctx, target)
			require.NoError(o, err)
			m, err := o.Copy(o.ctx, imapclient.UID(1, 3), target)
			require.NoError(o, err)
			require.Equal(o, []mail.UID{1, 3}, m.From)
			require.Equal(o, []mail.UID{1, 2}, m.To)
			m, err = o.Move(o.ctx, imapclient.UID(2), target)
			require.NoError(o, err)
			require.Equal(o, []mail.UID{3}, m.To)
			require.Equal(o, []mail.UID{1, 3}, o.uids())
			_, err = o.Copy(o.ctx, imapclient.UID(1), o.name("Nowhere"))
			require.True(o, imapclient.Refused(err), "%v", err)
			require.Equal(o, imap.CodeTryCreate, imapclient.CodeOf(err))
			_ = name
		}},
		{name: "expunge", calls: []string{"Expunge", "ExpungeSet"}, do: func(o *on) {
			o.box("Expunge")
			_, err := o.Store(o.ctx, imapclient.UID(1, 3), mail.FlagsAdd, mail.NewFlags(`\Deleted`), &imapclient.StoreOptions{Silent: true})
			require.NoError(o, err)
			require.NoError(o, o.ExpungeSet(o.ctx, imapclient.UID(3)))
			require.Equal(o, []mail.UID{1, 2}, o.uids())
			require.NoError(o, o.Expunge(o.ctx))
			require.Equal(o, []mail.UID{2}, o.uids())
			require.EqualValues(o, 1, o.Mailbox().Messages)
		}},
		{name: "append", calls: []string{"Append"}, do: func(o *on) {
			name := o.name("Append")
			_, err := o.Create(o.ctx, name)
			require.NoError(o, err)
			when := time.Date(2020, 2, 3, 4, 5, 6, 0, time.FixedZone("", 7*3600))
			a, b := imapclient.NewDraft([]byte(messages()[0]), `\Draft`, "$x"), imapclient.NewDraft([]byte("Subject: big\r\n\r\n"+strings.Repeat("0123456789\r\n", 20_000)))
			a.InternalDate = when
			done, err := o.Append(o.ctx, name, a, b)
			require.NoError(o, err)
			require.Equal(o, []mail.UID{1, 2}, done.UIDs)
			_, err = o.Select(o.ctx, name, nil)
			require.NoError(o, err)
			m, err := o.FetchOne(o.ctx, 1, imapclient.Items(imap.FetchFlags, imap.FetchInternalDate)...)
			require.NoError(o, err)
			require.True(o, when.Equal(m.InternalDate), "%v", m.InternalDate)
			require.True(o, m.Flags.Has(`\Draft`))
			_, err = o.Append(o.ctx, o.name("Nowhere"), imapclient.NewDraft([]byte("Subject: x\r\n\r\n")))
			require.Equal(o, imap.CodeTryCreate, imapclient.CodeOf(err))
		}},
		{name: "replace", calls: []string{"Replace"}, do: func(o *on) {
			name := o.box("Replace")
			done, err := o.Replace(o.ctx, 2, name, imapclient.NewDraft([]byte("Subject: new\r\n\r\n"), `\Draft`))
			require.NoError(o, err)
			require.Equal(o, []mail.UID{4}, done.UIDs)
			require.Equal(o, []mail.UID{1, 3, 4}, o.uids())
		}},
		{name: "catenate", calls: []string{"Append"}, do: func(o *on) {
			name := o.box("Catenate")
			done, err := o.Append(o.ctx, name, imapclient.Draft{Parts: []imapclient.Part{{Content: strings.NewReader("Subject: f\r\n\r\n"), Size: 14}, {URL: "/" + name + "/;UID=1/;SECTION=TEXT"}}})
			require.NoError(o, err)
			require.NoError(o, o.Noop(o.ctx)) // Courier shows what was appended once it has told of it
			m, err := o.FetchOne(o.ctx, done.UIDs[0], imapclient.Peek(imap.Section{}))
			require.NoError(o, err)
			body, _ := m.Section(imap.Section{})
			require.Equal(o, "Subject: f\r\n\r\nHello Joe, do you think we can meet at 3:30 tomorrow?\r\n", string(body))
		}},
	}
}

func imapCasesOfSearches(all imap.SearchKey) []imapCase {
	return []imapCase{
		{name: "search", calls: []string{"Search"}, do: func(o *on) {
			o.box("Search")
			for _, c := range []struct {
				key  imap.SearchKey
				want string
			}{
				{all, "1:3"},
				{imap.SearchKey{Op: imap.SearchUnseen}, "2:3"},
				{imap.SearchKey{Op: imap.SearchSubject, Value: "AFTERNOON"}, "1:2"},
				{imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{{Op: imap.SearchFrom, Value: "foobar"}}}, "2:3"},
				{imap.SearchKey{Op: imap.SearchBody, Value: "một lá"}, "3"}, // in UTF-8
				{imap.SearchKey{Op: imap.SearchHeader, Field: "In-Reply-To", Value: "<1@"}, "2"},
			} {
				r, err := o.Search(o.ctx, c.key, nil)
				require.NoError(o, err, "%v", c.key)
				require.Equal(o, c.want, r.UIDs.String(), "%v", c.key)
			}
			r, err := o.Search(o.ctx, all, &imap.SearchOptions{Min: true, Max: true, Count: true})
			require.NoError(o, err)
			require.Equal(o, []int{1, 3, 3}, []int{int(r.Min), int(r.Max), r.Count})
			r, err = o.Search(o.ctx, all, &imap.SearchOptions{Partial: &imap.PartialRange{First: 1, Last: 2, FromEnd: true}})
			require.NoError(o, err)
			require.Equal(o, "2:3", r.Partial.Nums.UIDs(0).String())
		}},
		{name: "sort", calls: []string{"Sort"}, do: func(o *on) {
			o.box("Sort")
			r, err := o.Sort(o.ctx, []imap.SortCriterion{{Key: imap.SortDate}}, all, nil)
			require.NoError(o, err)
			require.Equal(o, []mail.UID{3, 1, 2}, r.Order)
		}},
		{name: "thread", calls: []string{"Thread"}, do: func(o *on) {
			o.box("Thread")
			threads, err := o.Thread(o.ctx, imap.ThreadReferences, all)
			require.NoError(o, err)
			require.Len(o, threads, 2)
		}},
		{name: "several mailboxes", calls: []string{"SearchMailboxes"}, do: func(o *on) {
			name := o.box("Several")
			got, err := o.SearchMailboxes(o.ctx, []imap.MailboxFilter{{Scope: imap.ScopeMailboxes, Names: []string{name}}}, all, nil)
			require.NoError(o, err)
			require.Len(o, got, 1)
			require.Equal(o, name, got[0].Mailbox)
		}},
		{name: "updates", calls: []string{"CancelUpdate"}, needs: imap.CapContextSearch, refused: func(o *on) error { return o.CancelUpdate(o.ctx, "x") }, do: func(o *on) {
			o.box("Updates")
			r, err := o.Search(o.ctx, imap.SearchKey{Op: imap.SearchFlagged}, &imap.SearchOptions{Update: true, All: true})
			require.NoError(o, err)
			require.NoError(o, o.CancelUpdate(o.ctx, r.Tag))
		}},
	}
}

func imapCasesOfAccounts() []imapCase {
	errAll := func(errs ...error) error {
		for _, err := range errs {
			if !errors.Is(err, imapclient.ErrUnsupported) {
				return errors.Join(errors.New("not refused"), err)
			}
		}
		return errs[0]
	}
	return []imapCase{
		{name: "quota", calls: []string{"Quota", "QuotaRoots"}, needs: imap.CapQuota, refused: func(o *on) error {
			return errAll(only(o.Quota(o.ctx, "")), only(o.QuotaRoots(o.ctx, "INBOX")))
		}, do: func(o *on) {
			roots, err := o.QuotaRoots(o.ctx, "INBOX")
			require.NoError(o, err)
			require.Len(o, roots, 1)
			if o.is("cyrus", "courier") { // whose limits are not set here
				require.Empty(o, roots[0].Resources)
				return
			}
			res, err := o.Quota(o.ctx, roots[0].Name)
			require.NoError(o, err)
			require.Equal(o, roots[0].Resources, res)
			require.EqualValues(o, 100<<20, res[0].Limit)
		}},
		{name: "set quota", calls: []string{"SetQuota"}, needs: imap.CapQuota, refused: func(o *on) error { return only(o.SetQuota(o.ctx, "")) }, do: func(o *on) {
			_, err := o.SetQuota(o.ctx, "", mail.QuotaResource{Kind: mail.QuotaStorage, Limit: 10 << 20})
			require.Equal(o, !o.is("memory"), err != nil) // an administrator's, but not in the store for tests
			require.NoError(o, o.Noop(o.ctx))
		}},
		{name: "acl", calls: []string{"ACL", "SetACL", "DeleteACL", "ListRights", "MyRights"}, needs: imap.CapACL, refused: func(o *on) error {
			return errAll(only(o.ACL(o.ctx, "INBOX")), o.SetACL(o.ctx, "INBOX", "x", mail.RightsAdd, mail.RightRead), o.DeleteACL(o.ctx, "INBOX", "x"),
				only(o.ListRights(o.ctx, "INBOX", "x")), only(o.MyRights(o.ctx, "INBOX")))
		}, do: func(o *on) {
			name := o.box("Team")
			mine, err := o.MyRights(o.ctx, name)
			require.NoError(o, err)
			require.True(o, mine.Has(mail.RightRead|mail.RightAdmin))
			require.NoError(o, o.SetACL(o.ctx, name, "user2", mail.RightsReplace, mail.RightLookup|mail.RightRead))
			list, err := o.ACL(o.ctx, name)
			require.NoError(o, err)
			require.Contains(o, list, mail.ACLEntry{Identifier: "user2", Rights: mail.RightLookup | mail.RightRead})
			r, err := o.ListRights(o.ctx, name, "user2")
			require.NoError(o, err)
			require.Equal(o, "user2", r.Identifier)
			require.NoError(o, o.DeleteACL(o.ctx, name, "user2"))
			list, err = o.ACL(o.ctx, name)
			require.NoError(o, err)
			require.NotContains(o, list, mail.ACLEntry{Identifier: "user2", Rights: mail.RightLookup | mail.RightRead})
		}},
		{name: "metadata", calls: []string{"Metadata", "SetMetadata"}, needs: imap.CapMetadata, refused: func(o *on) error {
			return errAll(only(o.Metadata(o.ctx, imap.GetMetadata{Mailbox: "INBOX", Entries: []string{"/private/comment"}})), o.SetMetadata(o.ctx, "INBOX"))
		}, do: func(o *on) {
			name := o.box("Metadata")
			require.NoError(o, o.SetMetadata(o.ctx, name, mail.Annotation{Name: "/private/comment", Value: []byte("two\r\nlines")}))
			got, err := o.Metadata(o.ctx, imap.GetMetadata{Mailbox: name, Entries: []string{"/private/comment"}})
			require.NoError(o, err)
			require.Equal(o, []mail.Annotation{{Name: "/private/comment", Value: []byte("two\r\nlines")}}, got)
			require.NoError(o, o.SetMetadata(o.ctx, name, mail.Annotation{Name: "/private/comment"}))
		}},
		{name: "notify", calls: []string{"Notify"}, needs: imap.CapNotify, refused: func(o *on) error { return o.Notify(o.ctx, imap.Notify{}) }, do: func(o *on) {
			require.NoError(o, o.Notify(o.ctx, imap.Notify{Groups: []imap.NotifyGroup{{Filter: imap.NotifyPersonal,
				Events: []imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge}}}}))
			require.NoError(o, o.Notify(o.ctx, imap.Notify{}))
		}},
		{name: "urlauth", calls: []string{"GenURLAuth", "FetchURLs", "ResetURLKey"}, needs: imap.CapURLAuth, refused: func(o *on) error {
			return errAll(only(o.GenURLAuth(o.ctx, "x")), only(o.FetchURLs(o.ctx, "x")), o.ResetURLKey(o.ctx, ""))
		}, do: func(o *on) {
			name := o.box("Urlauth")
			urls, err := o.GenURLAuth(o.ctx, "imap://user1@localhost/"+name+"/;UID=1/;SECTION=TEXT;URLAUTH=user+user1")
			require.NoError(o, err)
			got, err := o.FetchURLs(o.ctx, urls...)
			require.NoError(o, err)
			require.Len(o, got, 1)
			require.Equal(o, "Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n", string(got[0].Data))
			require.NoError(o, o.ResetURLKey(o.ctx, name))
		}},
	}
}
