package storetest

import (
	"fmt"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func testSetFlags(e *env) {
	m := e.open("INBOX")
	for i := range 3 {
		e.add(m, text(i))
	}
	start := e.state(m).HighestModSeq
	r := e.set(m, mail.FlagsAdd, []string{`\Seen`, `\Flagged`}, 1, 2, 99)
	require.Greater(e, r.ModSeq, start)
	e.equal("1:2", r.Changed.String())
	require.True(e, r.Modified.Empty())
	e.equal(r.ModSeq, e.state(m).HighestModSeq)
	e.equal(r.ModSeq, e.one(m, 1).ModSeq)
	require.LessOrEqual(e, e.one(m, 3).ModSeq, start)
	e.equal(uint32(1), e.state(m).Unseen)

	// "Messages that had the flags already are not changed and keep their ModSeq."
	again := e.set(m, mail.FlagsAdd, []string{`\seen`}, 1, 2, 3)
	e.equal("3", again.Changed.String())
	e.equal(r.ModSeq, e.one(m, 1).ModSeq)
	none := e.set(m, mail.FlagsAdd, []string{`\Seen`}, 1, 2, 3)
	require.True(e, none.Changed.Empty())
	e.equal(again.ModSeq, none.ModSeq) // "the mailbox's highest when nothing changed"
	e.equal(again.ModSeq, e.state(m).HighestModSeq)

	e.set(m, mail.FlagsRemove, []string{`\Seen`}, 1)
	e.equal(mail.NewFlags(`\Flagged`), e.one(m, 1).Flags)
	e.set(m, mail.FlagsReplace, []string{`\Answered`, `\Draft`, `\Deleted`}, 1)
	e.equal(mail.NewFlags(`\Answered`, `\Draft`, `\Deleted`), e.one(m, 1).Flags)
	e.equal(uint32(1), e.state(m).Deleted)
	e.set(m, mail.FlagsReplace, nil, 1)
	e.equal(mail.Flags{}, e.one(m, 1).Flags)
	e.equal(uint32(0), e.state(m).Deleted)
	e.equal(text(0), e.content(m, 1))
	_, err := m.SetFlags(e.ctx, mail.UIDSet{}, mail.FlagChange{Flags: mail.NewFlags(`\Seen`)})
	e.ok(err)
}

// Keywords are kept as first spelled and compared without regard to case (RFC 9051 section 2.3.2).
func testKeywords(e *env) {
	m := e.open("INBOX")
	e.add(m, text(1), "urgent", "$Forwarded")
	e.equal(mail.NewFlags("$Forwarded", "urgent"), e.one(m, 1).Flags)
	e.set(m, mail.FlagsAdd, []string{"URGENT", "later"}, 1)
	got := e.one(m, 1).Flags
	require.Len(e, got.Keywords, 3)
	require.True(e, got.Has("Urgent") && got.Has("later") && got.Has("$forwarded"))
	r := e.set(m, mail.FlagsRemove, []string{"Later", "never-seen"}, 1)
	e.equal("1", r.Changed.String())
	require.False(e, e.one(m, 1).Flags.Has("later"))
	e.set(m, mail.FlagsReplace, []string{`\Seen`, "x"}, 1)
	e.equal(mail.NewFlags(`\Seen`, "x"), e.one(m, 1).Flags)
	// At least 20 keywords fit, and those that nobody uses any more don't count.
	for round := range 4 {
		for i := range 20 {
			e.set(m, mail.FlagsReplace, []string{fmt.Sprintf("kw%d-%d", round, i)}, 1)
			e.equal(mail.NewFlags(fmt.Sprintf("kw%d-%d", round, i)), e.one(m, 1).Flags)
		}
	}
	before := e.state(m)
	for _, bad := range []string{"a b", "a(", "a]", "\x01", "ü"} {
		_, err := m.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{Flags: mail.Flags{Keywords: []string{bad}}})
		require.Error(e, err, "%q", bad)
		_, err = add(e.ctx, m, text(1), &mail.AppendOptions{Flags: mail.Flags{Keywords: []string{bad}}})
		require.Error(e, err, "%q", bad)
	}
	e.equal(before.HighestModSeq, e.state(m).HighestModSeq)
	e.equal(before.Messages, e.state(m).Messages)
}

// STORE with UNCHANGEDSINCE (RFC 7162 section 3.1.3).
func testUnchangedSince(e *env) {
	m := e.open("INBOX")
	for i := range 3 {
		e.add(m, text(i))
	}
	base := e.state(m).HighestModSeq
	e.set(m, mail.FlagsAdd, []string{`\Flagged`}, 2)
	r, err := m.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Seen`), UnchangedSince: base})
	e.ok(err)
	e.equal("1,3", r.Changed.String())
	e.equal("2", r.Modified.String())
	require.False(e, e.one(m, 2).Flags.Has(`\Seen`))
	// One that has the flag already is not among the modified when it passes the test.
	r, err = m.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Seen`), UnchangedSince: r.ModSeq})
	e.ok(err)
	e.equal("2", r.Changed.String())
	require.True(e, r.Modified.Empty())
	// "UNCHANGEDSINCE 0 … always fails".
	r, err = m.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsReplace, UnchangedSinceZero: true})
	e.ok(err)
	require.True(e, r.Changed.Empty())
	e.equal("1:3", r.Modified.String())
}

func testExpunge(e *env) {
	m := e.open("INBOX")
	for i := range 5 {
		e.add(m, text(i), `\Seen`)
	}
	before := e.state(m)
	r, err := m.Expunge(e.ctx, mail.UIDSetOf(2, 4, 9), nil)
	e.ok(err)
	e.equal("2,4", r.Removed.String())
	require.Greater(e, r.ModSeq, before.HighestModSeq)
	st := e.state(m)
	e.equal(r.ModSeq, st.HighestModSeq)
	e.equal(uint32(3), st.Messages)
	e.equal(before.UIDNext, st.UIDNext)
	e.equal([]mail.UID{1, 3, 5}, e.uids(m))
	e.equal(text(2), e.content(m, 3))
	r, err = m.Expunge(e.ctx, mail.UIDSetOf(2, 4), nil)
	e.ok(err)
	require.True(e, r.Removed.Empty())
	e.equal(st, e.state(m))
	// UIDs are never reused, not even the last (RFC 9051 section 2.3.1.1).
	_, err = m.Expunge(e.ctx, mail.AllUIDs(), nil)
	e.ok(err)
	e.equal(mail.UID(6), e.state(m).UIDNext)
	e.equal(mail.UID(6), e.add(m, text(6)))
}

// "only messages that have \Deleted at that moment"
func testExpungeOnlyDeleted(e *env) {
	m := e.open("INBOX")
	for i := range 4 {
		e.add(m, text(i))
	}
	e.set(m, mail.FlagsAdd, []string{`\Deleted`}, 1, 2, 3)
	r, err := m.Expunge(e.ctx, mail.UIDRangeSet(2, mail.MaxUID), &mail.ExpungeOptions{OnlyDeleted: true})
	e.ok(err)
	e.equal("2:3", r.Removed.String())
	e.equal([]mail.UID{1, 4}, e.uids(m))
	e.equal(uint32(1), e.state(m).Deleted)
}
