package mirror

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// Mirror keeps a mailbox's copy. It is for one goroutine at a time.
type Mirror struct {
	Mailbox string
	Cache   Cache

	// Items are fetched of each message that is new, besides its flags, and given to the cache.
	Items []imap.FetchItem
	// ReadOnly opens the mailbox by EXAMINE and changes nothing on the server.
	ReadOnly bool
	// KeepChanged brings back a message that was deleted here when the server has changed it after it was last seen. It needs
	// CONDSTORE.
	KeepChanged bool
	// Batch is how many messages are held in memory until they go to the cache at once; 0: 1000.
	Batch int
	// Progress, if not nil, is called after each batch.
	Progress func(Progress)
}

// Progress is how far a Sync is.
type Progress struct {
	Seen    int // messages of which the server has told
	Fetched int // new messages whose Items have come
	Total   int // messages in the mailbox; Seen ends below it where the server tells only of changes
}

// Method is how the copy was brought up to date.
type Method string

// The methods.
const (
	Unchanged   Method = "unchanged"  // the server said at once that nothing has happened
	QuickResync Method = "QRESYNC"    // it told what has changed and what is gone
	CondStore   Method = "CONDSTORE"  // it told what has changed
	Difference  Method = "difference" // everything was read and compared
	StartedAnew Method = "new"        // there was no copy, or the mailbox is another one (UIDVALIDITY)
)

// Result is what a Sync did.
type Result struct {
	Method                 Method
	Added, Updated, Gone   int // here
	Stored, Expunged, Sent int // on the server
}

// Sync brings the copy and the mailbox in step: what has happened on the server comes here, and then what has been changed here goes
// there. It selects the mailbox. Whatever interrupts it, another Sync goes on from there, over the same or another connection.
func (m *Mirror) Sync(ctx context.Context, c *imapclient.Client) (*Result, error) {
	s := &session{Mirror: m, c: c, res: &Result{}}
	err := s.run(ctx)
	return s.res, err
}

// session is one Sync.
type session struct {
	*Mirror
	c     *imapclient.Client
	box   *imapclient.Mailbox
	state State
	res   *Result

	here  mail.UIDSet // in the cache
	fresh mail.UIDSet // new messages whose Items are to be fetched
	seen  mail.UIDSet // UIDs of which the server has told
	count int
	next  mail.UID // a message that is added now has this UID or a higher one
}

func (s *session) run(ctx context.Context) (err error) {
	if s.box, err = s.c.Select(ctx, s.Mailbox, &imapclient.SelectOptions{ReadOnly: s.ReadOnly}); err != nil {
		return err
	}
	if s.state, err = s.Cache.State(ctx); err != nil {
		return err
	}
	if s.here, err = s.Cache.UIDs(ctx); err != nil {
		return err
	}
	if err := s.pull(ctx); err != nil {
		return err
	}
	if s.ReadOnly || s.box.ReadOnly {
		return nil
	}
	return s.push(ctx)
}

func (s *session) batch() int {
	if s.Batch > 0 {
		return s.Batch
	}
	return 1000
}

// apply changes the cache and counts.
func (s *session) apply(ctx context.Context, b *Batch) error {
	done, err := s.Cache.Apply(ctx, b)
	s.res.Added += done.Added
	s.res.Updated += done.Updated
	s.res.Gone += done.Removed
	return err
}
