package imapclient

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
	"github.com/buuta/mail/mime"
)

// Sort finds messages and puts them in order (RFC 5256). Without opts, or with All, the result is in SearchResult.Order. With Min, Max, Count
// or Partial only these are told: the first and the last in the order, how many there are, and those at some positions, which
// with ESORT are all that the server sends (RFC 5267 section 3). Update needs CONTEXT=SORT.
//
// Without SORT, without SORT=DISPLAY where that is asked for, and where there are more messages than the server's MESSAGELIMIT,
// the search is the server's, and what the criteria compare is fetched and put in the same order here. RELEVANCY needs
// SEARCH=FUZZY.
func (c *Client) Sort(ctx context.Context, by []imap.SortCriterion, key imap.SearchKey, opts *imap.SearchOptions) (*SearchResult, error) {
	o := imap.SearchOptions{}
	if opts != nil {
		o = *opts
	}
	const name = "UID SORT"
	if len(by) == 0 {
		return nil, &Error{Command: name, Host: c.host, Err: badArgument("nothing to sort by")}
	}
	if !o.Min && !o.Max && !o.Count && !o.Save && o.Partial == nil {
		o.All = true
	}
	relevancy := o.Relevancy || sortsBy(by, imap.SortRelevancy)
	switch {
	case relevancy && !c.Has(imap.CapSearchFuzzy):
		return nil, c.unsupported(name, imap.CapSearchFuzzy)
	case (o.Update || o.Context) && !c.Has(imap.CapContextSort):
		return nil, c.unsupported(name, imap.CapContextSort)
	case !c.Has(imap.CapSort), o.Save && !c.Has(imap.CapSearchRes),
		!c.Has(imap.CapSortDisplay) && (sortsBy(by, imap.SortDisplayFrom) || sortsBy(by, imap.SortDisplayTo)):
		return c.sortHere(ctx, by, key, &o)
	}
	res, err := c.sort(ctx, by, key, &o)
	// "Servers that advertise MESSAGELIMIT N will be unable to execute a … SORT command … with more than N messages" (RFC 9738
	// section 3.3).
	if CodeOf(err) == imap.CodeMessageLimit && !o.Update {
		return c.sortHere(ctx, by, key, &o)
	}
	return res, err
}

func sortsBy(by []imap.SortCriterion, key imap.SortKey) bool {
	return slices.ContainsFunc(by, func(c imap.SortCriterion) bool { return c.Key == key })
}

