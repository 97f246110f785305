package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func testChanges(e *env) {
	m := e.open("INBOX")
	c := e.changes(m, e.state(m).HighestModSeq)
	require.Empty(e, c.Changed)
	require.True(e, c.Vanished.Empty())
	for i := range 5 {
		e.add(m, text(i))
	}
	c = e.changes(m, c.State.HighestModSeq)
	e.equal([]mail.UID{1, 2, 3, 4, 5}, changedUIDs(c))
	e.equal(e.state(m), c.State)
	base := c.State.HighestModSeq

	e.set(m, mail.FlagsAdd, []string{`\Seen`, "work"}, 2, 4)
	mid := e.state(m).HighestModSeq
	e.set(m, mail.FlagsAdd, []string{`\Flagged`}, 4)
	_, err := m.Expunge(e.ctx, mail.UIDSetOf(1, 5), nil)
	e.ok(err)
	e.add(m, text(6))

	c = e.changes(m, base)
	e.equal([]mail.UID{2, 4, 6}, changedUIDs(c)) // "ascending …; each once, as it is now"
	e.equal(mail.NewFlags(`\Seen`, `\Flagged`, "work"), c.Changed[1].Flags)
	for _, msg := range c.Changed {
		e.equal(e.one(m, msg.UID).ModSeq, msg.ModSeq)
		e.equal(e.one(m, msg.UID).Flags, msg.Flags)
		require.Greater(e, msg.ModSeq, base)
		require.LessOrEqual(e, msg.ModSeq, c.State.HighestModSeq)
	}
	require.True(e, c.Vanished.Contains(1) && c.Vanished.Contains(5))
	require.False(e, c.Vanished.Contains(2) || c.Vanished.Contains(6))
	e.equal([]mail.UID{4, 6}, changedUIDs(e.changes(m, mid)))
	last := e.changes(m, c.State.HighestModSeq)
	require.Empty(e, last.Changed)
	require.True(e, last.Vanished.Empty())
	// Since 0 is since before every change: everything, or too long ago.
	c, err = m.Changes(e.ctx, 0)
	if !errors.Is(err, mail.ErrTooOld) {
		e.ok(err)
		e.equal([]mail.UID{2, 3, 4, 6}, changedUIDs(c))
	}
}

// "asked again with the HighestModSeq of its State, it continues where it ended": nothing is told twice.
func testChangesOnce(e *env) {
	m := e.open("INBOX")
	since := e.state(m).HighestModSeq
	for i := range 20 {
		uid := e.add(m, text(i))
		c := e.changes(m, since)
		e.equal([]mail.UID{uid}, changedUIDs(c))
		require.Greater(e, c.State.HighestModSeq, since)
		since = c.State.HighestModSeq
		e.set(m, mail.FlagsAdd, []string{`\Seen`}, uid)
		c = e.changes(m, since)
		e.equal([]mail.UID{uid}, changedUIDs(c))
		since = c.State.HighestModSeq
		if i%2 == 0 {
			_, err := m.Expunge(e.ctx, mail.UIDSetOf(uid), nil)
			e.ok(err)
			c = e.changes(m, since)
			require.Empty(e, c.Changed)
			require.True(e, c.Vanished.Contains(uid))
			since = c.State.HighestModSeq
		}
	}
}

// "It shows the mailbox as of one moment."
func testMoment(e *env) {
	m := e.open("INBOX")
	for i := range 10 {
		e.add(m, text(i))
	}
	var got []mail.UID
	for msg, err := range m.Messages(e.ctx, mail.AllUIDs(), mail.FieldFlags) {
		e.ok(err)
		if msg.UID == 1 {
			e.set(m, mail.FlagsAdd, []string{`\Seen`}, 5)
			_, err := m.Expunge(e.ctx, mail.UIDSetOf(6), nil)
			e.ok(err)
			e.add(m, text(11))
		}
		e.equal(mail.Flags{}, msg.Flags)
		got = append(got, msg.UID)
	}
	e.equal([]mail.UID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, got)
	for msg := range m.Messages(e.ctx, mail.AllUIDs(), 0) {
		e.equal(mail.UID(1), msg.UID)
		break
	}
	only, err := messages(e.ctx, m, mail.UIDRangeSet(9, mail.MaxUID), 0)
	e.ok(err)
	e.equal([]mail.Message{{UID: 9}, {UID: 10}, {UID: 11}}, only) // what wasn't asked for isn't there
}

