package storetest

import (
	"fmt"
	"slices"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// testModel does random things through several sessions on two mailboxes and compares with a model of a few lines. Pollers
// that ask for Changes now and then must always end with the same picture.
func testModel(e *env) {
	n := 0
	rapid.Check(e.T, func(t *rapid.T) {
		n++
		newModel(e, t, n).run()
	})
}

type modelMessage struct {
	uid     mail.UID
	modseq  mail.ModSeq
	flags   mail.Flags
	content string
	guid    mail.GUID
}

type modelMailbox struct {
	id       mail.MailboxID
	sessions []mail.Mailbox
	messages []modelMessage
	next     mail.UID
	high     mail.ModSeq
	validity uint32
	pollers  []*poller
}

type model struct {
	e     *env
	t     *rapid.T
	boxes [2]*modelMailbox
	count int
}

func newModel(e *env, t *rapid.T, n int) *model {
	m := &model{e: e, t: t}
	for i := range m.boxes {
		name := fmt.Sprintf("model-%d-%d", n, i)
		t.Cleanup(func() { require.NoError(t, e.a.Delete(e.ctx, name)) })
		info, err := e.a.Create(e.ctx, name, nil)
		require.NoError(t, err)
		b := &modelMailbox{id: info.ID, next: 1}
		for range 3 {
			s, err := e.a.Open(e.ctx, name)
			require.NoError(t, err)
			t.Cleanup(func() { s.Close() })
			b.sessions = append(b.sessions, s)
		}
		st, err := b.sessions[0].State(e.ctx)
		require.NoError(t, err)
		b.high, b.validity = st.HighestModSeq, st.UIDValidity
		for range 2 {
			b.pollers = append(b.pollers, &poller{since: st.HighestModSeq, seen: map[mail.UID]mail.Message{}})
		}
		m.boxes[i] = b
	}
	return m
}

func (m *model) run() {
	m.t.Repeat(map[string]func(*rapid.T){
		"append":  m.append,
		"flags":   m.flags,
		"expunge": m.expunge,
		"copy":    m.copy,
		"poll":    m.poll,
		"read":    m.read,
		"":        m.check,
	})
}

func (m *model) pick(t *rapid.T) (*modelMailbox, mail.Mailbox) {
	b := m.boxes[rapid.IntRange(0, 1).Draw(t, "mailbox")]
	return b, b.sessions[rapid.IntRange(0, len(b.sessions)-1).Draw(t, "session")]
}

var modelFlags = []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, "one", "two", "three"}

func drawFlags(t *rapid.T) mail.Flags {
	return mail.NewFlags(rapid.SliceOfNDistinct(rapid.SampledFrom(modelFlags), 0, 3, rapid.ID).Draw(t, "flags")...)
}

func drawSet(t *rapid.T, b *modelMailbox) mail.UIDSet {
	if rapid.IntRange(0, 4).Draw(t, "all") == 0 {
		return mail.AllUIDs()
	}
	uids := rapid.SliceOfN(rapid.Uint32Range(1, uint32(b.next)), 1, 4).Draw(t, "uids")
	var set mail.UIDSet
	for _, u := range uids {
		set.Add(mail.UID(u))
	}
	return set
}

func (m *model) append(t *rapid.T) {
	b, s := m.pick(t)
	m.count++
	flags := drawFlags(t)
	got, err := add(m.e.ctx, s, text(m.count), &mail.AppendOptions{Flags: flags})
	require.NoError(t, err)
	require.Equal(t, []mail.UID{b.next}, got.UIDs)
	require.Equal(t, b.validity, got.UIDValidity)
	require.Greater(t, got.ModSeq, b.high)
	msg, err := messages(m.e.ctx, s, mail.UIDSetOf(b.next), mail.FieldGUID)
	require.NoError(t, err)
	b.high = got.ModSeq
	b.messages = append(b.messages, modelMessage{b.next, got.ModSeq, flags, text(m.count), msg[0].GUID})
	b.next++
}

func (m *model) flags(t *rapid.T) {
	b, s := m.pick(t)
	set := drawSet(t, b)
	c := mail.FlagChange{Op: mail.FlagOp(rapid.IntRange(0, 2).Draw(t, "op")), Flags: drawFlags(t)}
	if len(b.messages) > 0 && rapid.Bool().Draw(t, "conditional") {
		c.UnchangedSince = rapid.SampledFrom(b.messages).Draw(t, "since").modseq
	}
	got, err := s.SetFlags(m.e.ctx, set, c)
	require.NoError(t, err)
	var changed, modified mail.UIDSet
	for i := range b.messages {
		msg := &b.messages[i]
		if !set.Contains(msg.uid) {
			continue
		}
		if c.UnchangedSince != 0 && msg.modseq > c.UnchangedSince {
			modified.Add(msg.uid)
			continue
		}
		if now := msg.flags.Apply(c.Op, c.Flags); !now.Equal(msg.flags) {
			msg.flags, msg.modseq = now, got.ModSeq
			changed.Add(msg.uid)
		}
	}
	require.Equal(t, changed.String(), got.Changed.String())
	require.Equal(t, modified.String(), got.Modified.String())
	if changed.Empty() {
		require.Equal(t, b.high, got.ModSeq)
	} else {
		require.Greater(t, got.ModSeq, b.high)
	}
	b.high = got.ModSeq
}

