package maildir

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"runtime"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/textcache"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// textName is the text cache; its other files have longer names.
const textName = "buuta.text"

var _ mail.TextSearcher = (*mailbox)(nil)

// SearchText implements mail.TextSearcher. Messages that the text cache lacks, those that came since the last search, are read and
// added to it.
func (m *mailbox) SearchText(ctx context.Context, set mail.UIDSet, q mail.TextQuery) (mail.UIDSet, error) {
	query := searchtext.NewQuery(q)
	return m.searchCache(ctx, set, func(live, wanted []uint32) ([]uint32, error) {
		if query.Everything() {
			return wanted, nil
		}
		return m.searchTexts(ctx, live, wanted, query)
	})
}

// searchCache has search choose from the messages of set, wanted; live are all of the mailbox.
func (m *mailbox) searchCache(ctx context.Context, set mail.UIDSet, search func(live, wanted []uint32) ([]uint32, error)) (out mail.UIDSet, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	var live, wanted []uint32
	err = m.view(ctx, func(st *state) {
		live = make([]uint32, 0, st.n)
		for _, s := range st.all {
			live = append(live, s.uid)
		}
		for _, s := range st.in(set) {
			wanted = append(wanted, s.uid)
		}
	})
	if err == nil {
		wanted, err = search(live, wanted)
	}
	if err != nil {
		return out, err
	}
	for _, uid := range wanted {
		out.Add(mail.UID(uid))
	}
	return out, nil
}

func (m *mailbox) searchTexts(ctx context.Context, live, wanted []uint32, q *searchtext.Query) ([]uint32, error) {
	if m.s.NoTextCache {
		matched := make(map[uint32]bool)
		err := m.texts(ctx, wanted, func(uid uint32, t searchtext.Text) { matched[uid] = q.Match(t) })
		var out []uint32
		for _, uid := range wanted {
			if matched[uid] {
				out = append(out, uid)
			}
		}
		return out, err
	}
	return m.textCache().Search(ctx, live, wanted, q, m.texts)
}

// textCache is the mailbox's text cache.
func (m *mailbox) textCache() *textcache.Cache {
	b := m.b
	b.mu.Lock()
	defer b.mu.Unlock()
	return m.cache(textName, m.s.textKey(), &b.textTurn)
}

// cache is a cache of texts of one kind; b.mu is held.
func (m *mailbox) cache(name string, key uint64, turn **textcache.Turn) *textcache.Cache {
	if *turn == nil {
		*turn = textcache.NewTurn()
	}
	return &textcache.Cache{FS: m.sh.fs, Path: m.b.dir + "/" + name, Validity: m.validity, Key: key, Turn: *turn, Failed: m.textsFailed}
}

func (m *mailbox) textsFailed(err error) {
	m.b.mu.RLock()
	title, dead := m.b.name, m.b.dead
	m.b.mu.RUnlock()
	if !dead {
		m.s.logger().Warn("can't keep texts for searches", "mailbox", title, "error", err)
	}
}

// textKey tells texts that were made in another way.
func (s *Store) textKey() uint64 {
	h := fnv.New64a()
	b := binary.LittleEndian.AppendUint32(nil, searchtext.Version)
	for _, set := range []bool{s.CharsetReader != nil, s.AttachmentText != nil} {
		b = append(b, 0)
		if set {
			b[len(b)-1] = 1
		}
	}
	h.Write(b)
	return h.Sum64()
}

// texts is a textcache.Source: it reads messages, several at a time.
func (m *mailbox) texts(ctx context.Context, uids []uint32, add func(uint32, searchtext.Text)) error {
	var set mail.UIDSet
	for _, uid := range uids {
		set.Add(mail.UID(uid))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan mail.Message, 64) // so that no reader waits to be woken for each
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range max(1, min(runtime.GOMAXPROCS(0), maxTextReaders, len(uids)/16)) {
		wg.Go(func() {
			x := &searchtext.Extractor{CharsetReader: m.s.CharsetReader, Attachment: m.s.AttachmentText}
			for msg := range work {
				t, err := m.text(ctx, x, &msg)
				if errors.Is(err, mail.ErrExpunged) {
					continue
				}
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				add(uint32(msg.UID), t)
				mu.Unlock()
			}
		})
	}
	for msg, err := range m.Messages(ctx, set, mail.FieldIndex) {
		if err != nil {
			cancel(err)
			break
		}
		select {
		case work <- msg:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// textsBy is texts for one that has time, with one Extractor: it reads one message after the other and lets others go first.
func (m *mailbox) textsBy(ctx context.Context, x *searchtext.Extractor, uids []uint32, add func(uint32, searchtext.Text)) error {
	var set mail.UIDSet
	for _, uid := range uids {
		set.Add(mail.UID(uid))
	}
	for msg, err := range m.Messages(ctx, set, mail.FieldIndex) {
		if err != nil {
			return err
		}
		t, err := m.text(ctx, x, &msg)
		if errors.Is(err, mail.ErrExpunged) {
			continue
		}
		if err != nil {
			return err
		}
		add(uint32(msg.UID), t)
		runtime.Gosched()
	}
	return nil
}

// maxTextReaders is how many messages a search reads at a time at most.
const maxTextReaders = 4

// text makes one message's text. It is valid until x is used again.
func (m *mailbox) text(ctx context.Context, x *searchtext.Extractor, msg *mail.Message) (searchtext.Text, error) {
	body, err := m.OpenBody(ctx, msg.UID)
	if err != nil {
		return searchtext.Text{}, err
	}
	defer body.Close()
	index, err := mime.DecodeIndex(msg.Index)
	if err != nil {
		if index, err = mime.BuildIndex(body, body.Size(), nil); err != nil {
			return searchtext.Text{}, err
		}
	}
	return x.Message(ctx, body, index.Root)
}
