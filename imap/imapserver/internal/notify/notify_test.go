package notify

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// RFC 5465 section 6 and 3.1.
func TestFilter(t *testing.T) {
	both := []imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge}
	f := Compile(imap.Notify{Groups: []imap.NotifyGroup{
		{Filter: imap.NotifySelectedDelayed, Events: both, Fetch: []imap.FetchItem{{Att: imap.FetchUID}}},
		{Filter: imap.NotifyMailboxes, Mailboxes: []string{"INBOX", "a*"}, Events: both},
		{Filter: imap.NotifySubtree, Mailboxes: []string{"Lists", "x/y"}, Events: []imap.NotifyEvent{imap.EventMailboxName}},
		{Filter: imap.NotifySubscribed, Events: []imap.NotifyEvent{imap.EventServerMetadataChange, imap.EventMailboxMetadataChange}},
		{Filter: imap.NotifyPersonal, Events: []imap.NotifyEvent{imap.EventSubscriptionChange}},
		{Filter: imap.NotifyMailboxes, Mailboxes: []string{"Spam"}},
	}}, []string{"Users/"})
	require.Equal(t, New|Expunge, f.Selected)
	require.True(t, f.Delayed)
	require.True(t, f.Server)
	for name, want := range map[string]Events{
		"INBOX": New | Expunge | Subscription, "inbox": Subscription, "a*": New | Expunge | Subscription,
		// "The server MUST NOT do a wildcard expansion."
		"abc":   Subscription,
		"Lists": Name | Subscription, "Lists/go/dev": Name | Subscription, "Lists2": Subscription, "x": Subscription, "x/y/z": Name | Subscription,
		"Users/bob/box": 0, "Users": 0,
		"Spam": 0, "Spam/x": Subscription,
	} {
		require.Equal(t, want, f.Events(name, false), name)
		if name != "Spam" {
			require.Equal(t, want|Metadata, f.Events(name, true), name)
		}
	}
	require.False(t, f.Idle())
	require.True(t, new(Filter).Idle())
	require.Zero(t, new(Filter).Events("INBOX", true))
	require.Equal(t, "MessageNew MessageExpunge FlagChange MailboxName", (Messages | Name).Names())
	annotations := imap.Notify{Groups: []imap.NotifyGroup{{Filter: imap.NotifyPersonal, Events: append(both, imap.EventAnnotationChange)}}}
	require.False(t, (Messages | Name).Supported(annotations))
	require.False(t, Messages.Supported(imap.Notify{Groups: []imap.NotifyGroup{{Events: []imap.NotifyEvent{"X-New"}}}}))
	require.True(t, Messages.Supported(imap.Notify{}))
}