func (m *model) expunge(t *rapid.T) {
	b, s := m.pick(t)
	set := drawSet(t, b)
	only := rapid.Bool().Draw(t, "onlyDeleted")
	got, err := s.Expunge(m.e.ctx, set, &mail.ExpungeOptions{OnlyDeleted: only})
	require.NoError(t, err)
	removed := b.remove(func(msg *modelMessage) bool {
		return set.Contains(msg.uid) && (!only || msg.flags.Has(`\Deleted`))
	})
	require.Equal(t, removed.String(), got.Removed.String())
	if removed.Empty() {
		require.Equal(t, b.high, got.ModSeq)
	} else {
		require.Greater(t, got.ModSeq, b.high)
	}
	b.high = got.ModSeq
}

func (b *modelMailbox) remove(f func(*modelMessage) bool) mail.UIDSet {
	var removed mail.UIDSet
	b.messages = slices.DeleteFunc(b.messages, func(msg modelMessage) bool {
		if f(&msg) {
			removed.Add(msg.uid)
			return true
		}
		return false
	})
	return removed
}

func (m *model) copy(t *rapid.T) {
	b, s := m.pick(t)
	to := m.boxes[rapid.IntRange(0, 1).Draw(t, "to")]
	set := drawSet(t, b)
	move := rapid.Bool().Draw(t, "move")
	got, err := s.Copy(m.e.ctx, set, to.id, &mail.CopyOptions{Move: move})
	require.NoError(t, err)
	var from, into []mail.UID
	var copies []modelMessage
	for _, msg := range b.messages {
		if set.Contains(msg.uid) {
			from, into = append(from, msg.uid), append(into, to.next)
			msg.uid = to.next
			copies = append(copies, msg)
			to.next++
		}
	}
	require.Equal(t, mail.UIDMap{UIDValidity: to.validity, From: from, To: into}, got)
	if move {
		b.remove(func(msg *modelMessage) bool { return slices.Contains(from, msg.uid) })
	}
	to.messages = append(to.messages, copies...)
	m.settle(t, to, into, len(from) > 0)
	if b != to {
		m.settle(t, b, nil, move && len(from) > 0)
	}
}

// settle takes in the ModSeqs that a copy has given, which its answer doesn't tell.
func (m *model) settle(t *rapid.T, b *modelMailbox, fresh []mail.UID, changed bool) {
	st, err := b.sessions[0].State(m.e.ctx)
	require.NoError(t, err)
	if changed {
		require.Greater(t, st.HighestModSeq, b.high)
	}
	for i := range b.messages {
		if msg := &b.messages[i]; slices.Contains(fresh, msg.uid) {
			one, err := messages(m.e.ctx, b.sessions[0], mail.UIDSetOf(msg.uid), mail.FieldFlags)
			require.NoError(t, err)
			require.Greater(t, one[0].ModSeq, b.high)
			msg.modseq = one[0].ModSeq
		}
	}
	b.high = st.HighestModSeq
}

func (m *model) poll(t *rapid.T) {
	b, s := m.pick(t)
	p := b.pollers[rapid.IntRange(0, 1).Draw(t, "poller")]
	require.NoError(t, p.poll(m.e.ctx, s))
	b.compare(t, p)
}

// compare holds what a poller has learned against the model.
func (b *modelMailbox) compare(t require.TestingT, p *poller) {
	require.Len(t, p.seen, len(b.messages))
	for _, msg := range b.messages {
		got := p.seen[msg.uid]
		require.Equal(t, msg.modseq, got.ModSeq)
		require.True(t, msg.flags.Equal(got.Flags), "UID %d: %v, not %v", msg.uid, got.Flags, msg.flags)
	}
}

func (m *model) read(t *rapid.T) {
	b, s := m.pick(t)
	if len(b.messages) == 0 {
		return
	}
	msg := rapid.SampledFrom(b.messages).Draw(t, "message")
	got, err := content(m.e.ctx, s, msg.uid)
	require.NoError(t, err)
	require.Equal(t, msg.content, got)
}

func (m *model) check(t *rapid.T) {
	for _, b := range m.boxes {
		s := b.sessions[len(b.messages)%len(b.sessions)]
		st, err := s.State(m.e.ctx)
		require.NoError(t, err)
		want := mail.State{UIDValidity: b.validity, UIDNext: b.next, HighestModSeq: b.high, Messages: uint32(len(b.messages)), Recent: st.Recent}
		got, err := messages(m.e.ctx, s, mail.AllUIDs(), allFields)
		require.NoError(t, err)
		require.Len(t, got, len(b.messages))
		for i, msg := range b.messages {
			want.Size += int64(len(msg.content))
			if !msg.flags.Has(`\Seen`) {
				want.Unseen++
			}
			if msg.flags.Has(`\Deleted`) {
				want.Deleted++
			}
			require.Equal(t, msg.uid, got[i].UID)
			require.Equal(t, msg.modseq, got[i].ModSeq)
			require.Equal(t, msg.guid, got[i].GUID)
			require.True(t, msg.flags.Equal(got[i].Flags))
			require.Equal(t, int64(len(msg.content)), got[i].Size)
		}
		require.Equal(t, want, st)
	}
}
