package mirror

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
)

// Group keeps several mailboxes in step over one connection.
type Group struct {
	// Mirrors are the mailboxes. What happens in the first is told at once even by a server without NOTIFY.
	Mirrors []*Mirror
	// Poll is how often the counters of the others are asked for by STATUS where the server has no NOTIFY; 0: 1 min.
	Poll time.Duration
	// Done, if not nil, is called after each Sync with what it did or what went wrong. A mailbox that can't be opened doesn't keep
	// the others from being synced.
	Done func(m *Mirror, res *Result, err error)
}

// Follow keeps the copies in step until ctx ends, over one connection of the pool at a time: it syncs each, waits until the server has news of
// one or here gets it, which says that its cache was changed, and syncs that one. A server with NOTIFY (RFC 5465) tells of all of
// them; else the first is watched by IDLE, and the others are asked for by STATUS. here may be nil. Follow returns as [Mirror.Follow]
// does.
func (g *Group) Follow(ctx context.Context, pool *imapclient.Pool, here <-chan *Mirror) error {
	return g.follow(ctx, pool, here, nil)
}

func (g *Group) follow(ctx context.Context, pool *imapclient.Pool, here <-chan *Mirror, first <-chan struct{}) error {
	if len(g.Mirrors) == 0 {
		return fmt.Errorf("%w: a group without mailboxes", imapclient.ErrBadArgument)
	}
	return persist(ctx, pool, func(ctx context.Context, c *imapclient.Client, good func()) error {
		f := &following{Group: g, c: c, good: good, here: here, first: first, due: map[*Mirror]bool{}, last: map[*Mirror]counters{}, wake: make(chan struct{}, 1)}
		return f.run(ctx)
	})
}

// following is a Group on one connection.
type following struct {
	*Group
	c       *imapclient.Client
	good    func()
	here    <-chan *Mirror
	first   <-chan struct{} // says the same of the first mailbox
	notify  bool
	last    map[*Mirror]counters // as of before the last Sync
	whole   time.Time            // when all were synced
	refused []*Mirror            // that are to be tried again

	wake chan struct{} // has an element when something is due

	mu      sync.Mutex
	due     map[*Mirror]bool
	syncing bool // what happens in the mailbox that is open is seen by the Sync
	lost    bool // the server has stopped telling
}

// counters are what STATUS tells of a mailbox.
type counters struct {
	messages, validity, unseen uint32
	next                       mail.UID
	modSeq                     mail.ModSeq
}

// unasked is how long a mailbox is not synced at most: a server may forget to tell.
const unasked = 10 * time.Minute

func (f *following) run(ctx context.Context) error {
	defer f.c.Listen(f.listen)()
	if err := f.subscribe(ctx); err != nil {
		return err
	}
	for {
		if time.Since(f.whole) >= unasked {
			f.whole = time.Now()
			for _, m := range f.Mirrors {
				f.mark(m)
			}
		}
		if err := f.syncDue(ctx); err != nil {
			return err
		}
		if err := f.wait(ctx); err != nil {
			return err
		}
		if err := f.poll(ctx); err != nil {
			return err
		}
	}
}

// syncDue syncs what is due, and goes back to the first: that is the one which is watched.
func (f *following) syncDue(ctx context.Context) error {
	for m := f.next(); m != nil; m = f.next() {
		if err := f.sync(ctx, m); err != nil {
			return err
		}
	}
	if first := f.Mirrors[0]; !f.telling() && f.open() != first && !slices.Contains(f.refused, first) {
		return f.sync(ctx, first)
	}
	return nil
}

// open returns the mailbox that is selected, nil for none of ours.
func (f *following) open() *Mirror {
	box := f.c.Mailbox()
	if box == nil {
		return nil
	}
	return f.mirror(box.Name)
}

// telling reports whether the server tells of all mailboxes.
func (f *following) telling() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notify && !f.lost
}

func (f *following) sync(ctx context.Context, m *Mirror) error {
	if open := f.open(); open != m {
		if err := f.switchTo(ctx, m); err != nil || open == nil || !f.telling() {
			return err
		}
		return f.left(ctx, open)
	}
	return f.switchTo(ctx, m)
}

func (f *following) switchTo(ctx context.Context, m *Mirror) error {
	for again := 0; ; again++ {
		f.setSyncing(true)
		res, err := m.Sync(ctx, f.c)
		f.setSyncing(false)
		if f.Done != nil {
			f.Done(m, res, err)
		}
		if imapclient.Refused(err) && f.c.Err() == nil {
			if !slices.Contains(f.refused, m) { // of this mailbox alone
				f.refused = append(f.refused, m)
			}
			return nil
		}
		if err != nil {
			return err
		}
		f.good()
		// What came between the commands of Sync, or is its own doing.
		if box := f.c.Mailbox(); box == nil || box.News == 0 || again == 3 {
			return nil
		}
	}
}
