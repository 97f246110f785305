package storetest

import (
	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func testCopy(e *env) {
	from, to := e.open("INBOX"), e.create("to")
	e.add(to, text(100))
	for i := range 4 {
		_, err := add(e.ctx, from, text(i), &mail.AppendOptions{Flags: mail.NewFlags(`\Seen`, "k"), InternalDate: aDate})
		e.ok(err)
	}
	before := e.state(from)
	m, err := from.Copy(e.ctx, mail.UIDSetOf(1, 3, 4, 99), to.Info().ID, nil)
	e.ok(err)
	e.equal(mail.UIDMap{UIDValidity: e.state(to).UIDValidity, From: []mail.UID{1, 3, 4}, To: []mail.UID{2, 3, 4}}, m)
	e.equal(before, e.state(from))
	for i, uid := range m.To {
		src, dst := e.one(from, m.From[i]), e.one(to, uid)
		e.equal(src.Flags, dst.Flags)
		e.equal(src.GUID, dst.GUID) // "a copy keeps it"
		e.equal(src.Size, dst.Size)
		require.True(e, src.InternalDate.Equal(dst.InternalDate)) // RFC 9051 section 6.4.7
		e.equal(e.content(from, m.From[i]), e.content(to, uid))
	}
	// The copy lives on its own.
	e.set(to, mail.FlagsReplace, []string{`\Flagged`}, 2)
	e.equal(mail.NewFlags(`\Seen`, "k"), e.one(from, 1).Flags)
	_, err = from.Expunge(e.ctx, mail.AllUIDs(), nil)
	e.ok(err)
	e.equal(text(0), e.content(to, 2))
	e.equal(uint32(4), e.state(to).Messages)
	// A copy of a copy has the GUID still.
	guid := e.one(to, 3).GUID
	m, err = to.Copy(e.ctx, mail.UIDSetOf(3), from.Info().ID, nil)
	e.ok(err)
	e.equal(guid, e.one(from, m.To[0]).GUID)
}

func testCopyToItself(e *env) {
	in := e.open("INBOX")
	e.add(in, text(1), `\Seen`)
	e.add(in, text(2))
	m, err := in.Copy(e.ctx, mail.AllUIDs(), in.Info().ID, nil)
	e.ok(err)
	e.equal([]mail.UID{1, 2}, m.From)
	e.equal([]mail.UID{3, 4}, m.To)
	e.equal(text(1), e.content(in, 3))
	m, err = in.Copy(e.ctx, mail.UIDSetOf(1, 2), in.Info().ID, &mail.CopyOptions{Move: true})
	e.ok(err)
	e.equal([]mail.UID{5, 6}, m.To)
	e.equal([]mail.UID{3, 4, 5, 6}, e.uids(in))
	e.equal(text(2), e.content(in, 6))
	e.equal(mail.NewFlags(`\Seen`), e.one(in, 5).Flags)
}

func testCopyErrors(e *env) {
	in := e.open("INBOX")
	e.add(in, text(1))
	gone := e.create("gone")
	id := gone.Info().ID
	e.ok(e.a.Delete(e.ctx, "gone"))
	for _, to := range []mail.MailboxID{id, "", "no-such-id"} {
		_, err := in.Copy(e.ctx, mail.AllUIDs(), to, nil)
		e.is(err, mail.ErrNoMailbox)
		_, err = in.Copy(e.ctx, mail.AllUIDs(), to, &mail.CopyOptions{Move: true})
		e.is(err, mail.ErrNoMailbox)
	}
	e.equal([]mail.UID{1}, e.uids(in))
	to := e.create("to")
	before := e.state(to)
	m, err := in.Copy(e.ctx, mail.UIDSetOf(7, 8), to.Info().ID, nil)
	e.ok(err)
	require.Empty(e, m.From)
	require.Empty(e, m.To)
	e.equal(before, e.state(to))
}

// MOVE (RFC 6851): the messages are in the other mailbox and not in this one.
func testMove(e *env) {
	from, to := e.open("INBOX"), e.create("to")
	for i := range 4 {
		e.add(from, text(i), `\Answered`)
	}
	since := e.state(from).HighestModSeq
	guid := e.one(from, 2).GUID
	m, err := from.Copy(e.ctx, mail.UIDSetOf(2, 3, 50), to.Info().ID, &mail.CopyOptions{Move: true})
	e.ok(err)
	e.equal([]mail.UID{2, 3}, m.From)
	e.equal([]mail.UID{1, 2}, m.To)
	e.equal([]mail.UID{1, 4}, e.uids(from))
	e.equal(guid, e.one(to, 1).GUID)
	e.equal(mail.NewFlags(`\Answered`), e.one(to, 1).Flags)
	e.equal(text(1), e.content(to, 1))
	c := e.changes(from, since)
	e.equal("2:3", c.Vanished.String())
	_, err = from.OpenBody(e.ctx, 2)
	e.is(err, mail.ErrExpunged)
	// Again: they are no more there to be moved.
	m, err = from.Copy(e.ctx, mail.UIDSetOf(2, 3), to.Info().ID, &mail.CopyOptions{Move: true})
	e.ok(err)
	require.Empty(e, m.To)
	e.equal(uint32(2), e.state(to).Messages)
}
