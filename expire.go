package mail

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Expiry says which messages of a mailbox have had their time. Of the two limits each works alone; the zero value keeps everything.
type Expiry struct {
	Age   time.Duration // older messages go, by the time for which they have been in this mailbox (SaveDate). 0 means any age may stay
	Count int           // how many stay at most, those that came last. 0 means any number may
}

// Expire removes what is too old, or too much, from a mailbox at the time now, and says what it removed. It is for whoever keeps a Trash or
// Junk from growing, as Dovecot's autoexpunge does: from time to time, or when a session ends. \Flagged and \Deleted don't matter.
// Messages of which the store doesn't know when they came into the mailbox count by their InternalDate.
func Expire(ctx context.Context, m Mailbox, now time.Time, e Expiry) (ExpungeResult, error) {
	if e.Age <= 0 && e.Count <= 0 {
		return ExpungeResult{}, ctx.Err()
	}
	type entry struct {
		at  time.Time
		uid UID
	}
	var all []entry
	for msg, err := range m.Messages(ctx, AllUIDs(), FieldDate) {
		if err != nil {
			return ExpungeResult{}, err
		}
		at := msg.SaveDate
		if at.IsZero() {
			at = msg.InternalDate
		}
		all = append(all, entry{at, msg.UID})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.uid, b.uid)) })
	over := 0
	if e.Count > 0 {
		over = max(len(all)-e.Count, 0)
	}
	var gone UIDSet
	for i, x := range all {
		if i < over || e.Age > 0 && now.Sub(x.at) > e.Age {
			gone.Add(x.uid)
		}
	}
	if gone.Empty() {
		return ExpungeResult{}, nil
	}
	return m.Expunge(ctx, gone, nil)
}
