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
// Count or Partial only these, which with ESEARCH and PARTIAL are all that the server sends. Without they are worked out here,
// as is what Save keeps without SEARCHRES. Update needs CONTEXT=SEARCH, Relevancy SEARCH=FUZZY. Strings that aren't ASCII are
// searched for in UTF-8.
//
// Where a server with MESSAGELIMIT has stopped, the search goes on in another command.
func (c *Client) Search(ctx context.Context, key imap.SearchKey, opts *imap.SearchOptions) (*SearchResult, error) {
	want := imap.SearchOptions{}
	if opts != nil {
		want = *opts
	}
	const name = "UID SEARCH"
	switch {
	case (want.Update || want.Context) && !c.Has(imap.CapContextSearch):
		return nil, c.unsupported(name, imap.CapContextSearch)
	case want.Relevancy && !c.Has(imap.CapSearchFuzzy):
		return nil, c.unsupported(name, imap.CapSearchFuzzy)
	}
	key = c.keyWithSaved(key)
	if want.Charset == "" && !c.isEnabled(imap.CapIMAP4rev2) && !c.isEnabled(imap.CapUTF8Accept) && hasUTF8(key) {
		want.Charset = "UTF-8"
	}
	if !want.Min && !want.Max && !want.Count && !want.Save && want.Partial == nil && !want.Relevancy {
		want.All = true
	}
	o, here := c.searchThere(&want)
	f, err := c.search(ctx, key, &o)
	if err != nil {
		if want.Save && Refused(err) {
			c.savedHere(mail.UIDSet{}) // "the server sets the value of the search result variable to the empty sequence" (RFC 5182 section 2.1)
		}
		return nil, err
	}
	if !f.rest.Empty() {
		if o.Update || o.Relevancy {
			return nil, c.failed(f.cmd, f.cmd.status) // that can't be put together
		}
		if err := c.searchOn(ctx, key, &o, f); err != nil {
			return nil, err
		}
	}
	res := f.result(&want)
	switch {
	case here:
		c.savedHere(toSave(&want, f.all, res))
	case want.Save:
		c.savedThere()
	}
	return res, nil
}

// searchThere returns what the server is asked for, so that what is wanted is told or can be worked out. here says that what Save
// keeps is kept here.
func (c *Client) searchThere(want *imap.SearchOptions) (o imap.SearchOptions, here bool) {
	o = *want
	// RFC 5267's PARTIAL doesn't count from the end. With MESSAGELIMIT the result may be cut off, and is then put together here,
	// which a part of it could not be.
	if o.Partial != nil && (!c.Has(imap.CapPartial) && (o.Partial.FromEnd || !c.Has(imap.CapContextSearch)) || c.saveLimit() > 0) {
		o.Partial, o.All = nil, true
		here = o.Save && !want.All && !want.Count // there it would be all of them
	}
	o.Return = c.Has(imap.CapESearch)
	if here = here || o.Save && (!c.Has(imap.CapSearchRes) || !o.Return || c.saveLimit() > 0); here {
		if o.Save = false; !o.Min && !o.Max && o.Partial == nil || o.Count {
			o.All = true
		}
	}
	if !o.Return {
		return imap.SearchOptions{Charset: o.Charset}, here
	}
	if o.All {
		o.Partial = nil // "either one PARTIAL, one ALL" (RFC 5267 section 4.4): it is a piece of that
	}
	return o, here
}

// found is what a search has brought.
type found struct {
	cmd   *command
	all   mail.UIDSet // if whole
	whole bool
	got   imap.ESearch
	rest  Set // the UIDs below where a server with MESSAGELIMIT has stopped
}

// search lets the server search.
func (c *Client) search(ctx context.Context, key imap.SearchKey, o *imap.SearchOptions) (*found, error) {
	f := &found{whole: o.All || !o.Return}
	var nums []uint32
	cmd := &command{name: "UID SEARCH", rule: rule{moves: true, seq: usesSeq(key), class: "SEARCH", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		switch what {
		case "SEARCH":
			s := d.SearchData()
			nums, f.got.ModSeq = append(nums, s.Nums...), max(f.got.ModSeq, s.ModSeq)
			return true
		case "ESEARCH":
			return c.takeESearch(d, cmd, &f.got)
		}
		return false
	}
	if err := c.run(ctx, cmd, func(e *imap.Encoder) { e.SP().SearchOptions(*o).SearchKey(key) }); err != nil {
		return nil, err
	}
	f.cmd = cmd
	f.all = f.got.All.UIDs(mail.MaxUID)
	slices.Sort(nums)
	for _, n := range nums {
		f.whole = true // so answer some servers to RETURN
		f.all.Add(mail.UID(n))
	}
	var err error
	f.rest, err = c.left(cmd, All())
	return f, err
}

// searchOn searches below where the server has stopped, and adds what it finds.
func (c *Client) searchOn(ctx context.Context, key imap.SearchKey, o *imap.SearchOptions, f *found) error {
	whole := *o
	whole.Save = false
	for !f.rest.Empty() {
		more, err := c.search(ctx, imap.SearchKey{Op: imap.SearchAnd, Keys: []imap.SearchKey{{Op: imap.SearchUID, Set: f.rest.num}, key}}, &whole)
		if err != nil {
			return err
		}
		if f.rest, err = c.left(more.cmd, f.rest); err != nil {
			return err
		}
		f.all.AddSet(more.all)
		f.got.ModSeq, f.got.Max = max(f.got.ModSeq, more.got.ModSeq), max(f.got.Max, more.got.Max)
		if more.got.Min > 0 {
			f.got.Min = more.got.Min // all of it is below
		}
		if f.got.Count != nil && more.got.Count != nil {
			n := *f.got.Count + *more.got.Count
			f.got.Count = &n
		}
	}
	return nil
}

// result fills in what was wanted, from what the server has sent and by counting here.
func (f *found) result(o *imap.SearchOptions) *SearchResult {
	got := &f.got
	res := &SearchResult{ModSeq: mail.ModSeq(got.ModSeq), Min: mail.UID(got.Min), Max: mail.UID(got.Max), Partial: got.Partial, Relevancy: got.Relevancy,
		Tag: f.cmd.tag}
	if r := f.all.Ranges(); f.whole && len(r) > 0 {
		if o.Min {
			res.Min = r[0].First
		}
		if o.Max {
			res.Max = r[len(r)-1].Last
		}
	}
	switch {
	case f.whole:
		res.Count = f.all.Count()
	case got.Count != nil:
		res.Count = int(*got.Count)
	}
	if o.All {
		res.UIDs = f.all
	}
	if o.Partial != nil && f.whole {
		res.Partial = partOf(slices.Collect(f.all.All()), *o.Partial)
	}
	return res
}

// partOf returns the part of a result that PARTIAL names.
func partOf(list []mail.UID, p imap.PartialRange) *imap.PartialResult {
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

// usesSeq reports whether the key names messages by sequence numbers, which then must not change before the search.
func usesSeq(k imap.SearchKey) bool {
	return k.Op == imap.SearchSeq && !k.Set.Saved || slices.ContainsFunc(k.Keys, usesSeq)
}

func hasUTF8(k imap.SearchKey) bool {
	not := func(s string) bool { return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) }
	return not(k.Value) || not(k.Field) || slices.ContainsFunc(k.Keys, hasUTF8)
}
