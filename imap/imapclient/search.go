package imapclient

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// SearchResult is what a search has found.
type SearchResult struct {
	UIDs    mail.UIDSet // with All, or without options
	Min     mail.UID    // the lowest, 0 for none
	Max     mail.UID    // the highest, 0 for none
	Count   int
	ModSeq  mail.ModSeq         // the highest of those found, 0 where the server doesn't tell
	Partial *imap.PartialResult // with Partial
	// Order is the result of SORT, in its order; relevance, if that was asked for, in the same.
	Order     []mail.UID
	Relevancy []uint8
	// Tag names the search to [Client.CancelUpdate] and in [SearchEvent].
	Tag string
}

// Search finds messages of the selected mailbox by UID (RFC 9051 section 6.4.4). Without opts it returns all of them; with Min, Max,
// Count or Partial only these, which with ESEARCH are all that the server sends. Without ESEARCH they are worked out here.
// Strings that aren't ASCII are searched for in UTF-8.
func (c *Client) Search(ctx context.Context, key imap.SearchKey, opts *imap.SearchOptions) (*SearchResult, error) {
	o := imap.SearchOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Charset == "" && !c.isEnabled(imap.CapIMAP4rev2) && !c.isEnabled(imap.CapUTF8Accept) && hasUTF8(key) {
		o.Charset = "UTF-8"
	}
	if !o.Min && !o.Max && !o.Count && !o.Save && o.Partial == nil && !o.Relevancy {
		o.All = true
	}
	want := o
	extended := c.Has(imap.CapESearch)
	switch {
	case o.Save && !c.Has(imap.CapSearchRes):
		return nil, c.unsupported("UID SEARCH", imap.CapSearchRes)
	case (o.Update || o.Context) && !c.Has("CONTEXT=SEARCH"):
		return nil, c.unsupported("UID SEARCH", "CONTEXT=SEARCH")
	case o.Relevancy && !c.Has("SEARCH=FUZZY"):
		return nil, c.unsupported("UID SEARCH", "SEARCH=FUZZY")
	}
	// RFC 5267's PARTIAL doesn't count from the end.
	if o.Partial != nil && !c.Has(imap.CapPartial) && (o.Partial.FromEnd || !c.Has(imap.CapContextSearch)) {
		o.Partial, o.All = nil, true
	}
	o.Return = extended
	if !extended {
		o.Return, o.Min, o.Max, o.Count, o.All, o.Partial = false, false, false, false, false, nil
	}
	// With MESSAGELIMIT the result may be cut off, and is then put together here, which a part of it could not be.
	if o.Partial != nil && c.saveLimit() > 0 {
		o.Partial, o.All = nil, true
	}
	var nums []uint32
	var got imap.ESearch
	cmd := &command{name: "UID SEARCH", rule: rule{moves: true, seq: usesSeq(key), class: "SEARCH", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		switch what {
		case "SEARCH":
			s := d.SearchData()
			nums, got.ModSeq = append(nums, s.Nums...), max(got.ModSeq, s.ModSeq)
			return true
		case "ESEARCH":
			return c.takeESearch(d, cmd, &got)
		}
		return false
	}
	err := c.run(ctx, cmd, func(e *imap.Encoder) { e.SP().SearchOptions(o).SearchKey(key) })
	if err != nil {
		return nil, err
	}
	slices.Sort(nums)
	res := c.searchResult(&want, &got, nums)
	res.Tag = cmd.tag
	return c.searchOn(ctx, cmd, key, &want, res)
}

// searchOn searches below where a server with MESSAGELIMIT has stopped, and adds what it finds to the result.
func (c *Client) searchOn(ctx context.Context, cmd *command, key imap.SearchKey, o *imap.SearchOptions, res *SearchResult) (*SearchResult, error) {
	rest, err := c.left(cmd, All())
	switch {
	case err != nil:
		return nil, err
	case rest.Empty():
		if o.Partial != nil && !o.All {
			res.UIDs = mail.UIDSet{}
		}
		return res, nil
	case o.Save || o.Update || o.Relevancy:
		return nil, c.failed(cmd, cmd.status) // that can't be put together
	}
	whole := *o
	if whole.Partial = nil; o.Partial != nil {
		whole.All = true
	}
	more, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchAnd, Keys: []imap.SearchKey{{Op: imap.SearchUID, Set: rest.num}, key}}, &whole)
	if err != nil {
		return nil, err
	}
	res.UIDs.AddSet(more.UIDs)
	res.Count += more.Count
	res.ModSeq, res.Max = max(res.ModSeq, more.ModSeq), max(res.Max, more.Max)
	if more.Min > 0 {
		res.Min = more.Min // all of it is below
	}
	if o.Partial != nil {
		res.Partial = partOf(res.UIDs, *o.Partial)
		if !o.All {
			res.UIDs = mail.UIDSet{}
		}
	}
	return res, nil
}

