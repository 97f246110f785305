package imapclient

import (
	"context"
	"strings"

	"github.com/buuta/mail/imap"
)

// SearchMailboxes searches several mailboxes at once (RFC 7377), and returns a result for each that has a match, with its name and
// UIDVALIDITY. It needs MULTISEARCH. What was selected stays so.
func (c *Client) SearchMailboxes(ctx context.Context, in []imap.MailboxFilter, key imap.SearchKey, opts *imap.SearchOptions) ([]imap.ESearch, error) {
	var out []imap.ESearch
	if !c.Has(imap.CapMultiSearch) {
		return nil, c.unsupported("ESEARCH", imap.CapMultiSearch)
	}
	o := imap.SearchOptions{}
	if opts != nil {
		o = *opts
	}
	o.Return = true
	if !o.Min && !o.Max && !o.Count && o.Partial == nil {
		o.All = true
	}
	cmd := &command{name: "ESEARCH", rule: rule{moves: true, seq: usesSeq(key), class: "SEARCH", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "ESEARCH" {
			return false
		}
		r := d.ESearch()
		switch {
		case d.Err() != nil:
		case !strings.EqualFold(r.Tag, cmd.tag) || len(r.Updates) > 0:
			c.tell(SearchEvent{r})
		case len(out) < c.lim.Items:
			out = append(out, r)
		}
		return true
	}
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) { e.SP().ESearchProgram(in, o, key) })
}

// CancelUpdate ends the updates of searches with Update, by their Tag (RFC 5267 section 4.3.5).
func (c *Client) CancelUpdate(ctx context.Context, tags ...string) error {
	if !c.Has(imap.CapContextSearch) {
		return c.unsupported("CANCELUPDATE", imap.CapContextSearch)
	}
	return c.run(ctx, &command{name: "CANCELUPDATE", rule: rule{moves: true, class: "SEARCH"}}, func(e *imap.Encoder) {
		for _, t := range tags {
			e.SP().String(t)
		}
	})
}
