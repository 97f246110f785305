package imapclient

import (
	"context"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// fetching is a command whose data are FETCH responses: what it may take of them, and the queue between the reading goroutine
// and the loop.
type fetching struct {
	c      *Client
	set    Set
	need   Has
	all    bool // every FETCH response is taken: SELECT with QRESYNC
	stream bool
	keep   func(label imap.FetchItem) bool // whether a section is not to be streamed; nil: none

	ready chan struct{} // has an element when the queue or its end is news for the loop
	taken chan struct{} // has an element when the loop has taken what was queued, or has been left

	// Below Client.mu.
	queue    []*Message
	queued   int64
	vanished mail.UIDSet
	left     bool
	ended    bool

	// The loop's.
	batch   []*Message
	at      int
	scratch []byte
}

// enough is how many octets and messages the reading goroutine queues before it waits for the loop.
const (
	enoughOctets   = 1 << 20
	enoughMessages = 512
)

func (c *Client) newFetching(set Set) *fetching {
	return &fetching{c: c, set: set, need: hasUID, ready: make(chan struct{}, 1), taken: make(chan struct{}, 1)}
}

// attributes says which field an attribute fills.
func attribute(a imap.FetchAtt) Has {
	switch a {
	case imap.FetchFlags:
		return HasFlags
	case imap.FetchModSeq:
		return HasModSeq
	case imap.FetchInternalDate:
		return HasInternalDate
	case imap.FetchSaveDate:
		return HasSaveDate
	case imap.FetchSize:
		return HasSize
	case imap.FetchEnvelope:
		return HasEnvelope
	case imap.FetchBody, imap.FetchBodyStructure:
		return HasStructure
	case imap.FetchEmailID:
		return HasEmailID
	case imap.FetchThreadID:
		return HasThreadID
	case "PREVIEW":
		return HasPreview
	case imap.FetchUID:
		return hasUID
	}
	return hasSection
}

func (f *fetching) want(item imap.FetchItem) { f.need |= attribute(item.Att) }

// news is what a server tells of a message by itself.
const news = hasUID | HasFlags | HasModSeq

// takes reports whether a FETCH response with these fields answers the command. Servers may send the items of a message in
// several responses, so that one item that was asked for is enough; but flags alone are news unless nothing else was asked for.
func (f *fetching) takes(m *Message) bool {
	switch {
	case f.all:
		return true
	case !f.set.contains(m.Seq, m.UID):
		return false
	case f.need&^news != 0:
		return m.Has&f.need&^news != 0
	}
	return m.Has&f.need&^hasUID == f.need&^hasUID && m.Has&^news == 0 && (f.need != hasUID || m.UID != 0)
}

// owner finds the command that a FETCH response answers, the oldest first. Client.mu is held.
func (c *Client) owner(m *Message) *command {
	for _, cmd := range c.running {
		if cmd.fetch != nil && cmd.fetch.takes(m) {
			return cmd
		}
	}
	return nil
}

// push queues a message for the loop, and then waits until the loop is not too far behind. The reading goroutine calls it.
func (f *fetching) push(m *Message, size int64) {
	c := f.c
	c.mu.Lock()
	if f.left {
		c.mu.Unlock()
		return
	}
	f.queue = append(f.queue, m)
	f.queued += size + 500
	signal(f.ready)
	var patience <-chan time.Time
	for !f.left && c.err == nil && (f.queued > enoughOctets || len(f.queue) > enoughMessages) {
		urgent := c.waiting > 0
		if urgent && f.queued < c.lim.Ahead {
			break
		}
		if urgent && patience == nil {
			t := time.NewTimer(c.line.silence)
			defer t.Stop()
			patience = t.C
		}
		c.mu.Unlock()
		select {
		case <-f.taken:
		case <-c.hurry:
		case <-c.over:
		case <-patience:
			f.tooLate()
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
}

// tooLate ends a loop that holds up everything else.
func (f *fetching) tooLate() {
	f.c.mu.Lock()
	for _, cmd := range f.c.running {
		if cmd.fetch == f && cmd.bad == nil {
			cmd.bad = ErrBehind
		}
	}
	f.c.mu.Unlock()
	f.leave()
}

// next returns the loop's next message; ok is false at the end, and when ctx ends.
func (f *fetching) next(ctx context.Context) (m *Message, ok bool) {
	for f.at == len(f.batch) {
		f.c.mu.Lock()
		clear(f.batch)
		f.batch, f.queue = f.queue, f.batch[:0]
		f.at, f.queued = 0, 0
		ended := f.ended || f.left
		f.c.mu.Unlock()
		signal(f.taken)
		if len(f.batch) > 0 {
			break
		}
		if ended {
			return nil, false
		}
		select {
		case <-f.ready:
		case <-ctx.Done():
			return nil, false
		}
	}
	if ctx.Err() != nil {
		return nil, false
	}
	f.at++
	return f.batch[f.at-1], true
}

// over reports whether everything has come and been taken.
func (f *fetching) over() bool {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return (f.ended || f.left) && f.at == len(f.batch) && len(f.queue) == 0
}

// leave says that nobody wants the rest.
func (f *fetching) leave() {
	f.c.mu.Lock()
	f.left, f.queue, f.queued = true, nil, 0
	f.c.mu.Unlock()
	signal(f.taken)
	signal(f.ready)
}

// end says that nothing more will come.
func (f *fetching) end() {
	f.c.mu.Lock()
	f.ended = true
	f.c.mu.Unlock()
	signal(f.ready)
}

// collect returns everything that came, for commands that are waited for.
func (f *fetching) collect() []*Message {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	out := slices.Clone(f.queue)
	f.queue = nil
	return out
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
