package mail_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// dated is a mailbox of messages that have dates and nothing else.
type dated struct {
	mail.Mailbox
	messages []mail.Message
}

func (d *dated) Messages(context.Context, mail.UIDSet, mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		for _, m := range d.messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (d *dated) Expunge(_ context.Context, set mail.UIDSet, _ *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	return mail.ExpungeResult{Removed: set}, nil
}

func TestExpire(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	m := &dated{messages: []mail.Message{
		{UID: 1, SaveDate: now.Add(-3 * day), InternalDate: now.Add(-900 * day)},
		{UID: 2, SaveDate: now.Add(-40 * day), InternalDate: now},
		{UID: 3, InternalDate: now.Add(-31 * day)},
		{UID: 4, SaveDate: now.Add(-30 * day)},
		{UID: 5, SaveDate: now.Add(-3 * day)},
		{UID: 6, SaveDate: now.Add(time.Hour)}, // from a clock that runs ahead
	}}
	for _, c := range []struct {
		e    mail.Expiry
		gone string
	}{
		{mail.Expiry{}, ""},
		{mail.Expiry{Age: 30 * day}, "2:3"}, // not 4, which is as old as it may be
		{mail.Expiry{Age: time.Second}, "1:5"},
		{mail.Expiry{Count: 6}, ""},
		{mail.Expiry{Count: 2}, "1:4"}, // of 1 and 5, that came together, the later one stays
		{mail.Expiry{Count: 5, Age: 30 * day}, "2:3"},
		{mail.Expiry{Count: 1, Age: 30 * day}, "1:5"},
	} {
		r, err := mail.Expire(t.Context(), m, now, c.e)
		require.NoError(t, err)
		require.Equal(t, c.gone, r.Removed.String(), "%+v", c.e)
	}
}
