package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
)

// syncer copies one account.
type syncer struct {
	from, to    *imapclient.Client
	journal     *journal
	mirror, dry bool
	tell        func(format string, args ...any)
	refused     int // messages that the target didn't want
}

func (s *syncer) run(ctx context.Context) error {
	s.refused = 0
	list, err := s.pairs(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if err := s.mailbox(ctx, &list[i]); err != nil {
			return err
		}
	}
	if s.refused > 0 {
		return fmt.Errorf("%d messages were refused", s.refused)
	}
	return nil
}

// mailbox copies what is new of one mailbox.
func (s *syncer) mailbox(ctx context.Context, p *pair) error {
	box, err := s.from.Select(ctx, p.from, &imapclient.SelectOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	if !s.dry {
		if err := s.ensure(ctx, p); err != nil {
			return err
		}
	}
	there := new(imapclient.Mailbox)
	if !s.dry || !p.missing {
		if there, err = s.to.Select(ctx, p.to, &imapclient.SelectOptions{ReadOnly: s.dry}); err != nil {
			return err
		}
	}
	known := s.journal.box(p.from, box.UIDValidity)
	flags := map[mail.UID]mail.Flags{}
	var fresh mail.UIDSet
	if box.Messages > 0 {
		for m, err := range s.from.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags)}) {
			if err != nil {
				return err
			}
			flags[m.UID] = m.Flags
			if c := known[m.UID]; c == nil || c.Validity != there.UIDValidity || c.UID == 0 && !c.Gone {
				fresh.Add(m.UID)
			}
		}
	}
	s.tell("%s -> %s: %d messages, %d to copy", p.from, p.to, len(flags), fresh.Count())
	if s.dry {
		return nil
	}
	next, n := there.UIDNext, 0
	items := append(imapclient.Items(imap.FetchFlags, imap.FetchInternalDate), imapclient.Peek(imap.Section{}))
	for m, err := range s.from.Fetch(ctx, imapclient.UIDs(fresh), &imapclient.FetchOptions{Items: items, Stream: true}) {
		if err != nil {
			return err
		}
		if !fresh.Contains(m.UID) || m.Has&imapclient.HasFlags == 0 || len(m.Sections) == 0 {
			continue
		}
		after, err := s.copy(ctx, p, box.UIDValidity, there.UIDValidity, next, m)
		switch {
		case err == nil:
			next = after
		case imapclient.Refused(err):
			s.refused++
			s.tell("%s: message %d: %v", p.from, m.UID, err)
		default:
			return err
		}
		if n++; n%100 == 0 {
			s.tell("%s: %d of %d", p.from, n, fresh.Count())
		}
	}
	if s.mirror {
		return s.changes(ctx, p, box.UIDValidity, there.UIDValidity, flags)
	}
	return nil
}

// copy copies one message, whose content is read once; next is a UID that it can't be below there.
func (s *syncer) copy(ctx context.Context, p *pair, validity, there uint32, next mail.UID, m *imapclient.Message) (mail.UID, error) {
	data, _ := m.Section(imap.Section{})
	d := imapclient.Draft{Flags: m.Flags, InternalDate: m.InternalDate, Content: bytes.NewReader(data), Size: int64(len(data))}
	if old := s.journal.box(p.from, validity)[m.UID]; old != nil && old.Validity == there {
		// It was about to be sent when something happened: perhaps it is there.
		if m.Body != nil {
			var err error
			if data, err = io.ReadAll(m.Body); err != nil {
				return 0, err
			}
			d.Content, d.Size = bytes.NewReader(data), int64(len(data))
		}
		uid, err := mirror.FindContent(ctx, s.to, old.Next, d.Size, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
			s.taken(p.from, validity, there))
		if err != nil {
			return 0, err
		}
		if uid > 0 {
			return max(next, uid+1), s.journal.note(p.from, validity, m.UID, copied{UID: uid, Validity: there})
		}
	} else if m.Body != nil {
		d.Content, d.Size = m.Body, m.Body.Size()
	}
	if err := s.journal.note(p.from, validity, m.UID, copied{Validity: there, Next: next}); err != nil {
		return 0, err
	}
	done, err := s.to.Append(ctx, p.to, d)
	if err != nil {
		return 0, err
	}
	uid := mail.UID(0)
	if len(done.UIDs) == 1 {
		uid = done.UIDs[0]
	} else if uid, err = s.last(ctx); err != nil { // without UIDPLUS
		return 0, err
	}
	return max(next, uid+1), s.journal.note(p.from, validity, m.UID, copied{UID: uid, Validity: there})
}

// taken returns the copies of other messages: one that looks like this one is not its copy.
func (s *syncer) taken(from string, validity, there uint32) map[mail.UID]bool {
	out := map[mail.UID]bool{}
	for _, c := range s.journal.box(from, validity) {
		if c.UID > 0 && c.Validity == there {
			out[c.UID] = true
		}
	}
	return out
}

// last returns the highest UID of the mailbox there.
func (s *syncer) last(ctx context.Context) (uid mail.UID, err error) {
	if err := s.to.Noop(ctx); err != nil {
		return 0, err
	}
	r, err := s.to.Search(ctx, imap.SearchKey{Op: imap.SearchAll}, &imap.SearchOptions{Max: true})
	if err != nil {
		return 0, err
	}
	return r.Max, nil
}

// changes brings flags that have changed, and expunges copies of messages that are gone.
func (s *syncer) changes(ctx context.Context, p *pair, validity, there uint32, flags map[mail.UID]mail.Flags) error {
	now := map[mail.UID]mail.Flags{}
	for m, err := range s.to.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{Items: imapclient.Items(imap.FetchFlags)}) {
		if err != nil {
			return err
		}
		now[m.UID] = m.Flags
	}
	var gone, sources mail.UIDSet
	change := map[string]*mail.UIDSet{}
	for from, c := range s.journal.box(p.from, validity) {
		want, exists := flags[from]
		is, copied := now[c.UID]
		switch {
		case c.UID == 0 || c.Gone || c.Validity != there || !copied:
		case !exists:
			gone.Add(c.UID)
			sources.Add(from)
		case !is.Equal(want):
			names := want.Names()
			slices.Sort(names)
			k := strings.Join(names, " ")
			if change[k] == nil {
				change[k] = &mail.UIDSet{}
			}
			change[k].Add(c.UID)
		}
	}
	for k, set := range change {
		if _, err := s.to.Store(ctx, imapclient.UIDs(*set), mail.FlagsReplace, mail.NewFlags(strings.Fields(k)...), &imapclient.StoreOptions{Silent: true}); err != nil {
			return err
		}
		s.tell("%s: flags of %d changed", p.to, set.Count())
	}
	if gone.Empty() {
		return nil
	}
	if _, err := s.to.Store(ctx, imapclient.UIDs(gone), mail.FlagsAdd, mail.Flags{System: mail.Deleted}, &imapclient.StoreOptions{Silent: true}); err != nil {
		return err
	}
	if err := s.to.ExpungeSet(ctx, imapclient.UIDs(gone)); err != nil {
		return err
	}
	for from := range sources.All() {
		if err := s.journal.note(p.from, validity, from, copied{Validity: there, Gone: true}); err != nil {
			return err
		}
	}
	s.tell("%s: %d expunged", p.to, gone.Count())
	return nil
}
