package maildir

import (
	"context"
	"iter"
	"time"

	"github.com/buuta/mail"
)

func unixTime(s int64) time.Time { return time.Unix(s, 0).UTC() }

// shown is a message as Messages copies it out of the state.
type shown struct {
	mail.Message
	at  int64
	len uint32
}

// Messages implements mail.Mailbox. Dates have seconds.
func (m *mailbox) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(mail.Message{}, err)
			return
		}
		if f&mail.FieldIndex != 0 {
			m.withIndex(ctx, set, f, yield)
			return
		}
		var all []mail.Message
		err := m.view(ctx, func(st *state) {
			all = make([]mail.Message, 0, st.countIn(set))
			p := painter{st: st, f: f}
			st.each(set, func(msg *msg) { all = append(all, p.message(msg)) })
		})
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		for i := range all {
			if i%1024 == 1023 && ctx.Err() != nil {
				yield(mail.Message{}, ctx.Err())
				return
			}
			if !yield(all[i], nil) {
				return
			}
		}
	}
}

// each calls f for the messages of set.
func (s *state) each(set mail.UIDSet, f func(*msg)) {
	for _, r := range set.Ranges() {
		for i, _ := s.find(uint32(r.First)); i < len(s.msgs) && s.msgs[i].uid <= uint32(r.Last); i++ {
			f(&s.msgs[i])
		}
	}
}

func (s *state) countIn(set mail.UIDSet) int {
	n := 0
	for _, r := range set.Ranges() {
		from, _ := s.find(uint32(r.First))
		to, there := s.find(uint32(r.Last))
		if there {
			to++
		}
		n += to - from
	}
	return n
}

// withIndex is Messages with the structure indexes: from the cache file, or made anew where it has none.
func (m *mailbox) withIndex(ctx context.Context, set mail.UIDSet, f mail.Fields, yield func(mail.Message, error) bool) {
	var all []shown
	err := m.view(ctx, func(st *state) {
		all = make([]shown, 0, st.countIn(set))
		p := painter{st: st, f: f}
		st.each(set, func(msg *msg) { all = append(all, shown{p.message(msg), msg.cache, msg.cacheLen}) })
	})
	if err != nil {
		yield(mail.Message{}, err)
		return
	}
	cache := cacheReader{fs: m.sh.fs, name: m.b.folder() + "/" + cacheName, octet: m.sh.octet}
	defer cache.close()
	made := map[mail.UID][]byte{}
	defer func() { m.keepIndexes(ctx, made) }()
	for i := range all {
		msg := &all[i]
		if msg.len > 0 {
			msg.Index = cache.read(uint32(msg.UID), msg.at, msg.len)
		}
		if msg.Index == nil {
			if msg.Index, err = m.makeIndex(ctx, msg.UID); err != nil {
				yield(mail.Message{}, err)
				return
			}
			if msg.Index != nil {
				made[msg.UID] = msg.Index
			}
			if len(made) >= 256 {
				m.keepIndexes(ctx, made)
				clear(made)
			}
		}
		if !yield(msg.Message, nil) {
			return
		}
	}
}
