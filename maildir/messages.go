package maildir

import (
	"context"
	"iter"
	"time"

	"github.com/buuta/mail"
)

func unixTime(s int64) time.Time { return time.Unix(s, 0).UTC() }

// Messages implements mail.Mailbox. Dates have seconds.
func (m *mailbox) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(mail.Message{}, err)
			return
		}
		var v view
		if err := m.view(ctx, func(st *state) { v = st.take(set) }); err != nil {
			yield(mail.Message{}, err)
			return
		}
		p := painter{view: &v, f: f}
		if f&mail.FieldIndex != 0 {
			m.withIndex(ctx, set, &p, yield)
			return
		}
		n := 0
		for b, s := range v.in(set) {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				yield(mail.Message{}, ctx.Err())
				return
			}
			if !yield(p.message(b, s), nil) {
				return
			}
		}
	}
}

// withIndex is Messages with the structure indexes: from the cache file, or made anew where it has none.
func (m *mailbox) withIndex(ctx context.Context, set mail.UIDSet, p *painter, yield func(mail.Message, error) bool) {
	cache := cacheReader{fs: m.sh.fs, name: m.b.folder() + "/" + cacheName, octet: m.sh.octet}
	defer cache.close()
	made := map[mail.UID][]byte{}
	defer func() { m.keepIndexes(ctx, made) }()
	for b, s := range p.view.in(set) {
		msg := p.message(b, s)
		if s.cacheLen > 0 {
			msg.Index = cache.read(s.uid, join40(s.cache, s.cacheHi), s.cacheLen)
		}
		if msg.Index == nil {
			var err error
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
		if !yield(msg, nil) {
			return
		}
	}
}
