package maildir

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/ahead"
	"github.com/buuta/mail/mime"
)

// buildIndex makes a message's structure index.
func (s *Store) buildIndex(r io.ReaderAt, size int64) ([]byte, error) {
	x, err := (&mime.IndexBuilder{CharsetReader: s.CharsetReader}).Build(r, size)
	if err != nil {
		return nil, err
	}
	return x.AppendBinary(nil)
}

// makeIndex reads a message to make its index; nil without an error when the message is gone.
func (m *mailbox) makeIndex(ctx context.Context, v *view, dir string, at entry) ([]byte, error) {
	body, err := m.openAt(ctx, v, dir, at)
	if errors.Is(err, mail.ErrExpunged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return m.s.buildIndex(body, body.Size())
}

// withIndex is Messages with the structure indexes: from the cache file, or made anew where it has none. Those are made ahead of who reads, as
// other programs' deliveries have none at all.
func (m *mailbox) withIndex(ctx context.Context, set mail.UIDSet, p *painter, yield func(mail.Message, error) bool) {
	dir := m.b.folder()
	cache := cacheReader{fs: m.sh.fs, name: dir + "/" + cacheName, octet: m.sh.octet}
	defer cache.close()
	useless := false // what is in the cache
	rest := p.view.walk(set)
	q := ahead.Queue[entry, []byte]{
		Next: func() (uint32, entry, int, bool) {
			for {
				b, s := rest.next()
				if s == nil {
					return 0, entry{}, 0, false
				}
				if s.cacheLen == 0 || useless {
					return s.uid, entry{b, s}, indexWeight, true
				}
			}
		},
		Make: func(at entry) []byte {
			index, _ := m.makeIndex(ctx, p.view, dir, at) // what goes wrong does so again for who takes it
			return index
		},
		Budget: &m.sh.budget,
	}
	defer q.Close()
	var made []madeIndex
	defer func() { m.keepIndexes(ctx, made) }()
	for b, s := range p.view.in(set) {
		msg := p.message(b, s)
		if s.cacheLen > 0 {
			msg.Index = cache.read(s.uid, join40(s.cache, s.cacheHi), s.cacheLen)
			useless = useless || msg.Index == nil
		}
		if msg.Index == nil {
			if msg.Index, _ = q.Take(s.uid); msg.Index == nil {
				var err error
				if msg.Index, err = m.makeIndex(ctx, p.view, dir, entry{b, s}); err != nil {
					yield(mail.Message{}, err)
					return
				}
			}
			if msg.Index != nil {
				made = append(made, madeIndex{s.uid, msg.Index})
			}
			if len(made) >= keepMost {
				m.keepIndexes(ctx, made)
				made = made[:0]
			}
		}
		if !yield(msg, nil) {
			return
		}
	}
}

const (
	keepMost    = 1024    // indexes that are kept by one commit
	indexWeight = 1 << 10 // what one that was made ahead takes, about
)

type madeIndex struct {
	uid   uint32
	index []byte
}

// keepIndexes writes indexes that had to be made into the cache. That it can't is no reason to fail: they are made again.
func (m *mailbox) keepIndexes(ctx context.Context, made []madeIndex) {
	if len(made) == 0 {
		return
	}
	err := m.do(ctx, func(t *txn) error {
		octets := 0
		for _, x := range made {
			octets += len(x.index) + cacheEntry
		}
		t.cache, t.recs = slices.Grow(t.cache, octets), slices.Grow(t.recs, len(made))
		for _, x := range made {
			if _, ok := t.msg(x.uid); ok {
				at, n := t.keepIndex(x.uid, x.index)
				t.recs = append(t.recs, record{kind: recCache, m: msg{uid: x.uid, cache: at, cacheLen: n}})
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		m.s.logger().Warn("can't keep message indexes", "mailbox", m.b.title(), "error", err)
	}
}
