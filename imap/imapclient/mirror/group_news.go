package mirror

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// How a Group learns of what there is to sync.

// subscribe asks for news of all mailboxes, before the first Sync, so that none falls between.
func (f *following) subscribe(ctx context.Context) error {
	if !f.c.Has(imap.CapNotify) || len(f.Mirrors) == 1 {
		return nil
	}
	events := []imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge, imap.EventFlagChange}
	var names []string
	for _, m := range f.Mirrors {
		names = append(names, m.Mailbox)
	}
	// Delayed: expunges come when they can't make sequence numbers wrong.
	err := f.c.Notify(ctx, imap.Notify{Groups: []imap.NotifyGroup{{Filter: imap.NotifySelectedDelayed, Events: events},
		{Filter: imap.NotifyMailboxes, Mailboxes: names, Events: events}}})
	f.notify = err == nil
	if imapclient.Refused(err) {
		return nil
	}
	return err
}

// listen notes which mailboxes the server has news of, also while another one is synced.
func (f *following) listen(e imapclient.Event) {
	switch e := e.(type) {
	case imapclient.StatusEvent:
		if m := f.mirror(e.Status.Name); m != nil {
			f.mark(m)
		}
	case imapclient.ExistsEvent, imapclient.ExpungeEvent, imapclient.VanishedEvent, imapclient.MessageEvent:
		f.mu.Lock()
		syncing := f.syncing
		f.mu.Unlock()
		if m := f.open(); m != nil && !syncing {
			f.mark(m)
		}
	case imapclient.NoticeEvent:
		if e.Status.Code == imap.CodeNotificationOverflow {
			f.mu.Lock()
			f.lost = true
			f.mu.Unlock()
			f.signal()
		}
	}
}

func (f *following) mirror(name string) *Mirror {
	i := slices.IndexFunc(f.Mirrors, func(m *Mirror) bool {
		return m.Mailbox == name || strings.EqualFold(m.Mailbox, "INBOX") && strings.EqualFold(name, "INBOX")
	})
	if i < 0 {
		return nil
	}
	return f.Mirrors[i]
}

func (f *following) mark(m *Mirror) {
	f.mu.Lock()
	f.due[m] = true
	f.mu.Unlock()
	f.signal()
}

func (f *following) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *following) setSyncing(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.syncing = yes
}

// next returns a mailbox that is due, in their order; nil when there is none.
func (f *following) next() *Mirror {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.Mirrors {
		if f.due[m] {
			delete(f.due, m)
			return m
		}
	}
	return nil
}

// wait waits until something is due, or it is time to ask.
func (f *following) wait(ctx context.Context) error {
	d := unasked
	if !f.telling() && len(f.Mirrors) > 1 || len(f.refused) > 0 {
		if d = f.Poll; d <= 0 {
			d = time.Minute
		}
	}
	select {
	case <-f.wake: // of what has been synced
	default:
	}
	if f.isDue() {
		return nil
	}
	waiting, stop := context.WithTimeout(ctx, d)
	ended := make(chan struct{})
	defer func() {
		stop()
		<-ended
	}()
	go func() {
		defer close(ended)
		select {
		case m, ok := <-f.here:
			if !ok || m == nil {
				<-waiting.Done()
				return
			}
			f.mark(m)
		case <-f.first:
			f.mark(f.Mirrors[0])
		case <-f.wake:
		case <-waiting.Done():
		}
		stop()
	}()
	for _, err := range f.c.Idle(waiting) {
		switch {
		case err == nil: // listen has heard it, too
		case ctx.Err() == nil && waiting.Err() != nil:
			if errors.Is(waiting.Err(), context.DeadlineExceeded) {
				for _, m := range f.refused {
					f.mark(m)
				}
				f.refused = nil
			}
			return nil
		default:
			return err
		}
	}
	return nil
}

// left looks at the mailbox that was open until now: what came to it since its last Sync and before the server took it for one that is
// not open may be told neither way, or be taken for what the Sync of the next one sees.
func (f *following) left(ctx context.Context, m *Mirror) error {
	now, err := f.status(ctx, m)
	if err != nil {
		if imapclient.Refused(err) {
			return nil
		}
		return err
	}
	state, err := m.Cache.State(ctx)
	if err != nil {
		return err
	}
	uids, err := m.Cache.UIDs(ctx)
	if err != nil {
		return err
	}
	same := now.validity == state.UIDValidity && now.next == state.UIDNext && now.modSeq == state.HighestModSeq && int(now.messages) == uids.Count()
	if !same && f.last[m] != now { // a second Sync of the same would do no better
		f.last[m] = now
		f.mark(m)
	}
	return nil
}

func (f *following) status(ctx context.Context, m *Mirror) (counters, error) {
	s, err := f.c.Status(ctx, m.Mailbox, imap.StatusMessages|imap.StatusUIDNext|imap.StatusUIDValidity|imap.StatusUnseen|imap.StatusHighestModSeq)
	if err != nil {
		return counters{}, err
	}
	return counters{s.Messages, s.UIDValidity, s.Unseen, s.UIDNext, s.HighestModSeq}, nil
}

// poll asks for the counters of all mailboxes but the one that is open, and finds what has changed.
func (f *following) poll(ctx context.Context) error {
	if f.telling() {
		return nil
	}
	for _, m := range f.Mirrors {
		if m == f.open() {
			continue
		}
		now, err := f.status(ctx, m)
		if imapclient.Refused(err) {
			continue
		}
		if err != nil {
			return err
		}
		if old, known := f.last[m]; !known || old != now {
			f.last[m] = now
			f.mark(m)
		}
	}
	return nil
}

func (f *following) isDue() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.due) > 0
}
