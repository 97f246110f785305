package imapclient

import (
	"context"
	"iter"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// FetchOptions say what to fetch. The UID is always asked for.
type FetchOptions struct {
	// Items are what is asked for; see Items, Peek, Headers, PeekPart. Those that the server doesn't have (EMAILID, MODSEQ, …) are left
	// out: see Message.Has. BINARY, BINARY.SIZE and PREVIEW are made here then: of the part as it is encoded, which is held in memory,
	// and of the first 32 KiB of the message.
	Items []imap.FetchItem

	// ChangedSince leaves out messages that have not changed after it (RFC 7162 section 3.1.4.1). It needs CONDSTORE.
	ChangedSince mail.ModSeq
	// Vanished, if not nil, gets the UIDs of messages that are gone since ChangedSince, when the loop is over (RFC 7162 section
	// 3.2.6). It needs QRESYNC and a set of UIDs. UIDs may be named that were never there.
	Vanished *mail.UIDSet
	// Partial takes only these of the messages of the set, in the order of UIDs (RFC 9394). Without PARTIAL a search finds out which
	// these are.
	Partial *imap.PartialRange

	// Stream gives the first section that the server sends as a literal of more than 4096 octets as Message.Body, to be read from the
	// connection, instead of holding it in memory. Its Message comes when that section comes; what the server tells of it
	// behind that is there when the loop goes on.
	Stream bool
}

// Fetch yields the messages of the set that exist, with what opts ask for, as the server sends them (RFC 9051 section 6.4.5).
// The command is sent when the loop begins. The loop may be left at any time: what still comes for it is passed over,
// and the connection goes on with other commands at once. An error ends the loop; messages before it are good.
//
// Commands may be given within the loop. Messages that the server sends before their answers are then held in memory, up to
// Limits.Ahead; beyond that the loop ends with [ErrBehind].
//
// A long set is asked for in several commands, and so is one with more messages than the server's MESSAGELIMIT, from the
// highest UIDs down.
func (c *Client) Fetch(ctx context.Context, set Set, opts *FetchOptions) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		o := FetchOptions{}
		if opts != nil {
			o = *opts
		}
		set := c.named(set)
		if limit := c.saveLimit(); o.Partial != nil && (!c.Has(imap.CapPartial) || limit > 0 && o.Partial.Len() > limit) {
			var err error
			if set, err = c.page(ctx, set, *o.Partial); err != nil {
				yield(nil, err)
				return
			}
			o.Partial = nil
		}
		x := c.exchangeItems(&o)
		for _, piece := range set.pieces() {
			for !piece.Empty() {
				rest, ok := c.fetchPiece(ctx, piece, &o, x, yield)
				if !ok {
					return
				}
				piece = rest
			}
		}
		if x.err != nil {
			yield(nil, &Error{Command: set.command("FETCH"), Host: c.host, Err: x.err})
		}
	}
}

// page returns which messages of a set PARTIAL means.
func (c *Client) page(ctx context.Context, set Set, p imap.PartialRange) (Set, error) {
	if set.Empty() {
		return set, nil
	}
	key := imap.SearchKey{Op: imap.SearchUID, Set: set.num}
	if !set.uid {
		key.Op = imap.SearchSeq
	}
	r, err := c.Search(ctx, key, &imap.SearchOptions{Partial: &p})
	if err != nil {
		return set, err
	}
	return UIDs(r.Partial.Nums.UIDs(mail.MaxUID)), nil
}

// FetchOne fetches one message by its UID. The error is [mail.ErrExpunged] when it is gone.
func (c *Client) FetchOne(ctx context.Context, uid mail.UID, items ...imap.FetchItem) (*Message, error) {
	var found *Message
	for m, err := range c.Fetch(ctx, UID(uid), &FetchOptions{Items: items}) {
		if err != nil {
			return nil, err
		}
		if m.UID == uid {
			found = m
		}
	}
	if found == nil {
		return nil, &Error{Command: "UID FETCH", Host: c.host, Err: mail.ErrExpunged}
	}
	return found, nil
}

func (c *Client) fetchPiece(ctx context.Context, set Set, o *FetchOptions, x *itemExchange, yield func(*Message, error) bool) (rest Set, ok bool) {
	f := c.newFetching(set)
	f.stream, f.keep = o.Stream, x.keep
	flags := 2
	for _, item := range o.Items {
		f.want(item)
		if (item.Att == imap.FetchBodySection || item.Att == imap.FetchBinary) && !item.Peek || item.Att == imap.FetchRFC822 || item.Att == imap.FetchRFC822Text {
			flags = 1
		}
	}
	cmd := &command{name: set.command("FETCH"), rule: rule{seq: !set.uid, moves: set.uid, flags: flags}, fetch: f}
	switch {
	case o.ChangedSince > 0 && !c.Has(imap.CapCondStore) && !c.Has(imap.CapQResync):
		return rest, yield(nil, c.unsupported(cmd.name, imap.CapCondStore)) && false
	case o.Vanished != nil && (!c.isEnabled(imap.CapQResync) || !set.uid || o.ChangedSince == 0):
		return rest, yield(nil, c.unsupported(cmd.name, imap.CapQResync)) && false
	}
	err := c.start(ctx, cmd, func(e *imap.Encoder) {
		e.SP().NumSet(set.num).Raw(" (UID")
		for _, item := range o.Items {
			if item.Att != imap.FetchUID {
				e.SP().Raw(item.String())
			}
		}
		e.Raw(")")
		sep := " ("
		if o.ChangedSince > 0 {
			e.Raw(" (CHANGEDSINCE ").Number(uint64(o.ChangedSince))
			if o.Vanished != nil {
				e.Raw(" VANISHED")
			}
			sep = " "
		}
		if o.Partial != nil {
			e.Raw(sep + "PARTIAL " + o.Partial.String())
			sep = " "
		}
		if sep == " " {
			e.Raw(")")
		}
	})
	if err != nil {
		yield(nil, err)
		return rest, false
	}
	defer f.leave()
	var last *Message
	for {
		m, ok := f.next(ctx)
		if last != nil && last.Body != nil {
			last.add(last.Body)
			x.apply(last)
		}
		if last = m; !ok {
			break
		}
		x.apply(m)
		more := yield(m, nil)
		if m.Body != nil {
			m.Body.drop()
		}
		if !more {
			return rest, false
		}
	}
	if err := ctx.Err(); err != nil && !f.over() {
		c.abandon(cmd)
		yield(nil, c.failed(cmd, context.Cause(ctx)))
		return rest, false
	}
	<-cmd.done
	if o.Vanished != nil {
		c.mu.Lock()
		o.Vanished.AddSet(f.vanished)
		c.mu.Unlock()
	}
	if err := c.result(cmd); err != nil {
		yield(nil, err)
		return rest, false
	}
	if rest, err = c.left(cmd, set); err != nil {
		yield(nil, err)
		return rest, false
	}
	return rest, true
}
