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
