package maildir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"runtime"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/textcache"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// threadsName is the cache that says which thread each message belongs to. It is a text cache whose texts are nothing but that.
const (
	threadsName = "buuta.text.threads"
	threadsKey  = 1 // another, when mime.Envelope.ThreadID returns something else for the same message
)

var _ mail.ThreadSearcher = (*mailbox)(nil)

// SearchThread implements mail.ThreadSearcher. Of messages that the cache lacks the structure indexes are read.
func (m *mailbox) SearchThread(ctx context.Context, set mail.UIDSet, id string) (mail.UIDSet, error) {
	q := searchtext.NewQuery(mail.TextQuery{In: mail.InText, Text: threadText(id)})
	return m.searchCache(ctx, set, func(live, wanted []uint32) ([]uint32, error) {
		return m.threadCache().Search(ctx, live, wanted, q, m.threads)
	})
}

func (m *mailbox) threadCache() *textcache.Cache {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	return m.cache(threadsName, threadsKey, &m.b.threadTurn)
}

// threadText is a thread's identifier as the cache has it: in letters that folding leaves alone, and so long that none is a part of another.
func threadText(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:12])
}

// threads is a textcache.Source.
func (m *mailbox) threads(ctx context.Context, uids []uint32, add func(uint32, searchtext.Text)) error {
	var set mail.UIDSet
	for _, uid := range uids {
		set.Add(mail.UID(uid))
	}
	var dec mime.EnvelopeDecoder
	for msg, err := range m.Messages(ctx, set, mail.FieldIndex|mail.FieldGUID) {
		if err != nil {
			return err
		}
		env, err := dec.Decode(msg.Index)
		if err != nil {
			env, err = m.readEnvelope(ctx, msg.UID)
		}
		if errors.Is(err, mail.ErrExpunged) {
			continue
		}
		if err != nil {
			return err
		}
		add(uint32(msg.UID), searchtext.Text{All: []byte(threadText(env.ThreadID(string(msg.GUID))))})
		runtime.Gosched() // nobody may be waiting
	}
	return nil
}

// readEnvelope reads a message for its envelope.
func (m *mailbox) readEnvelope(ctx context.Context, uid mail.UID) (*mime.Envelope, error) {
	body, err := m.OpenBody(ctx, uid)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	index, err := mime.BuildIndex(body, body.Size(), nil)
	if err != nil {
		return nil, err
	}
	return index.Root.Envelope, nil
}