// sort lets the server sort.
func (c *Client) sort(ctx context.Context, by []imap.SortCriterion, key imap.SearchKey, want *imap.SearchOptions) (*SearchResult, error) {
	o := *want
	o.Charset = cmp.Or(o.Charset, "UTF-8")
	if o.Partial != nil && !c.Has(imap.CapContextSort) || o.Partial != nil && o.Partial.FromEnd && !c.Has(imap.CapPartial) {
		o.Partial, o.All = nil, true
	}
	o.Return = c.Has(imap.CapESort) || c.Has(imap.CapContextSort)
	if !o.Return {
		o = imap.SearchOptions{Charset: o.Charset}
	} else if o.All && o.Partial != nil {
		o.Partial = nil // "either one PARTIAL, one ALL" (RFC 5267 section 4.4): it is a piece of ALL
	}
	var order []mail.UID
	var got imap.ESearch
	key = c.keyWithSaved(key)
	cmd := &command{name: "UID SORT", rule: rule{moves: true, seq: usesSeq(key), class: "SEARCH", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		switch what {
		case "SORT":
			for _, n := range d.SearchData().Nums {
				order = append(order, mail.UID(n))
			}
			return true
		case "ESEARCH":
			return c.takeESearch(d, cmd, &got)
		}
		return false
	}
	err := c.run(ctx, cmd, func(e *imap.Encoder) { e.SP().SortProgram(o, by, key) })
	if err != nil {
		return nil, err
	}
	if len(got.All.Ranges) > 0 {
		order = uidsOf(got.All)
	}
	whole := o.All || !o.Return
	res := sortResult(want, order, whole)
	res.Tag, res.ModSeq, res.Relevancy = cmd.tag, mail.ModSeq(got.ModSeq), got.Relevancy
	if !whole {
		res.Min, res.Max, res.Partial = mail.UID(got.Min), mail.UID(got.Max), got.Partial
		if got.Count != nil {
			res.Count = int(*got.Count)
		}
	}
	if want.Save {
		c.savedThere()
	}
	return res, nil
}

// sortResult makes the result of an order, if that is the whole one.
func sortResult(o *imap.SearchOptions, order []mail.UID, whole bool) *SearchResult {
	res := &SearchResult{}
	if !whole {
		return res
	}
	if res.Count = len(order); o.All {
		res.Order = order
	}
	if len(order) > 0 {
		if o.Min {
			res.Min = order[0]
		}
		if o.Max {
			res.Max = order[len(order)-1]
		}
	}
	if o.Partial != nil {
		res.Partial = partOf(order, *o.Partial)
	}
	return res
}

// sortHere lets the server search, and sorts here.
func (c *Client) sortHere(ctx context.Context, by []imap.SortCriterion, key imap.SearchKey, o *imap.SearchOptions) (*SearchResult, error) {
	relevancy := o.Relevancy || sortsBy(by, imap.SortRelevancy)
	found, err := c.Search(ctx, key, &imap.SearchOptions{All: true, Save: o.Save, Relevancy: relevancy, Charset: o.Charset})
	if err != nil {
		return nil, err
	}
	date, size, envelope := thread.Needs(by)
	var items []imap.FetchItem
	for att, need := range map[imap.FetchAtt]bool{imap.FetchInternalDate: date, imap.FetchSize: size, imap.FetchEnvelope: envelope} {
		if need {
			items = append(items, imap.FetchItem{Att: att})
		}
	}
	sorter := thread.NewSorter(by, c.decodeText)
	scores := map[mail.UID]uint8{}
	if relevancy {
		for u := range found.UIDs.All() {
			if len(scores) == len(found.Relevancy) {
				break
			}
			scores[u] = found.Relevancy[len(scores)]
		}
	}
	if len(items) == 0 {
		for u := range found.UIDs.All() {
			sorter.Add(&thread.Row{UID: u})
		}
	}
	if len(items) > 0 {
		for m, err := range c.inOrder(ctx, found.UIDs, items) {
			if err != nil {
				return nil, err
			}
			sorter.Add(&thread.Row{UID: m.UID, InternalDate: m.InternalDate, Size: m.Size, Envelope: m.Envelope})
		}
	}
	sorter.SetScores(scores)
	order := sorter.Sorted()
	res := sortResult(o, order, true)
	res.ModSeq = found.ModSeq
	if o.Relevancy {
		for _, u := range order {
			res.Relevancy = append(res.Relevancy, scores[u])
		}
	}
	return res, nil
}

// decodeText decodes the encoded words of a header field.
func (c *Client) decodeText(s string) string {
	return (&mime.TextDecoder{CharsetReader: c.opts.CharsetReader}).Decode(s)
}

// atOnce is how many messages inOrder holds at most.
const atOnce = 1000

// inOrder fetches messages and yields them in the order of the mailbox, whatever the server's is.
func (c *Client) inOrder(ctx context.Context, uids mail.UIDSet, items []imap.FetchItem) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		list := slices.Collect(uids.All())
		for some := range slices.Chunk(list, atOnce) {
			var msgs []*Message
			for m, err := range c.Fetch(ctx, UID(some...), &FetchOptions{Items: items}) {
				if err != nil {
					yield(nil, err)
					return
				}
				msgs = append(msgs, m)
			}
			for _, m := range together(msgs) {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}

// together puts messages in the order of their UIDs, and makes one of those that the server has told in pieces.
func together(msgs []*Message) []*Message {
	slices.SortStableFunc(msgs, func(a, b *Message) int { return cmp.Compare(a.UID, b.UID) })
	out := msgs[:0]
	for _, m := range msgs {
		if n := len(out); n > 0 && out[n-1].UID == m.UID {
			out[n-1].merge(m)
			continue
		}
		out = append(out, m)
	}
	return out
}
