package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
)

// result is what a search has found. Without an order of its own it takes no more memory than its set has ranges.
type result struct {
	uids   mail.UIDSet
	n      int
	modSeq mail.ModSeq    // the highest among the messages
	sorter *thread.Sorter // of SORT
	order  []mail.UID     // of SORT: the messages in that order
	scores map[mail.UID]uint8
}

func (r *result) add(m *mail.Message) {
	r.uids.Add(m.UID)
	r.n++
	r.modSeq = max(r.modSeq, m.ModSeq)
}

// part returns the messages at the positions from a on and before b.
func (r *result) part(a, b int) (list []mail.UID, set mail.UIDSet) {
	if r.order != nil {
		return r.order[a:b], mail.UIDSetOf(r.order[a:b]...)
	}
	return nil, slice(r.uids, a, b)
}

// slice returns the elements of a set at the positions from a on and before b.
func slice(s mail.UIDSet, a, b int) (out mail.UIDSet) {
	at := 0
	for _, r := range s.Ranges() {
		n := int(r.Last-r.First) + 1
		if from, to := max(a, at), min(b, at+n); from < to {
			out.AddRange(r.First+mail.UID(from-at), r.First+mail.UID(to-1-at))
		}
		at += n
	}
	return out
}

// named returns those messages that the answer names one by one, all reports that it is about all of them.
func (r *result) named(o *imap.SearchOptions) (set mail.UIDSet, all bool) {
	if r.n == 0 {
		return set, true
	}
	add := func(a, b int) {
		_, s := r.part(a, b)
		for _, u := range s.Ranges() {
			set.AddRange(u.First, u.Last)
		}
	}
	if o.Min {
		add(0, 1)
	}
	if o.Max {
		add(r.n-1, r.n)
	}
	if o.Partial != nil {
		add(o.Partial.Slice(r.n))
	}
	return set, o.All || o.Count || !o.Min && !o.Max && o.Partial == nil
}

// savedResult is what "$" stands for afterwards: everything, unless only the first, the last or some were asked for (RFC
// 5182 section 2.1, RFC 9394 section 3.2).
func savedResult(r *result, o *imap.SearchOptions) mail.UIDSet {
	if set, all := r.named(o); !all {
		return set
	}
	return r.uids
}

// silent reports that the result is only saved, or kept for updates.
func silent(o *imap.SearchOptions) bool {
	return o.Return && !o.Min && !o.Max && !o.All && !o.Count && !o.Relevancy && o.Partial == nil
}

// tell writes the result.
func (s *search) tell(ctx context.Context, r *result, o *imap.SearchOptions) error {
	if silent(o) {
		return nil
	}
	if !o.Return && (!s.c.rev2 || r.order != nil) {
		return s.tellNumbers(r)
	}
	if !o.Return {
		o.All = true
	}
	e, err := s.response(ctx, r, o)
	if err != nil {
		return err
	}
	s.c.enc.Raw("* ESEARCH").ESearch(e).CRLF()
	return nil
}

// tellNumbers writes a SEARCH or SORT response.
func (s *search) tellNumbers(r *result) error {
	e := s.c.enc
	write := func(u mail.UID) {
		e.SP().Number(uint64(s.number(u))).FlushFull()
	}
	if r.order != nil {
		e.Raw("* SORT")
		for _, u := range r.order {
			write(u)
		}
	} else {
		e.Raw("* SEARCH")
		for u := range r.uids.All() {
			write(u)
		}
	}
	if s.modSeq && r.n > 0 {
		e.Raw(" (MODSEQ ").Number(uint64(r.modSeq)).Raw(")")
	}
	e.CRLF()
	return e.Err()
}

// response makes an ESEARCH response of the result.
func (s *search) response(ctx context.Context, r *result, o *imap.SearchOptions) (e imap.ESearch, err error) {
	e = imap.ESearch{Tag: s.cmd.tag, UID: s.cmd.uid}
	if r.n > 0 {
		if o.Min {
			e.Min = s.at(r, 0)
		}
		if o.Max {
			e.Max = s.at(r, r.n-1)
		}
		if o.All {
			e.All = s.numSet(r.part(0, r.n))
		}
	}
	if o.Count {
		n := uint32(r.n)
		e.Count = &n
	}
	if p := o.Partial; p != nil {
		e.Partial = &imap.PartialResult{Range: *p}
		if a, b := p.Slice(r.n); a < b {
			e.Partial.Nums = s.numSet(r.part(a, b))
		}
	}
	if o.Relevancy {
		e.Relevancy = r.scoresOf(o)
	}
	if s.modSeq && r.n > 0 {
		e.ModSeq, err = s.modSeqOf(ctx, r, o)
	}
	return e, err
}

// modSeqOf returns the highest mod-sequence "for all messages returned in the search" (RFC 4731 section 3.2).
func (s *search) modSeqOf(ctx context.Context, r *result, o *imap.SearchOptions) (uint64, error) {
	set, all := r.named(o)
	if all {
		return uint64(r.modSeq), nil
	}
	highest := mail.ModSeq(0)
	for m, err := range s.sel.box.Messages(ctx, set, mail.FieldFlags) {
		if err != nil {
			return 0, err
		}
		highest = max(highest, m.ModSeq)
	}
	return uint64(highest), nil
}

// at returns the number of the message at position i.
func (s *search) at(r *result, i int) uint32 {
	_, set := r.part(i, i+1)
	return s.number(set.Ranges()[0].First)
}

// number returns a message's number of the kind that the command has.
func (s *search) number(u mail.UID) uint32 {
	if s.cmd.uid {
		return uint32(u)
	}
	n, _ := s.sel.view.seq(u)
	return n
}

// numSet returns messages as the set that the answer has: in the order of list, or if that is nil those of set.
func (s *search) numSet(list []mail.UID, set mail.UIDSet) imap.NumSet {
	var out imap.NumSet
	if list == nil {
		for _, r := range set.Ranges() {
			out.Ranges = appendRun(out.Ranges, s.number(r.First), s.number(r.Last))
		}
	}
	for _, u := range list {
		n := s.number(u)
		out.Ranges = appendRun(out.Ranges, n, n)
	}
	return out
}

// appendRun appends the numbers from first to last to ranges. Only ascending neighbours are joined: "servers SHOULD present
// ranges only when the first seq-number is lower than the second" (RFC 5267 section 3.2).
func appendRun(ranges []imap.NumRange, first, last uint32) []imap.NumRange {
	if n := len(ranges); n > 0 && ranges[n-1].Last+1 == first {
		ranges[n-1].Last = last
		return ranges
	}
	return append(ranges, imap.NumRange{First: first, Last: last})
}
