package mirror

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// pull brings here what has happened on the server.
func (s *session) pull(ctx context.Context) error {
	next := State{UIDValidity: s.box.UIDValidity, UIDNext: s.box.UIDNext, HighestModSeq: s.box.HighestModSeq}
	if s.box.UIDNotSticky {
		next.UIDValidity = 0 // never the same again
	}
	if err := s.choose(ctx, next.UIDValidity); err != nil {
		return err
	}
	if err := s.fetchFresh(ctx); err != nil {
		return err
	}
	if err := s.removeGone(ctx); err != nil {
		return err
	}
	// Only now: whatever was told above has arrived. What happened since SELECT will be told again.
	return s.apply(ctx, &Batch{State: &next})
}

// choose finds the cheapest way that is safe, and goes it.
func (s *session) choose(ctx context.Context, validity uint32) error {
	opts := &imapclient.FetchOptions{Items: s.items()}
	old := s.state
	switch {
	case old.UIDValidity == 0 || old.UIDValidity != validity:
		s.res.Method = StartedAnew
		// Without a mod-sequence: when this is interrupted, Difference goes on with what has arrived.
		if err := s.apply(ctx, &Batch{Reset: true, State: &State{UIDValidity: validity}}); err != nil {
			return err
		}
		s.here = mail.UIDSet{}
	case !s.modSeqs() || old.HighestModSeq == 0:
		s.res.Method = Difference
	case old.HighestModSeq > s.box.HighestModSeq:
		s.res.Method = Difference // the server has been restored from a backup
	case old.HighestModSeq == s.box.HighestModSeq && s.c.Enabled().Has(imap.CapQResync):
		s.res.Method = Unchanged // an expunge would have a mod-sequence of its own (RFC 7162 section 3.2.7)
		return nil
	case s.c.Enabled().Has(imap.CapQResync):
		s.res.Method = QuickResync
		var vanished mail.UIDSet
		opts.ChangedSince, opts.Vanished = old.HighestModSeq, &vanished
		if err := s.fetchFlags(ctx, opts); err != nil {
			return err
		}
		return s.remove(ctx, vanished)
	default:
		s.res.Method = CondStore
		opts.ChangedSince = old.HighestModSeq
	}
	if s.box.Messages == 0 {
		return nil // FETCH of 1:* is an error on some servers when there is nothing
	}
	return s.fetchFlags(ctx, opts)
}

// modSeqs reports whether the mailbox has mod-sequences that can be asked for.
func (s *session) modSeqs() bool {
	return s.box.HighestModSeq > 0 && (s.c.Has(imap.CapCondStore) || s.c.Has(imap.CapQResync))
}

// items is what is asked for of each message, with others behind it.
func (s *session) items(others ...imap.FetchItem) []imap.FetchItem {
	if s.modSeqs() {
		return append(imapclient.Items(imap.FetchFlags, imap.FetchModSeq), others...)
	}
	return append(imapclient.Items(imap.FetchFlags), others...)
}

// fetchFlags reads flags and takes them over. Messages that are new and have Items to be fetched wait for these.
func (s *session) fetchFlags(ctx context.Context, opts *imapclient.FetchOptions) error {
	var news []News
	flush := func() error {
		if s.Progress != nil {
			s.Progress(Progress{Seen: s.count, Total: int(s.box.Messages)})
		}
		err := s.apply(ctx, &Batch{News: news})
		news = news[:0]
		return err
	}
	for msg, err := range s.c.Fetch(ctx, imapclient.All(), opts) {
		if err != nil {
			return err
		}
		if msg.UID == 0 {
			continue
		}
		s.seen.Add(msg.UID)
		if msg.Has&imapclient.HasFlags == 0 {
			continue
		}
		s.count++
		if len(s.Items) > 0 && !s.here.Contains(msg.UID) {
			s.fresh.Add(msg.UID)
			continue
		}
		if news = append(news, s.news(msg)); len(news) >= s.batch() {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (s *session) news(msg *imapclient.Message) News {
	return News{UID: msg.UID, ModSeq: msg.ModSeq, Flags: msg.Flags, Undelete: s.KeepChanged}
}

// fetchFresh fetches what is wanted of new messages.
func (s *session) fetchFresh(ctx context.Context) error {
	if s.fresh.Empty() {
		return nil
	}
	var news []News
	for msg, err := range s.c.Fetch(ctx, imapclient.UIDs(s.fresh), &imapclient.FetchOptions{Items: s.items(s.Items...)}) {
		if err != nil {
			return err
		}
		if !s.fresh.Contains(msg.UID) || msg.Has&imapclient.HasFlags == 0 {
			continue // news of another message
		}
		n := s.news(msg)
		n.Fetched = msg
		if news = append(news, n); len(news) >= s.batch() {
			if err := s.apply(ctx, &Batch{News: news}); err != nil {
				return err
			}
			news = news[:0]
			if s.Progress != nil {
				s.Progress(Progress{Seen: s.count, Fetched: s.res.Added, Total: int(s.box.Messages)})
			}
		}
	}
	return s.apply(ctx, &Batch{News: news})
}

// removeGone finds what is gone, where the server hasn't told.
func (s *session) removeGone(ctx context.Context) error {
	if s.res.Method != CondStore && s.res.Method != Difference {
		return nil
	}
	here, err := s.Cache.UIDs(ctx)
	if err != nil {
		return err
	}
	there := s.seen
	if s.res.Method == CondStore {
		// Every message of the mailbox is in the cache by now. When there are as many, there are no others. The count is the one that
		// holds now: messages may have come and gone since SELECT.
		if here.Count() == int(s.c.Mailbox().Messages) {
			return nil
		}
		r, err := s.c.Search(ctx, imap.SearchKey{Op: imap.SearchAll}, nil)
		if err != nil {
			return err
		}
		there = r.UIDs
	}
	return s.remove(ctx, minus(here, there))
}

func (s *session) remove(ctx context.Context, gone mail.UIDSet) error {
	if gone.Empty() {
		return nil
	}
	return s.apply(ctx, &Batch{Remove: gone})
}
