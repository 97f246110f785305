package imapserver

import (
	"context"
	"math"
	"time"

	"github.com/buuta/mail/imap"
)

// progress tells the client of a command that takes long how far it is (RFC 9585), and finds out by that whether there is
// still somebody to tell: reading can't, because a client may have sent more and closed its half, but a word to one that
// is gone comes back as an error.
type progress struct {
	c     *Conn
	state imap.Progress
	every time.Duration
	told  time.Time
}

// progress begins to watch over a command that will work on goal things, 0 if that isn't known. The handler calls step
// again and again.
func (c *Conn) progress(cmd *command, goal int) *progress {
	return &progress{c: c, told: time.Now(), every: wait(c.srv.Timeouts.Progress, 5*time.Second),
		state: imap.Progress{Tag: cmd.tag, Goal: uint32(min(goal, math.MaxUint32)), Known: true}}
}

// step counts n things as done and says so when it is time to. An error means that the command must end: nobody waits for it
// any more. It must not be called within a response line.
func (p *progress) step(ctx context.Context, n int) error {
	p.state.Done += uint32(n)
	if err := ctx.Err(); err != nil {
		return err
	}
	if now := time.Now(); now.Sub(p.told) >= p.every {
		p.told = now
		return p.tell()
	}
	return nil
}

func (p *progress) tell() error {
	s := &imap.Status{Type: imap.OK, Text: "Still working."}
	if !p.c.isDisabled(imap.CapInProgress) {
		s.Code = imap.CodeInProgress
		shown := p.state
		shown.Done = min(shown.Done, orDefault(shown.Goal, math.MaxUint32))
		s.Arg = shown.Arg()
	}
	p.c.enc.Status("*", s)
	return p.c.enc.Flush()
}

// while runs f, which must leave the connection alone, and tells the client meanwhile that its command is still in
// progress. When the client is gone, f's context is cancelled. It returns when f has.
func (c *Conn) while(ctx context.Context, cmd *command, f func(ctx context.Context) error) error {
	p := c.progress(cmd, 0)
	p.state.Known = false
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	gone := false
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if !gone && p.tell() != nil {
				gone = true
				cancel()
			}
		}
	}
}
