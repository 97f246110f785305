package mirror

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// push brings to the server what has been changed here. Every step can be done twice without harm, so that one whose answer
// was lost is done again.
func (s *session) push(ctx context.Context) error {
	var deleted removal
	for after := mail.UID(0); ; {
		page, err := s.Cache.Changed(ctx, after, s.batch())
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		changes := map[string]*Stored{}
		for _, msg := range page {
			after = max(after, msg.UID)
			if msg.Deleted {
				deleted.add(&msg, s.KeepChanged)
				continue
			}
			add, del := difference(msg.Server, msg.Flags)
			s.plan(changes, mail.FlagsAdd, add, msg.UID)
			s.plan(changes, mail.FlagsRemove, del, msg.UID)
		}
		if err := s.storeAll(ctx, changes); err != nil {
			return err
		}
	}
	if err := s.expunge(ctx, &deleted); err != nil {
		return err
	}
	if out, ok := s.Cache.(Outbox); ok {
		return s.send(ctx, out)
	}
	return nil
}

// plan adds a message to a change that others have, too. Flags that the mailbox can't keep stay here.
func (s *session) plan(changes map[string]*Stored, op mail.FlagOp, f mail.Flags, uid mail.UID) {
	if op == mail.FlagsAdd && (!none(s.box.PermanentFlags) || s.box.NewKeywords) {
		f.System &= s.box.PermanentFlags.System
		if !s.box.NewKeywords {
			f.Keywords = slices.DeleteFunc(slices.Clone(f.Keywords), func(k string) bool { return !s.box.PermanentFlags.Has(k) })
		}
	}
	if none(f) {
		return
	}
	key := string(rune('0'+op)) + strings.ToLower(strings.Join(f.Names(), " "))
	c := changes[key]
	if c == nil {
		c = &Stored{Op: op, Flags: f}
		changes[key] = c
	}
	c.UIDs.Add(uid)
}

func (s *session) storeAll(ctx context.Context, changes map[string]*Stored) error {
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		ch := changes[key]
		_, err := s.c.Store(ctx, imapclient.UIDs(ch.UIDs), ch.Op, ch.Flags, &imapclient.StoreOptions{Silent: true})
		if imapclient.Refused(err) {
			continue // the server doesn't want it; it stays as it is here
		}
		if err != nil {
			return err
		}
		if err := s.apply(ctx, &Batch{Stored: []Stored{*ch}}); err != nil {
			return err
		}
		s.res.Stored += ch.UIDs.Count()
	}
	return nil
}

// removal is what is to be expunged.
type removal struct {
	all, mark mail.UIDSet // mark: those that don't have \Deleted yet
}

func (r *removal) add(msg *Message, always bool) {
	r.all.Add(msg.UID)
	if always || msg.Server.System&mail.Deleted == 0 {
		r.mark.Add(msg.UID)
	}
}

// expunge removes on the server what was deleted here. Without UIDPLUS messages are only marked: an EXPUNGE would take what
// others have marked.
func (s *session) expunge(ctx context.Context, r *removal) error {
	set := r.all
	if !r.mark.Empty() {
		o := &imapclient.StoreOptions{Silent: true}
		if s.KeepChanged && s.modSeqs() {
			o.UnchangedSince = s.box.HighestModSeq // all that happened up to there has been told, and led to this
		}
		done, err := s.c.Store(ctx, imapclient.UIDs(r.mark), mail.FlagsAdd, mail.Flags{System: mail.Deleted}, o)
		if imapclient.Refused(err) {
			return nil // they stay to be deleted
		}
		if err != nil {
			return err
		}
		set = minus(set, done.Modified.UIDs(mail.MaxUID)) // changed just now: the next Sync sees what
	}
	if set.Empty() || !s.c.Has(imap.CapUIDPlus) {
		return nil
	}
	if err := s.c.ExpungeSet(ctx, imapclient.UIDs(set)); imapclient.Refused(err) {
		return nil
	} else if err != nil {
		return err
	}
	s.res.Expunged += set.Count()
	_, err := s.Cache.Apply(ctx, &Batch{Remove: set})
	return err
}
