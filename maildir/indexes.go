package maildir

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/buuta/mail"
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
func (m *mailbox) makeIndex(ctx context.Context, uid mail.UID) ([]byte, error) {
	body, err := m.OpenBody(ctx, uid)
	if errors.Is(err, mail.ErrExpunged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return m.s.buildIndex(body, body.Size())
}

// withIndex is Messages with the structure indexes: from the cache file, or made anew where it has none. Those to be made are made some
// at a time and ahead of who reads, as other programs' deliveries have none at all.
func (m *mailbox) withIndex(ctx context.Context, set mail.UIDSet, p *painter, yield func(mail.Message, error) bool) {
	cache := cacheReader{fs: m.sh.fs, name: m.b.folder() + "/" + cacheName, octet: m.sh.octet}
	defer cache.close()
	a := ahead{m: m, ctx: ctx, yield: yield}
	for b, s := range p.view.in(set) {
		msg := p.message(b, s)
		if s.cacheLen > 0 {
			msg.Index = cache.read(s.uid, join40(s.cache, s.cacheHi), s.cacheLen)
		}
		if !a.add(msg) {
			break
		}
	}
	a.end()
}

const (
	aheadFirst = 8    // messages that are read ahead at first, so that who wants few does not wait for many
	aheadMost  = 128  // and later
	keepMost   = 1024 // indexes that are kept by one commit
)

// ahead hands messages on in their order, and makes the indexes that some of them lack: while those of one batch are handed on, those
// of the next are being made.
type ahead struct {
	m     *mailbox
	ctx   context.Context
	yield func(mail.Message, error) bool

	size  int // of a batch
	batch *aheadBatch
	next  *aheadBatch // being made; its turn is before batch
	made  []madeIndex
	ended bool
}

// aheadBatch is some messages. Those at lacking have no index until made is done.
type aheadBatch struct {
	msgs    []mail.Message
	lacking []int
	made    sync.WaitGroup
	err     error // of the message at failed
	failed  int
}

type madeIndex struct {
	uid   uint32
	index []byte
}

// add takes a message and reports whether more are wanted.
func (a *ahead) add(msg mail.Message) bool {
	if msg.Index != nil && a.batch == nil && a.next == nil {
		return a.hand(&msg)
	}
	if a.batch == nil {
		a.size = min(max(aheadFirst, 2*a.size), aheadMost)
		a.batch = &aheadBatch{msgs: make([]mail.Message, 0, a.size)}
	}
	if msg.Index == nil {
		a.batch.lacking = append(a.batch.lacking, len(a.batch.msgs))
	}
	a.batch.msgs = append(a.batch.msgs, msg)
	if len(a.batch.msgs) < a.size {
		return true
	}
	return a.turn()
}

// turn begins to make the indexes of the batch that is full and hands on the one before. Where it lacks none, it is handed on too: there is
// nothing to be ahead of.
func (a *ahead) turn() bool {
	b := a.next
	if a.next, a.batch = a.batch, nil; a.next != nil {
		a.next.make(a.ctx, a.m)
	}
	if b != nil && !a.handAll(b) {
		return false
	}
	if b = a.next; b != nil && len(b.lacking) == 0 {
		a.next = nil
		return a.handAll(b)
	}
	return true
}

func (a *ahead) handAll(b *aheadBatch) bool {
	a.take(b)
	for i := range b.msgs {
		if b.err != nil && i >= b.failed {
			a.ended = true
			a.yield(mail.Message{}, b.err)
			return false
		}
		if !a.hand(&b.msgs[i]) {
			return false
		}
	}
	return true
}

// take notes which indexes were made.
func (a *ahead) take(b *aheadBatch) {
	b.made.Wait()
	for _, i := range b.lacking {
		if index := b.msgs[i].Index; index != nil {
			a.made = append(a.made, madeIndex{uint32(b.msgs[i].UID), index})
		}
	}
	if len(a.made) >= keepMost {
		a.keep()
	}
}

func (a *ahead) hand(msg *mail.Message) bool {
	a.ended = !a.yield(*msg, nil)
	return !a.ended
}

// end hands on what is left, and keeps what was made.
func (a *ahead) end() {
	for !a.ended && (a.batch != nil || a.next != nil) {
		a.turn()
	}
	if a.next != nil {
		a.take(a.next)
	}
	a.keep()
}

func (a *ahead) keep() {
	a.m.keepIndexes(a.ctx, a.made)
	a.made = a.made[:0]
}

// make begins to make the indexes that are lacking.
func (b *aheadBatch) make(ctx context.Context, m *mailbox) {
	b.failed = len(b.msgs)
	var next atomic.Int64
	var mu sync.Mutex
	for range min(runtime.GOMAXPROCS(0), (len(b.lacking)+1)/2) {
		b.made.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(b.lacking); n = int(next.Add(1)) - 1 {
				i := b.lacking[n]
				index, err := m.makeIndex(ctx, b.msgs[i].UID)
				b.msgs[i].Index = index
				if err != nil {
					mu.Lock()
					if i < b.failed {
						b.failed, b.err = i, err
					}
					mu.Unlock()
					return
				}
			}
		})
	}
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
