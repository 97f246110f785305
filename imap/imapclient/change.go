package imapclient

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// StoreResult says what Store did.
type StoreResult struct {
	// Messages are those of which the server told the new flags: with Silent only those that others have changed at the same time.
	Messages []*Message
	// Modified are the messages that were left alone because of UnchangedSince: UIDs, or sequence numbers for a set of these.
	Modified imap.NumSet
}

// StoreOptions narrow Store. The zero value changes every message of the set and tells the new flags.
type StoreOptions struct {
	Silent bool // don't tell the new flags
	// UnchangedSince leaves messages alone that have changed after it (RFC 7162 section 3.1.3), which are then told in
	// StoreResult.Modified. It needs CONDSTORE. UnchangedSinceZero means a literal 0: only messages that have no such flag yet.
	UnchangedSince     mail.ModSeq
	UnchangedSinceZero bool
}

// Store changes the flags of messages (RFC 9051 section 6.4.6). opts may be nil.
func (c *Client) Store(ctx context.Context, set Set, op mail.FlagOp, flags mail.Flags, opts *StoreOptions) (*StoreResult, error) {
	o := StoreOptions{}
	if opts != nil {
		o = *opts
	}
	name := set.command("STORE")
	if err := c.needSet(name, set); err != nil {
		return nil, err
	}
	if set = c.named(set); set.Empty() {
		return new(StoreResult), nil
	}
	for _, k := range flags.Keywords {
		if !mail.ValidKeyword(k) {
			return nil, &Error{Command: name, Host: c.host, Err: badArgument("bad keyword " + k)}
		}
	}
	conditional := o.UnchangedSince > 0 || o.UnchangedSinceZero
	if conditional && !c.Has(imap.CapCondStore) && !c.Has(imap.CapQResync) {
		return nil, c.unsupported(name, imap.CapCondStore)
	}
	res := new(StoreResult)
	for todo := set.pieces(); len(todo) > 0; {
		piece := todo[0]
		f := c.newFetching(piece)
		f.need = HasFlags
		cmd := &command{name: name, rule: rule{seq: !set.uid, moves: set.uid, class: "STORE", flags: 1}, fetch: f}
		err := c.run(ctx, cmd, func(e *imap.Encoder) {
			e.SP().NumSet(piece.num)
			if conditional {
				e.Raw(" (UNCHANGEDSINCE ").Number(uint64(o.UnchangedSince)).Raw(")")
			}
			e.Raw([...]string{" +FLAGS", " -FLAGS", " FLAGS"}[op])
			if o.Silent {
				e.Raw(".SILENT")
			}
			e.SP().Flags(flags, false)
		})
		res.Messages = append(res.Messages, f.collect()...)
		if !cmd.left && cmd.status != nil && cmd.status.Code == imap.CodeModified {
			d := cmd.status.Values()
			res.Modified.Ranges = append(res.Modified.Ranges, d.SequenceSet().Ranges...)
		}
		// "NO [MODIFIED …]" is how it ends when none could be changed.
		if err != nil && !(conditional && CodeOf(err) == imap.CodeModified) {
			return res, err
		}
		if todo[0], err = c.left(cmd, piece); err != nil {
			return res, err
		}
		if todo[0].Empty() {
			todo = todo[1:]
		}
	}
	return res, nil
}

// Copy copies messages to another mailbox (RFC 9051 section 6.4.7). The result says which UIDs they have there, where the server
// tells (UIDPLUS); else it is empty. A set too long for one command is copied by several, of which some may fail.
func (c *Client) Copy(ctx context.Context, set Set, mailbox string) (mail.UIDMap, error) {
	return c.copy(ctx, "COPY", set, mailbox)
}

// Move moves messages to another mailbox (RFC 9051 section 6.4.8). Without MOVE they are copied, marked \Deleted and expunged, and
// without UIDPLUS either left there marked \Deleted: an EXPUNGE would take others' with it.
func (c *Client) Move(ctx context.Context, set Set, mailbox string) (mail.UIDMap, error) {
	if c.Has(imap.CapMove) {
		return c.copy(ctx, "MOVE", set, mailbox)
	}
	m, err := c.copy(ctx, "COPY", set, mailbox)
	if err != nil {
		return m, err
	}
	if _, err := c.Store(ctx, set, mail.FlagsAdd, mail.Flags{System: mail.Deleted}, &StoreOptions{Silent: true}); err != nil {
		return m, err
	}
	if !set.uid || !c.Has(imap.CapUIDPlus) {
		return m, nil
	}
	return m, c.ExpungeSet(ctx, set)
}

