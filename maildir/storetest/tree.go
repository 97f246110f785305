package storetest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// INBOX is always there (RFC 9051 section 5.1), spelled so whatever the case it is asked in.
func testInbox(e *env) {
	e.equal([]string{"INBOX"}, e.names())
	m := e.open("inbox")
	e.equal("INBOX", m.Info().Name)
	e.equal(e.list()[0].ID, m.Info().ID)
	st := e.state(m)
	require.NotZero(e, st.UIDValidity)
	e.equal(mail.State{UIDValidity: st.UIDValidity, UIDNext: 1, HighestModSeq: st.HighestModSeq}, st)
	_, err := e.a.Create(e.ctx, "InBox", nil)
	e.is(err, mail.ErrExists)
	e.is(e.a.Delete(e.ctx, "INBOX"), mail.ErrBadName)
}

func testCreate(e *env) {
	info, err := e.a.Create(e.ctx, "a/b/c", nil)
	e.ok(err)
	e.equal("a/b/c", info.Name)
	e.equal([]string{"INBOX", "a", "a/b", "a/b/c"}, e.names()) // "and the parents it lacks"
	ids := map[mail.MailboxID]bool{}
	for _, i := range e.list() {
		require.Regexp(e, regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`), string(i.ID)) // RFC 8474 section 5.1
		require.False(e, ids[i.ID], "ID given twice")
		ids[i.ID] = true
		e.equal(i.Name == "a" || i.Name == "a/b", i.HasChildren)
	}
	for _, name := range []string{"a", "a/b", "a/b/c"} {
		_, err = e.a.Create(e.ctx, name, nil)
		e.is(err, mail.ErrExists)
	}
	m := e.open("a/b/c")
	e.equal(info.ID, m.Info().ID)
	_, err = e.a.Open(e.ctx, "a/x")
	e.is(err, mail.ErrNoMailbox)
	_, err = e.a.Status(e.ctx, "a/x")
	e.is(err, mail.ErrNoMailbox)
	// Names differ in case but for INBOX.
	_, err = e.a.Create(e.ctx, "A", nil)
	e.ok(err)
	require.NotEqual(e, e.info("a").ID, e.info("A").ID)
	// INBOX may have children.
	_, err = e.a.Create(e.ctx, "inbox/x", nil)
	e.ok(err)
	require.NotNil(e, e.info("INBOX/x"))
	require.True(e, e.info("INBOX").HasChildren)
}

// oddNames are names that a user may well choose.
var oddNames = []string{
	"Việt Nam/Hóa đơn 2026", "日本語", "a.b", "a.b/c.d", ".hidden", "a&b", "&", "&-", "&AC4-", "with space", `back\slash`, `a\2eb`, `\5c`, "~home",
	"100%", "a*b", `"quoted"`, "new", "cur", "tmp", "dovecot-uidlist", "e-mail_2", "😀 smile", "a+b=c", "trailing.", "..x", "x..", "a:b", "İstanbul",
}

func testNames(e *env) {
	for i, name := range oddNames {
		_, err := e.a.Create(e.ctx, name, nil)
		require.NoError(e, err, name)
		m := e.open(name)
		e.equal(name, m.Info().Name)
		e.equal(mail.UID(1), e.add(m, text(i)))
	}
	names := e.names()
	for i, name := range oddNames {
		require.Contains(e, names, name)
		e.equal(text(i), e.content(e.open(name), 1))
		e.ok(e.a.Subscribe(e.ctx, name, true))
	}
	for _, info := range e.list() {
		e.equal(slices.Contains(oddNames, info.Name), info.Subscribed)
		require.False(e, info.NonExistent, info.Name)
	}
	for _, name := range oddNames {
		e.ok(e.a.Delete(e.ctx, name))
		_, err := e.a.Open(e.ctx, name)
		e.is(err, mail.ErrNoMailbox)
	}
}

func testBadNames(e *env) {
	before := e.names()
	for _, name := range []string{"", "/", "/a", "a/", "a//b", "a\x00b", "a\nb", "a\r", "a\x7f", "\xff", "a\xc3", strings.Repeat("x", 5000), strings.Repeat("a/", 500) + "b"} {
		_, err := e.a.Create(e.ctx, name, nil)
		require.ErrorIs(e, err, mail.ErrBadName, "%q", name)
		_, err = e.a.Open(e.ctx, name)
		require.ErrorIs(e, err, mail.ErrNoMailbox, "%q", name)
		require.Error(e, e.a.Subscribe(e.ctx, name, true), "%q", name)
		require.Error(e, e.a.Delete(e.ctx, name), "%q", name)
	}
	e.equal(before, e.names())
}

// "parents before children, INBOX first, then sorted by name"
func testListOrder(e *env) {
	for _, name := range []string{"b", "a-b", "a/c", "INBOX/z", "Z", "a/b/d"} {
		_, err := e.a.Create(e.ctx, name, nil)
		e.ok(err)
	}
	names := e.names()
	e.equal("INBOX", names[0])
	require.True(e, slices.IsSorted(names[1:]), "%q", names)
	for i, n := range names {
		if at := strings.LastIndexByte(n, '/'); at >= 0 {
			require.Contains(e, names[:i], n[:at])
		}
	}
	for range e.a.Mailboxes(e.ctx) {
		break // the loop may be left
	}
}

// "Delete removes a mailbox and its messages, not its children" (RFC 9051 section 6.3.5).
func testDelete(e *env) {
	m := e.create("a/b")
	e.add(m, text(1))
	e.add(e.open("a"), text(2))
	e.ok(e.a.Delete(e.ctx, "a"))
	e.equal([]string{"INBOX", "a", "a/b"}, e.names())
	require.True(e, e.info("a").NoSelect)
	require.True(e, e.info("a").HasChildren)
	require.False(e, e.info("a/b").NoSelect)
	e.equal(text(1), e.content(m, 1))
	_, err := e.a.Open(e.ctx, "a")
	e.is(err, mail.ErrNoMailbox)
	e.is(e.a.Delete(e.ctx, "a"), mail.ErrNoMailbox)
	e.is(e.a.Delete(e.ctx, "never"), mail.ErrNoMailbox)
	e.ok(e.a.Delete(e.ctx, "a/b"))
	e.equal([]string{"INBOX"}, e.names())
}

// "Sessions that have it open get ErrNoMailbox from then on."
func testDeleteOpen(e *env) {
	m := e.create("a")
	uid := e.add(m, text(1))
	half, err := m.Append(e.ctx)
	e.ok(err)
	e.ok(half.Add(e.ctx, strings.NewReader(text(2)), nil))
	e.ok(e.a.Delete(e.ctx, "a"))
	_, err = half.Commit(e.ctx)
	e.is(err, mail.ErrNoMailbox)
	e.ok(half.Abort())
	for _, f := range []func() error{
		func() error { _, err := m.State(e.ctx); return err },
		func() error { _, err := messages(e.ctx, m, mail.AllUIDs(), 0); return err },
		func() error { _, err := m.OpenBody(e.ctx, uid); return err },
		func() error { _, err := add(e.ctx, m, text(1), nil); return err },
		func() error { _, err := m.Copy(e.ctx, mail.AllUIDs(), e.info("INBOX").ID, nil); return err },
		func() error { _, err := m.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{}); return err },
		func() error { _, err := m.Expunge(e.ctx, mail.AllUIDs(), nil); return err },
		func() error { _, err := m.Changes(e.ctx, 0); return err },
	} {
		e.is(f(), mail.ErrNoMailbox)
	}
}

// A mailbox that is made again is another: its UIDVALIDITY is higher (RFC 9051 section 2.3.1.1).
func testRecreate(e *env) {
	var last mail.MailboxInfo
	var validity uint32
	for range 5 {
		m := e.create("again")
		st := e.state(m)
		e.equal(uint32(0), st.Messages)
		require.Greater(e, st.UIDValidity, validity)
		require.NotEqual(e, last.ID, m.Info().ID)
		validity, last = st.UIDValidity, m.Info()
		e.add(m, text(1))
		e.ok(e.a.Delete(e.ctx, "again"))
	}
}

// "ID, UIDVALIDITY and UIDs stay." Children go with their parent (RFC 9051 section 6.3.6).
func testRename(e *env) {
	m, kid := e.create("old"), e.create("old/kid")
	e.create("older") // no child of "old"
	uid := e.add(m, text(1), `\Flagged`)
	e.add(kid, text(2))
	before, info := e.state(m), m.Info()
	e.ok(e.a.Rename(e.ctx, "old", "new/place"))
	e.equal([]string{"INBOX", "new", "new/place", "new/place/kid", "older"}, e.names())
	e.equal("new/place", m.Info().Name)
	e.equal(info.ID, m.Info().ID)
	e.equal(before, e.state(m))
	again := e.open("new/place")
	e.equal(info.ID, again.Info().ID)
	e.equal(before, e.state(again))
	e.equal(text(1), e.content(again, uid))
	e.equal(text(1), e.content(m, uid)) // a session that had it open goes on
	e.equal(text(2), e.content(kid, 1))
	e.add(m, text(3))
	e.equal(uint32(2), e.state(again).Messages)
	_, err := e.a.Open(e.ctx, "old")
	e.is(err, mail.ErrNoMailbox)
	// The old name is free.
	e.equal(uint32(0), e.state(e.create("old")).Messages)
}

func testRenameErrors(e *env) {
	for _, n := range []string{"a/x", "b/x", "c"} {
		e.create(n)
	}
	e.is(e.a.Rename(e.ctx, "never", "d"), mail.ErrNoMailbox)
	e.is(e.a.Rename(e.ctx, "a", "c"), mail.ErrExists)
	e.is(e.a.Rename(e.ctx, "c", "INBOX"), mail.ErrExists)
	e.is(e.a.Rename(e.ctx, "INBOX", "c"), mail.ErrExists)
	e.is(e.a.Rename(e.ctx, "a", "d/"), mail.ErrBadName)
	e.is(e.a.Rename(e.ctx, "a", "c//d"), mail.ErrBadName)
	e.ok(e.a.Delete(e.ctx, "b"))
	e.is(e.a.Rename(e.ctx, "a", "b"), mail.ErrExists) // "b/x" is in the way
	e.equal([]string{"INBOX", "a", "a/x", "b", "b/x", "c"}, e.names())
}

// "Renaming INBOX moves its messages to the new name and leaves INBOX empty" (RFC 9051 section 6.3.6).
func testRenameInbox(e *env) {
	in := e.open("INBOX")
	e.create("INBOX/kid")
	for i := range 3 {
		e.add(in, text(i), `\Seen`)
	}
	e.ok(e.a.Rename(e.ctx, "INBOX", "saved/mail"))
	e.equal([]string{"INBOX", "INBOX/kid", "saved", "saved/mail"}, e.names())
	e.equal(uint32(0), e.state(in).Messages)
	e.equal(mail.UID(4), e.state(in).UIDNext)
	saved := e.open("saved/mail")
	for i, msg := range e.messages(saved) {
		e.equal(mail.Seen, msg.Flags.System)
		e.equal(text(i), e.content(saved, msg.UID))
	}
	e.equal(uint32(3), e.state(saved).Messages)
}

// "The mailbox need not exist" (RFC 9051 section 6.3.7).
func testSubscribe(e *env) {
	e.create("a/b")
	e.ok(e.a.Subscribe(e.ctx, "a/b", true))
	e.ok(e.a.Subscribe(e.ctx, "a/b", true))
	e.ok(e.a.Subscribe(e.ctx, "gone/away", true))
	e.ok(e.a.Subscribe(e.ctx, "inbox", true))
	require.True(e, e.info("a/b").Subscribed)
	require.False(e, e.info("a").Subscribed)
	require.True(e, e.info("INBOX").Subscribed)
	gone := e.info("gone/away")
	require.True(e, gone.Subscribed && gone.NonExistent)
	_, err := e.a.Open(e.ctx, "gone/away")
	e.is(err, mail.ErrNoMailbox)
	// A subscription outlives its mailbox: the server "MUST NOT unilaterally remove" it.
	e.ok(e.a.Delete(e.ctx, "a/b"))
	require.True(e, e.info("a/b").Subscribed && e.info("a/b").NonExistent)
	e.ok(e.a.Subscribe(e.ctx, "a/b", false))
	e.ok(e.a.Subscribe(e.ctx, "gone/away", false))
	e.ok(e.a.Subscribe(e.ctx, "never/was", false))
	e.equal([]string{"INBOX", "a"}, e.names())
}

// CREATE with USE (RFC 6154 section 3).
func testSpecialUse(e *env) {
	info, err := e.a.Create(e.ctx, "Ausgang", &mail.CreateOptions{Use: []mail.SpecialUse{mail.UseSent}})
	if err != nil {
		e.Skip("the store takes no purposes: ", err)
	}
	e.equal([]mail.SpecialUse{mail.UseSent}, info.Use)
	e.equal([]mail.SpecialUse{mail.UseSent}, e.info("Ausgang").Use)
	e.ok(e.a.Rename(e.ctx, "Ausgang", "Gesendet"))
	e.equal([]mail.SpecialUse{mail.UseSent}, e.open("Gesendet").Info().Use)
}

func testStatus(e *env) {
	m := e.create("a")
	e.add(m, text(1), `\Seen`)
	e.add(m, text(2), `\Deleted`)
	e.add(m, text(3))
	want := mail.State{UIDNext: 4, Messages: 3, Unseen: 2, Deleted: 1, Size: int64(3 * len(text(1)))}
	got := e.state(m)
	want.UIDValidity, want.HighestModSeq, want.Recent = got.UIDValidity, got.HighestModSeq, got.Recent
	e.equal(want, got)
	st, err := e.a.Status(e.ctx, "a")
	e.ok(err)
	e.equal(want, st)
}
