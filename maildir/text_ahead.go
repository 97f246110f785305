package maildir

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/searchtext"
)

// textsAheadMost is how long texts are made in the background for one mailbox before others have their turn.
const textsAheadMost = time.Minute

// textsSoon sees to it that the texts of messages from first on are made soon, if the Store wants that.
func (m *mailbox) textsSoon(first uint32) {
	if m.s.TextAhead <= 0 || m.s.NoTextCache {
		return
	}
	b := m.b
	b.mu.Lock()
	waiting := b.ahead != 0
	if !waiting || first < b.ahead {
		b.ahead = first
	}
	b.mu.Unlock()
	if waiting {
		return
	}
	a := newAccount(m.s, m.sh, m.a.name, m.a.root) // the session that has added the messages may end before
	time.AfterFunc(m.s.TextAhead, func() {
		defer a.end()
		a.s.aheads.Lock()
		defer a.s.aheads.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), textsAheadMost)
		defer cancel()
		if err := a.textsAhead(ctx, b); err != nil && !errors.Is(err, mail.ErrNoMailbox) && ctx.Err() == nil {
			a.s.logger().Warn("can't make texts for searches", "mailbox", b.title(), "error", err)
		}
	})
}

// textsAhead makes the texts that were asked for.
func (a *account) textsAhead(ctx context.Context, b *box) error {
	b.mu.Lock()
	first := b.ahead
	b.ahead = 0
	b.mu.Unlock()
	opened, err := a.Open(ctx, b.title())
	if err != nil {
		return err
	}
	defer opened.Close()
	m := opened.(*mailbox)
	var live []uint32
	for msg, err := range m.Messages(ctx, mail.AllUIDs(), 0) {
		if err != nil {
			return err
		}
		live = append(live, uint32(msg.UID))
	}
	at, _ := slices.BinarySearch(live, first)
	_, err = m.searchTexts(ctx, live, live[at:], searchtext.NewQuery(mail.TextQuery{In: mail.InBody, Text: "\U000f0000"}))
	return err
}