func (c *Client) copy(ctx context.Context, name string, set Set, mailbox string) (out mail.UIDMap, err error) {
	name = set.command(name)
	if err := c.needSet(name, set); err != nil {
		return out, err
	}
	if set = c.named(set); set.Empty() {
		return out, nil
	}
	todo := set.pieces()
	if strings.HasSuffix(name, "COPY") {
		if todo, err = c.few(ctx, set); err != nil {
			return out, err
		}
	}
	for len(todo) > 0 {
		piece := todo[0]
		cmd := &command{name: name, rule: rule{seq: !set.uid, moves: true, class: "COPY", flags: 2}}
		var some mail.UIDMap
		cmd.code = func(s *imap.Status) {
			if s.Code == imap.CodeCopyUID {
				addCopied(&some, s)
			}
		}
		got, err := answer(ctx, c, cmd, &some, func(e *imap.Encoder) { e.SP().NumSet(piece.num).SP().Mailbox(mailbox) })
		if len(got.From) > 0 {
			out.UIDValidity, out.From, out.To = got.UIDValidity, append(out.From, got.From...), append(out.To, got.To...)
		}
		if err != nil {
			return out, err
		}
		if todo[0], err = c.left(cmd, piece); err != nil {
			return out, err
		}
		if todo[0].Empty() {
			todo = todo[1:]
		}
	}
	return out, nil
}

// maxCopied bounds how many UIDs a server can make of the few octets of a COPYUID.
const maxCopied = 1 << 24

// addCopied reads COPYUID (RFC 4315 section 3), which comes with the end of COPY and before that of MOVE. One that doesn't pair is
// left out.
func addCopied(m *mail.UIDMap, s *imap.Status) {
	d := s.Values()
	validity := d.Number()
	d.SP()
	from := d.SequenceSet()
	d.SP()
	to := d.SequenceSet()
	a, b := uidsOf(from), uidsOf(to)
	if d.Err() != nil || len(a) != len(b) {
		return
	}
	m.UIDValidity = validity
	m.From, m.To = append(m.From, a...), append(m.To, b...)
}

// uidsOf returns the UIDs of a set in the order in which it names them.
func uidsOf(s imap.NumSet) (out []mail.UID) {
	n := 0
	for _, r := range s.Ranges {
		lo, hi := min(r.First, r.Last), max(r.First, r.Last)
		if n += int(hi-lo) + 1; lo == 0 || n > maxCopied {
			return nil
		}
	}
	out = make([]mail.UID, 0, n)
	for _, r := range s.Ranges {
		for u := min(r.First, r.Last); ; u++ {
			out = append(out, mail.UID(u))
			if u == max(r.First, r.Last) {
				break
			}
		}
	}
	return out
}

// Expunge removes every message that is marked \Deleted (RFC 9051 section 6.4.3), whoever has marked it.
func (c *Client) Expunge(ctx context.Context) error {
	return c.run(ctx, &command{name: "EXPUNGE", rule: rule{moves: true, class: "EXPUNGE", flags: 1}}, nil)
}

// ExpungeSet removes the messages of the set that are marked \Deleted (RFC 9051 section 6.4.9). It needs a set of UIDs, and
// UIDPLUS: there is no other way that is safe.
func (c *Client) ExpungeSet(ctx context.Context, set Set) error {
	if !c.Has(imap.CapUIDPlus) {
		return c.unsupported("UID EXPUNGE", imap.CapUIDPlus)
	}
	if !set.uid {
		return &Error{Command: "UID EXPUNGE", Host: c.host, Err: badArgument("set is not of UIDs")}
	}
	if err := c.needSet("UID EXPUNGE", set); err != nil {
		return err
	}
	if set = c.named(set); set.Empty() {
		return nil
	}
	for todo := set.pieces(); len(todo) > 0; {
		piece := todo[0]
		cmd := &command{name: "UID EXPUNGE", rule: rule{moves: true, class: "EXPUNGE", flags: 1}}
		err := c.run(ctx, cmd, func(e *imap.Encoder) { e.SP().NumSet(piece.num) })
		if err != nil {
			return err
		}
		if todo[0], err = c.left(cmd, piece); err != nil {
			return err
		}
		if todo[0].Empty() {
			todo = todo[1:]
		}
	}
	return nil
}