func entries(t *rapid.T, label string) []Entry {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab](/[ab]){0,3}`), 0, 8, rapid.ID[string]).Draw(t, label)
	slices.Sort(names)
	out := []Entry{}
	for i, name := range names {
		e := Entry{Name: name, ID: rapid.Uint64Range(1, 6).Draw(t, "id")*100 + uint64(i), Exists: rapid.Bool().Draw(t, "exists"),
			Subscribed: rapid.Bool().Draw(t, "subscribed"), NoAccess: rapid.Bool().Draw(t, "noaccess")}
		if rapid.Bool().Draw(t, "counted") {
			e.SetState(mail.State{UIDValidity: rapid.Uint32().Draw(t, "v"), UIDNext: mail.UID(rapid.Uint32().Draw(t, "n")),
				Messages: rapid.Uint32().Draw(t, "m"), Unseen: rapid.Uint32().Draw(t, "u"), HighestModSeq: mail.ModSeq(rapid.Uint64().Draw(t, "h"))})
		}
		if rapid.Bool().Draw(t, "notes") {
			e.Notes = []Note{}
			for _, n := range rapid.SliceOfNDistinct(rapid.StringMatching(`/[ps]/[ab]`), 0, 3, rapid.ID[string]).Draw(t, "notes") {
				e.Notes = append(e.Notes, Note{n, rapid.Uint32().Draw(t, "sum")})
			}
			slices.SortFunc(e.Notes, func(a, b Note) int { return cmp.Compare(a.Name, b.Name) })
		}
		out = append(out, e)
	}
	return out
}

func unpack(s Snapshot) []Entry {
	out := []Entry{}
	for r := (reader{data: s.data}); r.next(); {
		out = append(out, r.entry())
	}
	return out
}

func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entries(t, "entries")
		require.Equal(t, want, unpack(Pack(want)))
		require.Empty(t, Diff(Pack(want), want))
	})
}

// Done to the old entries, the changes give the new ones, but for what moved along with what is above it.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := entries(t, "before"), entries(t, "after")
		model := map[string]Entry{}
		for _, e := range before {
			model[e.Name] = e
		}
		changes := Diff(Pack(before), after)
		var renames []Change
		for _, c := range changes {
			if c.Old.Name != "" {
				require.Equal(t, model[c.Old.Name], c.Old)
				delete(model, c.Old.Name)
			}
			if c.Renamed() {
				require.Equal(t, c.Old.ID, c.New.ID)
				renames = append(renames, c)
			}
		}
		for _, c := range changes {
			if c.New.Name != "" {
				model[c.New.Name] = c.New
			}
		}
		for _, e := range before {
			for _, r := range renames {
				for _, n := range after {
					if c := (Change{e, n}); e.ID == n.ID && movedAlong(&r, &c) {
						delete(model, e.Name)
						model[n.Name] = n
					}
				}
			}
		}
		got := []Entry{}
		for _, e := range model {
			got = append(got, e)
		}
		slices.SortFunc(got, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
		require.Equal(t, after, got)
	})
}

// RFC 5465 section 5.4.
func TestRenames(t *testing.T) {
	box := func(name string, id uint64) Entry { return Entry{Name: name, ID: id, Exists: true} }
	changes := Diff(Pack([]Entry{box("old", 1), box("old/a", 2), box("old/b", 3), box("z", 4)}),
		[]Entry{box("new", 1), box("new/a", 2), box("other", 3), box("z", 5)})
	var got []string
	for _, c := range changes {
		got = append(got, c.Old.Name+">"+c.New.Name)
	}
	require.Equal(t, []string{"z>z", "old>new", "old/b>other"}, got)
	require.True(t, changes[1].Renamed())
	require.False(t, changes[0].Renamed())
}

// RFC 5464 section 4.4.2: names of what has changed; RFC 5465 section 5.6: "If a metadata item is deleted (set to NIL), it MUST always
// be included".
func TestChangedNotes(t *testing.T) {
	c := Change{Old: Entry{Notes: []Note{{"/a", 1}, {"/b", 2}, {"/c", 3}}}, New: Entry{Notes: []Note{{"/b", 2}, {"/c", 4}, {"/d", 5}}}}
	require.Equal(t, []string{"/a", "/c", "/d"}, c.ChangedNotes())
	c.Old.Notes = nil
	require.Empty(t, c.ChangedNotes())
}

func manyMailboxes(n int) []Entry {
	var out []Entry
	for i := range n {
		e := Entry{Name: fmt.Sprintf("Archives/%d/Project %02d", 2000+i/20, i%20), ID: Hash(fmt.Sprint(i)), Exists: true}
		e.SetState(mail.State{UIDValidity: 1_700_000_000 + uint32(i), UIDNext: mail.UID(i * 37), Messages: uint32(i * 31),
			Unseen: uint32(i % 50), HighestModSeq: mail.ModSeq(i * 101)})
		out = append(out, e)
	}
	return out
}

// What a session keeps of an account with 400 mailboxes.
func TestSnapshotSize(t *testing.T) {
	require.Less(t, Pack(manyMailboxes(400)).Size(), 12<<10)
}

func BenchmarkDiff400(b *testing.B) {
	now := manyMailboxes(400)
	s := Pack(now)
	now[200].Messages++
	b.ReportAllocs()
	for b.Loop() {
		if len(Diff(s, now)) != 1 {
			b.Fatal("one change")
		}
	}
}