// partOf returns the part of a result that PARTIAL names.
func partOf(all mail.UIDSet, p imap.PartialRange) *imap.PartialResult {
	list := slices.Collect(all.All())
	a, b := p.Slice(len(list))
	out := &imap.PartialResult{Range: p}
	for _, u := range list[a:b] {
		out.Nums.Ranges = append(out.Nums.Ranges, imap.NumRange{First: uint32(u), Last: uint32(u)})
	}
	return out
}

// takeESearch reads an ESEARCH response of a command. Updates of other searches' results are told.
func (c *Client) takeESearch(d *imap.Decoder, cmd *command, got *imap.ESearch) bool {
	r := d.ESearch()
	switch {
	case d.Err() != nil:
	case r.Tag != "" && !strings.EqualFold(r.Tag, cmd.tag) || len(r.Updates) > 0:
		c.tell(SearchEvent{r})
	default:
		*got = r
	}
	return true
}

// searchResult fills in what was asked for, from what the server has sent and by counting here.
func (c *Client) searchResult(o *imap.SearchOptions, got *imap.ESearch, nums []uint32) *SearchResult {
	res := &SearchResult{ModSeq: mail.ModSeq(got.ModSeq), Min: mail.UID(got.Min), Max: mail.UID(got.Max), Partial: got.Partial, Relevancy: got.Relevancy}
	all := got.All.UIDs(mail.MaxUID)
	for _, n := range nums {
		all.Add(mail.UID(n))
	}
	if r := all.Ranges(); len(r) > 0 {
		if o.Min && res.Min == 0 {
			res.Min = r[0].First
		}
		if o.Max && res.Max == 0 {
			res.Max = r[len(r)-1].Last
		}
	}
	if res.Count = all.Count(); got.Count != nil {
		res.Count = int(*got.Count)
	}
	if o.All {
		res.UIDs = all
	}
	if o.Partial != nil && res.Partial == nil {
		res.Partial, res.UIDs = partOf(all, *o.Partial), all
	}
	return res
}

// usesSeq reports whether the key names messages by sequence numbers, which then must not change before the search.
func usesSeq(k imap.SearchKey) bool {
	return k.Op == imap.SearchSeq && !k.Set.Saved || slices.ContainsFunc(k.Keys, usesSeq)
}

func hasUTF8(k imap.SearchKey) bool {
	not := func(s string) bool { return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) }
	return not(k.Value) || not(k.Field) || slices.ContainsFunc(k.Keys, hasUTF8)
}

// Sort finds messages and puts them in order (RFC 5256). The result is in Order. It needs SORT.
func (c *Client) Sort(ctx context.Context, by []imap.SortCriterion, key imap.SearchKey) (*SearchResult, error) {
	if !c.Has("SORT") {
		return nil, c.unsupported("UID SORT", "SORT")
	}
	var order []mail.UID
	cmd := &command{name: "UID SORT", rule: rule{moves: true, seq: usesSeq(key), class: "SORT", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "SORT" {
			return false
		}
		for _, n := range d.SearchData().Nums {
			order = append(order, mail.UID(n))
		}
		return true
	}
	err := c.run(ctx, cmd, func(e *imap.Encoder) {
		e.SP().SortProgram(imap.SearchOptions{Charset: "UTF-8"}, by, key)
	})
	if err != nil {
		return nil, err
	}
	return &SearchResult{Order: order, Count: len(order)}, nil
}

// Thread finds messages and puts them in threads, of UIDs (RFC 5256). It needs THREAD=…
func (c *Client) Thread(ctx context.Context, alg imap.ThreadAlgorithm, key imap.SearchKey) ([]imap.Thread, error) {
	var threads []imap.Thread
	if !c.Has(imap.Capability("THREAD=" + string(alg))) {
		return nil, c.unsupported("UID THREAD", imap.Capability("THREAD="+string(alg)))
	}
	cmd := &command{name: "UID THREAD", rule: rule{moves: true, seq: usesSeq(key), class: "THREAD", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what == "THREAD" {
			threads = append(threads, d.Threads()...)
		}
		return what == "THREAD"
	}
	return answer(ctx, c, cmd, &threads, func(e *imap.Encoder) { e.SP().ThreadProgram(alg, "UTF-8", key) })
}
