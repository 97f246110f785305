package imapclient

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// A server with MESSAGELIMIT works on so many messages in one command, from the highest UID down, and tells the lowest that it
// came to (RFC 9738 section 3.1). The calls go on below it by themselves.

// limited notes how far down a command came, if s tells.
func (cmd *command) limited(s *imap.Status) {
	if s.Code != imap.CodeMessageLimit {
		return
	}
	_, lowest, ok := imap.ParseMessageLimit(s.Arg)
	switch {
	case ok && lowest > 0:
		cmd.lowest = mail.UID(lowest)
	case s.Type == imap.OK && cmd.bad == nil:
		cmd.bad = fmt.Errorf("%w: MESSAGELIMIT without how far it came", ErrSyntax)
	}
}

// limitedByNews gives an untagged MESSAGELIMIT to the command that it is about: the oldest that may stop like that. Client.mu is held.
func (c *Client) limitedByNews(s *imap.Status) {
	i := slices.IndexFunc(c.running, func(cmd *command) bool { return strings.HasPrefix(cmd.name, "UID ") })
	if i >= 0 {
		c.running[i].limited(s)
	}
}

// left returns what a command that has ended has left undone of its set. The set is empty when that is nothing. A set of
// sequence numbers can't be gone on with: the error is what the server said. Neither can one be of a server that stops where it has
// begun, or more often than the mailbox has messages.
func (c *Client) left(cmd *command, set Set) (Set, error) {
	c.mu.Lock()
	lowest := cmd.lowest
	rounds := set.rounds - 1
	if set.rounds == 0 {
		rounds = 100
		if c.mailbox != nil {
			rounds += int(c.mailbox.Messages)
		}
	}
	c.mu.Unlock()
	switch {
	case lowest == 0:
		return Set{uid: true}, nil
	case !set.uid || set.num.Saved:
		return set, c.failed(cmd, cmd.status)
	}
	var rest mail.UIDSet
	for _, r := range set.uids.Ranges() {
		if r.First < lowest {
			rest.AddRange(r.First, min(r.Last, lowest-1))
		}
	}
	out := UIDs(rest)
	if out.rounds = rounds; rest.Count() == set.uids.Count() || rounds == 0 {
		return out, c.failed(cmd, fmt.Errorf("%w: MESSAGELIMIT that makes no progress", ErrSyntax))
	}
	return out, nil
}

// saveLimit returns how many messages one APPEND or COPY may have, 0 for any number (RFC 9738 section 3.4).
func (c *Client) saveLimit() int {
	caps := c.Capabilities()
	for _, v := range append(caps.Values(string(imap.CapMessageLimit)), caps.Values(string(imap.CapSaveLimit))...) {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// few cuts a set of UIDs so that each piece has no more messages than one COPY may. The server is asked which messages there are
// only where the set could have more.
func (c *Client) few(ctx context.Context, set Set) ([]Set, error) {
	limit := c.saveLimit()
	if limit == 0 || !set.uid || set.num.Saved || set.uids.Count() <= limit {
		return set.pieces(), nil
	}
	r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchUID, Set: set.num}, nil)
	if err != nil {
		return nil, err
	}
	var out []Set
	var next mail.UIDSet
	for u := range r.UIDs.All() {
		if next.Add(u); next.Count() == limit {
			out, next = append(out, UIDs(next).pieces()...), mail.UIDSet{}
		}
	}
	if !next.Empty() {
		out = append(out, UIDs(next).pieces()...)
	}
	return out, nil
}
