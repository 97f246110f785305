package imapclient

import (
	"context"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
)

// Thread finds messages and puts them in threads, of UIDs (RFC 5256). Where the server doesn't have the algorithm, or has a MESSAGELIMIT
// below the number of messages, the search is the server's, and subjects, dates and references are fetched and made threads of
// here, in the same way.
func (c *Client) Thread(ctx context.Context, alg imap.ThreadAlgorithm, key imap.SearchKey) ([]imap.Thread, error) {
	if !c.Has(imap.Capability("THREAD=" + string(alg))) {
		return c.threadHere(ctx, alg, key)
	}
	var threads []imap.Thread
	program := c.keyWithSaved(key)
	cmd := &command{name: "UID THREAD", rule: rule{moves: true, seq: usesSeq(key), class: "THREAD", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what == "THREAD" {
			threads = append(threads, d.Threads()...)
		}
		return what == "THREAD"
	}
	out, err := answer(ctx, c, cmd, &threads, func(e *imap.Encoder) { e.SP().ThreadProgram(alg, "UTF-8", program) })
	if CodeOf(err) == imap.CodeMessageLimit {
		return c.threadHere(ctx, alg, key)
	}
	return out, err
}

func (c *Client) threadHere(ctx context.Context, alg imap.ThreadAlgorithm, key imap.SearchKey) ([]imap.Thread, error) {
	switch alg {
	case imap.ThreadOrderedSubject, imap.ThreadReferences, imap.ThreadRefs:
	default:
		return nil, c.unsupported("UID THREAD", imap.Capability("THREAD="+string(alg)))
	}
	found, err := c.Search(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	items := Items(imap.FetchEnvelope, imap.FetchInternalDate)
	var b thread.Builder
	add := b.AddSubject
	if alg != imap.ThreadOrderedSubject {
		add = b.Add
		items = append(items, Headers("References"))
	}
	for m, err := range c.inOrder(ctx, found.UIDs, items) {
		if err != nil {
			return nil, err
		}
		if m.Envelope == nil {
			continue // it went while we asked
		}
		e := m.Envelope
		add(&thread.Message{Num: uint32(m.UID), Date: thread.SentDate(e, m.InternalDate), Subject: c.decodeText(e.Subject.Value),
			MessageID: e.MessageID.Value, References: m.field("References"), InReplyTo: e.InReplyTo.Value})
	}
	switch alg {
	case imap.ThreadOrderedSubject:
		return b.OrderedSubject(), nil
	case imap.ThreadRefs:
		return b.Refs(), nil
	}
	return b.References(), nil
}
