package storetest

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func (e *env) flags(m mail.Mailbox, uid mail.UID) string {
	e.Helper()
	return strings.Join(e.one(m, uid).Flags.Names(), " ")
}

// "STORE operation SHOULD NOT fail if the user has rights to modify at least one flag" (RFC 4314 section 4).
func testFlagsInPart(s *sharing) {
	owners, others := s.share("box", "lrs")
	_, err := add(s.ctx, owners, text(1), &mail.AppendOptions{Flags: mail.NewFlags(`\Answered`, "kept")})
	s.ok(err)
	s.equal("1", s.set(others, mail.FlagsAdd, []string{`\Seen`, `\Flagged`, `\Deleted`, "new"}, 1).Changed.String())
	s.equal(`\Seen \Answered kept`, s.flags(others, 1))
	s.equal("", s.set(others, mail.FlagsRemove, []string{`\Answered`, "kept", `\Seen`}, 99).Changed.String())
	s.equal("1", s.set(others, mail.FlagsReplace, []string{`\Draft`}, 1).Changed.String())
	s.equal(`\Answered kept`, s.flags(others, 1))
	s.equal("", s.set(others, mail.FlagsReplace, []string{`\Draft`}, 1).Changed.String())
	s.grant("box", Other, "lrt")
	s.set(others, mail.FlagsReplace, []string{`\Deleted`, `\Seen`}, 1)
	s.equal(`\Answered \Deleted kept`, s.flags(owners, 1))
	s.grant("box", Other, "lrw")
	s.set(others, mail.FlagsReplace, []string{"other", `\Seen`}, 1)
	s.equal(`\Deleted other`, s.flags(owners, 1))
	s.equal(uint32(1), s.state(others).Unseen)
}

// RFC 4314 section 4, the example of COPY: rights rwis and rsti.
func testAppendFlags(s *sharing) {
	in := s.other.open("INBOX")
	for _, f := range [][]string{{`\Draft`, `\Deleted`}, {`\Answered`}, {"$Forwarded", `\Seen`}} {
		s.add(in, text(1), f...)
	}
	for i, c := range []struct {
		rights string
		want   []string
	}{
		{"rwis", []string{`\Draft`, `\Answered`, `\Seen $Forwarded`}},
		{"rsti", []string{`\Deleted`, "", `\Seen`}},
	} {
		owners, others := s.share([]string{"first", "second"}[i], c.rights)
		m, err := in.Copy(s.ctx, mail.AllUIDs(), others.Info().ID, nil)
		s.ok(err)
		for j, want := range c.want {
			s.equal(want, s.flags(others, m.To[j]))
			s.equal(strings.TrimPrefix(strings.TrimPrefix(want, `\Seen`), " "), s.flags(owners, m.To[j])) // \Seen is Other's own
			uid := s.add(others, text(2), strings.Fields(s.flags(in, mail.UID(j+1)))...)
			s.equal(want, s.flags(others, uid))
		}
	}
}

// "\Seen is each user's own."
func testSeen(s *sharing) {
	owners, others := s.share("box", "lrsw")
	s.grant("box", Third, "lrs")
	thirds := s.third.open(s.name("box"))
	for i := range 3 {
		s.add(owners, text(i))
	}
	s.set(owners, mail.FlagsAdd, []string{`\Seen`}, 1)
	s.set(others, mail.FlagsAdd, []string{`\Seen`, `\Flagged`}, 2)
	s.set(thirds, mail.FlagsReplace, []string{`\Seen`}, 2, 3)
	for _, c := range []struct {
		m      mail.Mailbox
		unseen uint32
		want   [3]string
	}{
		{owners, 2, [3]string{`\Seen`, `\Flagged`, ""}},
		{others, 2, [3]string{"", `\Seen \Flagged`, ""}},
		{thirds, 1, [3]string{"", `\Seen \Flagged`, `\Seen`}},
	} {
		for i, want := range c.want {
			s.equal(want, s.flags(c.m, mail.UID(i+1)))
		}
		s.equal(c.unseen, s.state(c.m).Unseen)
	}
	st, err := s.third.a.Status(s.ctx, s.name("box"))
	s.ok(err)
	s.equal(s.state(thirds), st)
	s.equal(uint32(1), st.Unseen)
	// It stays when everything is closed, and belongs to the user, not to the session.
	again := s.third.open(s.name("box"))
	s.equal(s.messages(thirds), s.messages(again))
	s.set(again, mail.FlagsRemove, []string{`\Seen`}, 2)
	s.equal(`\Flagged`, s.flags(thirds, 2))
	s.equal(`\Seen \Flagged`, s.flags(others, 2))
}

