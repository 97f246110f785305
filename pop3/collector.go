package pop3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/buuta/mail"
)

// Collector brings mail from a POP3 account into a mailbox, each message once. However it is stopped, the next run goes on where
// the last one ended: what was filed is not filed again, and what was not is still on the server.
//
// A message is removed from the server only after it has been committed. If the program dies between, the server offers
// the message again, and the token with which it was filed ([mail.AppendOptions].Token) keeps it from being doubled for a
// day; State does so for ever.
type Collector struct {
	// Mailbox is where the mail goes.
	Mailbox mail.Mailbox
	// Source names the account, for instance "alice@pop.example.net". It tells the tokens of two sources apart, and must
	// stay the same.
	Source string
	// Keep leaves the messages on the server. It needs a State.
	Keep bool
	// Expired, if not nil, says which of the messages that Keep leaves there are to go after all. It is asked for those that an earlier run
	// has filed.
	Expired func(uidl string) bool
	// State remembers what has been filed. nil relies on removal and tokens.
	State CollectorState
	// MaxSize leaves larger messages on the server; 0 means no limit. A server that sends more than it said is left off.
	MaxSize int64
	// MaxMessages is how many messages a run fetches at most; 0 means no limit. The others are the next run's.
	MaxMessages int
	// MaxListed is how many messages the server may have, which are held in memory as a list; 0: 1,000,000. With more the run fails.
	MaxListed int
	// Skip, if not nil, says which messages are left alone this time.
	Skip func(uidl string) bool
	// Change, if not nil, returns what is filed for a message, for instance with a field of its own above it. The message must be read from the
	// reader that is given, and no further than the result is.
	Change func(uidl string, message io.Reader) (io.Reader, error)
	// Each, if not nil, is called for each message that was filed, or was not because of err.
	Each func(uidl string, filed mail.Appended, err error)
}

// CollectorState is a durable set of unique-ids.
type CollectorState interface {
	// Has reports whether Add has been called for the unique-id.
	Has(ctx context.Context, uidl string) (bool, error)
	// Add puts a unique-id into the set. It survives what the mailbox survives.
	Add(ctx context.Context, uidl string) error
	// Keep removes every unique-id that is not among those given: the server has no such messages any more.
	Keep(ctx context.Context, uidls map[string]bool) error
}

// Collected says what a run did.
type Collected struct {
	Filed   int // new messages
	Known   int // filed by an earlier run
	Failed  int // that the server doesn't give or the mailbox doesn't take; they stay
	Skipped int // for their size, or by Skip
	Left    int // for another run, because of MaxMessages
}

// maxListed is MaxListed where it isn't set.
const maxListed = 1_000_000

// collectBatch is how many messages are fetched before they are marked as deleted.
const collectBatch = 64

// Run fetches what is new, and ends c's session with QUIT. On an error c is closed; what was filed until then counts. A mailbox that is full
// ends the run: what was filed is removed from the server as usual, and the error wraps [mail.ErrOverQuota].
func (f *Collector) Run(ctx context.Context, c *Client) (r Collected, err error) {
	defer c.Close()
	if f.Keep && f.State == nil {
		return r, errors.New("pop3: Collector that keeps messages on the server needs a State")
	}
	fetch, remove, there, err := f.plan(ctx, c, &r)
	if err != nil {
		return r, err
	}
	var full error
	for len(fetch) > 0 && full == nil {
		batch := fetch[:min(len(fetch), collectBatch)]
		fetch = fetch[len(batch):]
		filed, err := f.batch(ctx, c, batch, &r)
		switch {
		case errors.Is(err, mail.ErrOverQuota) && c.err == nil:
			full = err
		case err != nil:
			return r, err
		}
		if !f.Keep {
			remove = append(remove, filed...)
		}
	}
	if err := c.Dele(ctx, remove...); err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			return r, errors.Join(full, err)
		}
	}
	if err := c.Quit(ctx); err != nil {
		return r, errors.Join(full, err)
	}
	if f.State != nil {
		err = f.State.Keep(ctx, there)
	}
	return r, errors.Join(full, err)
}

// plan reads the server's list: what to fetch, what has been filed and can go, and which unique-ids there are.
func (f *Collector) plan(ctx context.Context, c *Client, r *Collected) (fetch []Listing, remove []int, there map[string]bool, err error) {
	most := f.MaxListed
	if most <= 0 {
		most = maxListed
	}
	long := func(n int) error {
		if n <= most {
			return nil
		}
		return fmt.Errorf("pop3: server lists more than %d messages", most)
	}
	large := map[int]bool{}
	if f.MaxSize > 0 {
		for l, err := range c.List(ctx) {
			if err != nil {
				return nil, nil, nil, err
			}
			if l.Size > f.MaxSize {
				large[l.Number] = true
			}
			if err := long(len(large)); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	there = map[string]bool{}
	var all []Listing
	for l, err := range c.UIDL(ctx) {
		if err != nil {
			return nil, nil, nil, err
		}
		all = append(all, l)
		if err := long(len(all)); err != nil {
			return nil, nil, nil, err
		}
	}
	for _, l := range all {
		known, copied := false, there[l.UID] // RFC 1939 section 7: identical copies may have one unique-id
		there[l.UID] = true
		if !copied && f.State != nil {
			if known, err = f.State.Has(ctx, l.UID); err != nil {
				return nil, nil, nil, err
			}
		}
		switch {
		case copied: // it goes when the one before it has been filed: not now
			r.Known++
		case known:
			r.Known++
			if !f.Keep || f.Expired != nil && f.Expired(l.UID) {
				remove = append(remove, l.Number)
			}
		case large[l.Number] || f.Skip != nil && f.Skip(l.UID):
			r.Skipped++
		case f.MaxMessages > 0 && len(fetch) == f.MaxMessages:
			r.Left++
		default:
			fetch = append(fetch, l)
		}
	}
	return fetch, remove, there, nil
}

// batch files some messages and returns the numbers of those that were.
func (f *Collector) batch(ctx context.Context, c *Client, batch []Listing, r *Collected) (filed []int, err error) {
	numbers := make([]int, len(batch))
	for i, l := range batch {
		numbers[i] = l.Number
	}
	i := 0
	for m, err := range c.RetrAll(ctx, numbers...) {
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			return filed, err
		}
		l := batch[i]
		i++
		var done mail.Appended
		if err == nil {
			if done, err = f.file(ctx, m, l.UID); errors.Is(err, mail.ErrTooLarge) {
				f.drop(c, m)
			}
		}
		if f.Each != nil {
			f.Each(l.UID, done, err)
		}
		switch {
		case err == nil:
			filed = append(filed, l.Number)
			r.Filed++
		case c.err != nil || ctx.Err() != nil:
			return filed, err // the connection broke within the message
		case errors.Is(err, errState):
			return filed, err
		case errors.Is(err, mail.ErrOverQuota):
			r.Failed++
			return filed, err // the next ones would be fetched for nothing
		default:
			r.Failed++
		}
	}
	return filed, nil
}

// errState says that the state failed after a message was filed; going on would file more without a trace.
var errState = errors.New("pop3: Collector's State")
