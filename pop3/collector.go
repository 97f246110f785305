package pop3

import (
	"context"
	"errors"
	"fmt"

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
	// State remembers what has been filed. nil relies on removal and tokens.
	State CollectorState
	// MaxSize leaves larger messages on the server; 0 means no limit.
	MaxSize int64
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
	Skipped int // for their size
}

// collectBatch is how many messages are fetched before they are marked as deleted.
const collectBatch = 64

// Run fetches what is new, and ends c's session with QUIT. On an error c is closed; what was filed until then counts.
func (f *Collector) Run(ctx context.Context, c *Client) (r Collected, err error) {
	defer c.Close()
	if f.Keep && f.State == nil {
		return r, errors.New("pop3: Collector that keeps messages on the server needs a State")
	}
	fetch, remove, there, err := f.plan(ctx, c, &r)
	if err != nil {
		return r, err
	}
	for len(fetch) > 0 {
		batch := fetch[:min(len(fetch), collectBatch)]
		fetch = fetch[len(batch):]
		filed, err := f.batch(ctx, c, batch, &r)
		if err != nil {
			return r, err
		}
		remove = append(remove, filed...)
	}
	if !f.Keep {
		if err := c.Dele(ctx, remove...); err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				return r, err
			}
		}
	}
	if err := c.Quit(ctx); err != nil {
		return r, err
	}
	if f.State != nil {
		err = f.State.Keep(ctx, there)
	}
	return r, err
}

// plan reads the server's list: what to fetch, what has been filed and can go, and which unique-ids there are.
func (f *Collector) plan(ctx context.Context, c *Client, r *Collected) (fetch []Listing, remove []int, there map[string]bool, err error) {
	large := map[int]bool{}
	if f.MaxSize > 0 {
		for l, err := range c.List(ctx) {
			if err != nil {
				return nil, nil, nil, err
			}
			if l.Size > f.MaxSize {
				large[l.Number] = true
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
	}
	for _, l := range all {
		known := there[l.UID] // RFC 1939 section 7: identical copies may have one unique-id
		there[l.UID] = true
		if !known && f.State != nil {
			if known, err = f.State.Has(ctx, l.UID); err != nil {
				return nil, nil, nil, err
			}
		}
		switch {
		case known:
			r.Known++
			remove = append(remove, l.Number)
		case large[l.Number]:
			r.Skipped++
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
			done, err = f.file(ctx, m, l.UID)
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
		default:
			r.Failed++
		}
	}
	return filed, nil
}

// errState says that the state failed after a message was filed; going on would file more without a trace.
var errState = errors.New("pop3: Collector's State")

// file puts one message into the mailbox.
func (f *Collector) file(ctx context.Context, m *Message, uidl string) (mail.Appended, error) {
	a, err := f.Mailbox.Append(ctx)
	if err != nil {
		return mail.Appended{}, err
	}
	defer a.Abort()
	if err := a.Add(ctx, m, &mail.AppendOptions{Token: "pop3/" + f.Source + "/" + uidl}); err != nil {
		return mail.Appended{}, err
	}
	done, err := a.Commit(ctx)
	if err != nil {
		return mail.Appended{}, err
	}
	if f.State != nil {
		if err := f.State.Add(ctx, uidl); err != nil {
			return done, fmt.Errorf("%w: %w", errState, err)
		}
	}
	return done, nil
}
