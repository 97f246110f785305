package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// poller follows a mailbox by Changes alone and complains when it is told something impossible.
type poller struct {
	since mail.ModSeq
	seen  map[mail.UID]mail.Message
	next  mail.UID // no new message may have a lower UID
	gone  mail.UIDSet
}

func (p *poller) poll(ctx context.Context, m mail.Mailbox) error {
	c, err := m.Changes(ctx, p.since)
	if err != nil {
		return err
	}
	if c.State.HighestModSeq < p.since {
		return fmt.Errorf("HIGHESTMODSEQ went from %d to %d", p.since, c.State.HighestModSeq)
	}
	last := mail.UID(0)
	for _, msg := range c.Changed {
		switch old, known := p.seen[msg.UID]; {
		case msg.UID <= last:
			return fmt.Errorf("UID %d after %d", msg.UID, last)
		case msg.ModSeq <= p.since || msg.ModSeq > c.State.HighestModSeq:
			return fmt.Errorf("UID %d with ModSeq %d, asked since %d, state has %d", msg.UID, msg.ModSeq, p.since, c.State.HighestModSeq)
		case known && msg.ModSeq <= old.ModSeq:
			return fmt.Errorf("UID %d told twice with ModSeq %d", msg.UID, msg.ModSeq)
		case !known && msg.UID < p.next:
			return fmt.Errorf("UID %d is new, though %d was there before", msg.UID, p.next-1)
		case p.gone.Contains(msg.UID):
			return fmt.Errorf("UID %d is back", msg.UID)
		}
		last = msg.UID
		p.seen[msg.UID] = msg
	}
	if last >= p.next {
		p.next = last + 1
	}
	for _, r := range c.Vanished.Ranges() {
		for uid := range p.seen {
			if uid >= r.First && uid <= r.Last {
				delete(p.seen, uid)
				p.gone.Add(uid)
			}
		}
	}
	if len(p.seen) != int(c.State.Messages) {
		return fmt.Errorf("%d messages after the changes, the state says %d", len(p.seen), c.State.Messages)
	}
	p.since = c.State.HighestModSeq
	return nil
}

// crew runs functions at once and fails with their first error.
type crew struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	errs []error
}

func (c *crew) start(f func() error) {
	c.wg.Go(func() {
		if err := f(); err != nil {
			c.mu.Lock()
			c.errs = append(c.errs, err)
			c.mu.Unlock()
		}
	})
}

func (c *crew) wait(e *env) {
	e.Helper()
	c.wg.Wait()
	require.NoError(e, errors.Join(c.errs...))
}

// testPollers has several sessions append, flag, copy and expunge while others follow: no change is lost or seen twice, ModSeqs
// grow, UIDs ascend and are never reused.
func testPollers(e *env) {
	const rounds = 25
	start := e.state(e.open("INBOX")).HighestModSeq
	var work, follow crew
	done := make(chan struct{})
	var mu sync.Mutex
	given := map[mail.UID]string{}
	for i := range 4 {
		m := e.open("INBOX")
		work.start(func() error {
			for j := range rounds {
				s := text(i*1000 + j)
				got, err := add(e.ctx, m, s, nil)
				if err != nil {
					return err
				}
				mu.Lock()
				if old, twice := given[got.UIDs[0]]; twice {
					err = fmt.Errorf("UID %d for %q and %q", got.UIDs[0], old, s)
				}
				given[got.UIDs[0]] = s
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range 3 {
		m := e.open("INBOX")
		rnd := rand.New(rand.NewPCG(uint64(i), 7))
		work.start(func() error {
			for range rounds {
				set := mail.UIDSetOf(mail.UID(1+rnd.IntN(4*rounds)), mail.UID(1+rnd.IntN(4*rounds)))
				c := mail.FlagChange{Op: mail.FlagOp(rnd.IntN(3)), Flags: mail.NewFlags(modelFlags[rnd.IntN(len(modelFlags))])}
				if _, err := m.SetFlags(e.ctx, set, c); err != nil {
					return err
				}
				if rnd.IntN(4) == 0 {
					if _, err := m.Expunge(e.ctx, set, nil); err != nil {
						return err
					}
				}
				if rnd.IntN(8) == 0 {
					if _, err := m.Copy(e.ctx, set, m.Info().ID, &mail.CopyOptions{Move: rnd.IntN(2) == 0}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	pollers := make([]*poller, 3)
	for i := range pollers {
		m := e.open("INBOX")
		p := &poller{since: start, seen: map[mail.UID]mail.Message{}}
		pollers[i] = p
		follow.start(func() error {
			for {
				select {
				case <-done:
					return p.poll(e.ctx, m)
				default:
					if err := p.poll(e.ctx, m); err != nil {
						return err
					}
				}
			}
		})
	}
	work.wait(e)
	close(done)
	follow.wait(e)
	m := e.open("INBOX")
	final := e.messages(m)
	for _, p := range pollers {
		require.Len(e, p.seen, len(final))
		for _, msg := range final {
			e.equal(msg.ModSeq, p.seen[msg.UID].ModSeq)
			e.equal(msg.Flags, p.seen[msg.UID].Flags)
		}
	}
	for _, msg := range final {
		if want, ok := given[msg.UID]; ok {
			e.equal(want, e.content(m, msg.UID))
		}
	}
}

// testMoves has sessions move the same messages to and fro between two mailboxes: none is doubled, none is lost.
func testMoves(e *env) {
	const n = 20
	a := e.open("INBOX")
	b := e.create("other")
	for i := range n {
		e.add(a, text(i))
	}
	var c crew
	for i := range 6 {
		from, to := e.open("INBOX"), b.Info().ID
		if i%2 == 1 {
			from, to = e.open("other"), a.Info().ID
		}
		c.start(func() error {
			for range 6 {
				if _, err := from.Copy(e.ctx, mail.AllUIDs(), to, &mail.CopyOptions{Move: true}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.wait(e)
	got := map[string]int{}
	for _, m := range []mail.Mailbox{a, b} {
		for _, uid := range e.uids(m) {
			got[e.content(m, uid)]++
		}
	}
	require.Len(e, got, n)
	for s, times := range got {
		require.Equal(e, 1, times, s)
	}
}

// testConcurrentFlags has sessions set different flags on the same messages: each change keeps the others'.
func testConcurrentFlags(e *env) {
	m := e.open("INBOX")
	for i := range 5 {
		e.add(m, text(i))
	}
	var c crew
	for _, flag := range modelFlags {
		s := e.open("INBOX")
		c.start(func() error {
			for _, op := range []mail.FlagOp{mail.FlagsAdd, mail.FlagsRemove, mail.FlagsAdd} {
				if _, err := s.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{Op: op, Flags: mail.NewFlags(flag)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.wait(e)
	for _, msg := range e.messages(m) {
		require.Len(e, msg.Flags.Names(), len(modelFlags))
	}
	// A change conditional on the same ModSeq succeeds for one only (RFC 7162 section 3.1.3).
	st := e.state(m)
	var won sync.Map
	for i := range 4 {
		s := e.open("INBOX")
		c.start(func() error {
			r, err := s.SetFlags(e.ctx, mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsReplace, Flags: mail.NewFlags(fmt.Sprintf("winner%d", i)), UnchangedSince: st.HighestModSeq})
			if err == nil && !r.Changed.Empty() {
				won.Store(i, r)
			}
			return err
		})
	}
	c.wait(e)
	wins := 0
	won.Range(func(_, r any) bool {
		wins++
		e.equal("1:5", r.(mail.FlagResult).Changed.String())
		return true
	})
	e.equal(1, wins)
}