// \Recent: told once (RFC 3501 section 2.3.2).
func testRecent(e *env) {
	m := e.open("INBOX")
	taker, ok := m.(mail.RecentTaker)
	if !ok {
		e.Skip("the store doesn't know \\Recent")
	}
	e.add(m, text(1))
	e.add(m, text(2), `\Seen`)
	e.equal(uint32(2), e.state(m).Recent)
	got, err := taker.TakeRecent(e.ctx)
	e.ok(err)
	e.equal("1:2", got.String())
	e.equal(uint32(0), e.state(m).Recent)
	e.add(m, text(3))
	e.set(m, mail.FlagsAdd, []string{`\Flagged`}, 3)
	other := e.open("INBOX").(mail.RecentTaker)
	got, err = other.TakeRecent(e.ctx)
	e.ok(err)
	e.equal("3", got.String())
	got, err = taker.TakeRecent(e.ctx)
	e.ok(err)
	require.True(e, got.Empty())
	e.equal([]mail.UID{1, 2, 3}, e.uids(m))
	e.equal(text(1), e.content(m, 1))
}

func testWatch(e *env) {
	m, other := e.open("INBOX"), e.open("INBOX")
	woken := make(chan struct{}, 1)
	cancel := m.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	wait := func(what string) {
		e.Helper()
		ctx, stop := context.WithTimeout(e.ctx, 10*time.Second)
		defer stop()
		select {
		case <-woken:
		case <-ctx.Done():
			require.FailNow(e, "no wake-up after "+what)
		}
	}
	uid := e.add(other, text(1))
	wait("append")
	e.set(other, mail.FlagsAdd, []string{`\Seen`}, uid)
	wait("flag change")
	_, err := other.Expunge(e.ctx, mail.UIDSetOf(uid), nil)
	e.ok(err)
	wait("expunge")
	cancel()
	cancel()
	for len(woken) > 0 {
		<-woken
	}
	e.add(other, text(2))
	require.Empty(e, woken)
}

// "A context that is cancelled makes a call return early and changes nothing that a nil error has not promised."
func testCancelled(e *env) {
	m := e.open("INBOX")
	e.add(m, text(1))
	before := e.state(m)
	a, err := m.Append(e.ctx)
	e.ok(err)
	e.ok(a.Add(e.ctx, strings.NewReader(text(2)), nil))
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	for name, f := range map[string]func() error{
		"Account":  func() error { _, err := e.store.Account(ctx, Account); return err },
		"Open":     func() error { _, err := e.a.Open(ctx, "INBOX"); return err },
		"Status":   func() error { _, err := e.a.Status(ctx, "INBOX"); return err },
		"State":    func() error { _, err := m.State(ctx); return err },
		"Messages": func() error { _, err := messages(ctx, m, mail.AllUIDs(), 0); return err },
		"Append":   func() error { _, err := add(ctx, m, text(3), nil); return err },
		"Commit":   func() error { _, err := a.Commit(ctx); return err },
		"OpenBody": func() error { _, err := m.OpenBody(ctx, 1); return err },
		"SetFlags": func() error {
			_, err := m.SetFlags(ctx, mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Seen`)})
			return err
		},
		"Expunge": func() error { _, err := m.Expunge(ctx, mail.AllUIDs(), nil); return err },
		"Copy":    func() error { _, err := m.Copy(ctx, mail.AllUIDs(), m.Info().ID, nil); return err },
		"Changes": func() error { _, err := m.Changes(ctx, 0); return err },
		"Create":  func() error { _, err := e.a.Create(ctx, "x", nil); return err },
		"Delete":  func() error { return e.a.Delete(ctx, "INBOX/x") },
	} {
		require.Error(e, f(), name)
	}
	e.ok(a.Abort())
	e.equal(before, e.state(m))
	e.equal([]string{"INBOX"}, e.names())
}

// "Mailboxes opened from it stay usable."
func testAccountClose(e *env) {
	a, err := e.store.Account(e.ctx, Account)
	e.ok(err)
	m, err := a.Open(e.ctx, "INBOX")
	e.ok(err)
	e.ok(a.Close())
	uid := e.add(m, text(1))
	_, err = m.Copy(e.ctx, mail.UIDSetOf(uid), m.Info().ID, nil)
	e.ok(err)
	e.equal(uint32(2), e.state(m).Messages)
	e.ok(m.Close())
	e.equal(uint32(2), e.state(e.open("INBOX")).Messages)
}

// "Changes made through one are seen by all."
func testSessions(e *env) {
	m := e.open("INBOX")
	b, err := e.store.Account(e.ctx, Account)
	e.ok(err)
	defer b.Close()
	other, err := b.Open(e.ctx, "INBOX")
	e.ok(err)
	defer other.Close()
	uid := e.add(m, text(1))
	e.equal(text(1), e.content(other, uid))
	e.set(other, mail.FlagsAdd, []string{`\Seen`}, uid)
	e.equal(mail.NewFlags(`\Seen`), e.one(m, uid).Flags)
	e.equal(e.state(m), e.state(other))
	_, err = m.Expunge(e.ctx, mail.UIDSetOf(uid), nil)
	e.ok(err)
	e.equal([]mail.UID{}, e.uids(other))
	_, err = b.Create(e.ctx, "shared", nil)
	e.ok(err)
	require.NotNil(e, e.info("shared"))
}