// ModSeqs grow in everybody's view, and each is told of what changes in it.
func testSeenModSeq(s *sharing) {
	owners, others := s.share("box", "lrsw")
	for i := range 3 {
		s.add(owners, text(i))
	}
	own, his := s.state(owners), s.state(others)
	r := s.set(others, mail.FlagsAdd, []string{`\Seen`}, 2)
	s.equal("2", r.Changed.String())
	require.Greater(s, r.ModSeq, his.HighestModSeq)
	s.equal(r.ModSeq, s.state(others).HighestModSeq)
	s.equal(r.ModSeq, s.one(others, 2).ModSeq)
	c := s.changes(others, his.HighestModSeq)
	s.equal([]mail.UID{2}, changedUIDs(c))
	s.equal(mail.NewFlags(`\Seen`), c.Changed[0].Flags)
	s.equal(r.ModSeq, c.State.HighestModSeq)
	s.equal([]mail.UID{}, changedUIDs(s.changes(others, r.ModSeq)))
	// The owner is told of nothing that is not so.
	for _, m := range s.changes(owners, own.HighestModSeq).Changed {
		require.False(s, m.Flags.Has(`\Seen`))
	}
	// Once more the same changes nothing.
	again := s.set(others, mail.FlagsAdd, []string{`\Seen`}, 2)
	require.True(s, again.Changed.Empty())
	s.equal(r.ModSeq, again.ModSeq)
	// UnchangedSince is about the user's own view.
	cond, err := others.SetFlags(s.ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Seen`), UnchangedSince: his.HighestModSeq})
	s.ok(err)
	s.equal("1,3", cond.Changed.String())
	s.equal("2", cond.Modified.String())
	// What comes after a private change is after it, in both views.
	uid := s.add(owners, text(4))
	require.Greater(s, s.one(others, uid).ModSeq, cond.ModSeq)
	require.Greater(s, s.one(owners, uid).ModSeq, own.HighestModSeq)
	s.equal([]mail.UID{uid}, changedUIDs(s.changes(others, cond.ModSeq)))
	s.set(owners, mail.FlagsAdd, []string{`\Flagged`}, 2)
	s.equal(`\Seen \Flagged`, s.flags(others, 2))
}

// A copy takes along what the user who copies sees.
func testSeenCopied(s *sharing) {
	owners, others := s.share("box", "lrswi")
	s.add(owners, text(1), `\Seen`)
	s.add(owners, text(2))
	s.set(others, mail.FlagsAdd, []string{`\Seen`}, 2)
	in := s.other.open("INBOX")
	m, err := others.Copy(s.ctx, mail.AllUIDs(), in.Info().ID, nil)
	s.ok(err)
	s.equal("", s.flags(in, m.To[0]))
	s.equal(`\Seen`, s.flags(in, m.To[1]))
	m, err = others.Copy(s.ctx, mail.AllUIDs(), others.Info().ID, nil)
	s.ok(err)
	s.equal("", s.flags(others, m.To[0]))
	s.equal(`\Seen`, s.flags(others, m.To[1]))
	s.equal(s.one(others, m.From[0]).GUID, s.one(others, m.To[0]).GUID)
	s.equal("", s.flags(owners, m.To[1]))
}

// An expunged message takes along everybody's \Seen of it, and is told to everybody.
func testSeenExpunged(s *sharing) {
	owners, others := s.share("box", "lrs")
	for i := range 3 {
		s.add(owners, text(i))
	}
	s.set(others, mail.FlagsAdd, []string{`\Seen`}, 1, 2)
	since := s.state(others).HighestModSeq
	_, err := owners.Expunge(s.ctx, mail.UIDSetOf(2), nil)
	s.ok(err)
	s.equal("2", s.changes(others, since).Vanished.String())
	s.equal(uint32(1), s.state(others).Unseen)
	s.equal([]mail.UID{1, 3}, s.uids(others))
}

// The right to post is one of its own (RFC 4314 section 2.1).
func testPost(s *sharing) {
	owners, others := s.share("box", "p")
	got, err := add(s.ctx, others, text(1), &mail.AppendOptions{Post: true, Flags: mail.NewFlags(`\Flagged`)})
	s.ok(err)
	s.equal("", s.flags(owners, got.UIDs[0]))
	s.equal(text(1), s.content(owners, got.UIDs[0]))
	a, err := others.Append(s.ctx)
	s.ok(err)
	defer a.Abort()
	s.ok(a.Add(s.ctx, strings.NewReader(text(2)), &mail.AppendOptions{Post: true}))
	s.is(a.Add(s.ctx, strings.NewReader(text(3)), nil), mail.ErrPermission)
	_, err = a.Commit(s.ctx) // "An error takes nothing of this message and leaves those before it."
	s.ok(err)
	s.equal(uint32(2), s.state(owners).Messages)
}

// testConcurrentSeen has two sessions of a user set and clear \Seen while the owner changes other things; whoever follows by
// Changes misses nothing.
func testConcurrentSeen(s *sharing) {
	owners, _ := s.share("box", "lrs")
	for i := range 10 {
		s.add(owners, text(i))
	}
	start := s.state(s.other.open(s.name("box"))).HighestModSeq
	first := s.messages(s.other.open(s.name("box")))
	var work, follow crew
	for i := range 2 {
		m := s.other.open(s.name("box"))
		work.start(func() error {
			for n := range 30 {
				_, err := m.SetFlags(s.ctx, mail.UIDSetOf(mail.UID(1+(n+i*3)%10)), mail.FlagChange{Op: mail.FlagOp(n / 10 % 2), Flags: mail.NewFlags(`\Seen`)})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	work.start(func() error {
		for n := range 15 {
			if _, err := add(s.ctx, owners, text(100+n), nil); err != nil {
				return err
			}
			if _, err := owners.SetFlags(s.ctx, mail.UIDSetOf(mail.UID(1+n%10)), mail.FlagChange{Flags: mail.NewFlags(`\Flagged`, `\Seen`)}); err != nil {
				return err
			}
		}
		return nil
	})
	done := make(chan struct{})
	pollers := make([]*poller, 2)
	for i := range pollers {
		m := s.other.open(s.name("box"))
		p := &poller{since: start, seen: map[mail.UID]mail.Message{}, next: 11}
		for _, msg := range first {
			p.seen[msg.UID] = mail.Message{UID: msg.UID, ModSeq: msg.ModSeq, Flags: msg.Flags}
		}
		pollers[i] = p
		follow.start(func() error {
			for {
				select {
				case <-done:
					return p.poll(s.ctx, m)
				default:
					if err := p.poll(s.ctx, m); err != nil {
						return err
					}
				}
			}
		})
	}
	work.wait(s.env)
	close(done)
	follow.wait(s.env)
	for _, p := range pollers {
		for _, msg := range s.messages(s.other.open(s.name("box"))) {
			s.equal(msg.ModSeq, p.seen[msg.UID].ModSeq)
			s.equal(msg.Flags, p.seen[msg.UID].Flags)
		}
	}
}
