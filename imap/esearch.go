package imap

// ESearch is an ESEARCH response (RFC 4731 section 2, RFC 4466 section 2.6.2, RFC 5267, RFC 6203, RFC 7377). Fields that
// are zero were not told.
type ESearch struct {
	Tag         string // of the command that is answered
	Mailbox     string // which mailbox was searched, by the ESEARCH command (RFC 7377); "" for the selected one
	UIDValidity uint32 // of that mailbox

	UID       bool // numbers are UIDs
	Min, Max  uint32
	Count     *uint32
	All       NumSet // in the order of the result: SORT's need not ascend
	ModSeq    uint64
	Partial   *PartialResult
	Relevancy []uint8        // of each result, 1 to 100, in its order
	Updates   []ResultUpdate // in the order in which they are to be done
}

// PartialResult is a piece of a result (RFC 9394 section 3.1).
type PartialResult struct {
	Range PartialRange // as it was asked for
	Nums  NumSet       // no ranges when nothing lies there
}

// ResultUpdate is a change of the result of a search that asked for updates (RFC 5267 section 4.3).
type ResultUpdate struct {
	Remove   bool   // REMOVEFROM, else ADDTO
	Position uint32 // of the first of them in the result, from 1; 0: wherever they belong in mailbox order
	Nums     NumSet
}

// ESearch reads what follows ESEARCH in a response, to the end of the line. Data that this package doesn't know is
// passed over.
func (d *Decoder) ESearch() (r ESearch) {
	if d.TrySP(); d.Peek('(') {
		d.correlators(&r)
		d.TrySP()
	}
	if d.TryWord("UID") {
		r.UID = true
		d.TrySP()
	}
	for d.err == nil && !d.AtEnd() {
		d.returnData(&r)
		if !d.TrySP() {
			break
		}
	}
	return r
}

// correlators reads "(TAG … MAILBOX … UIDVALIDITY …)".
func (d *Decoder) correlators(r *ESearch) {
	d.List(func() {
		switch word := d.Keyword(); word {
		case "TAG":
			d.SP()
			r.Tag = d.AString()
		case "MAILBOX":
			d.SP()
			r.Mailbox = d.Mailbox()
		case "UIDVALIDITY":
			d.SP()
			r.UIDValidity = d.NZNumber()
		default:
			d.fail("Unknown correlator " + describe([]byte(word)))
		}
	})
}

func (d *Decoder) returnData(r *ESearch) {
	word := d.Keyword()
	d.SP()
	switch word {
	case "MIN":
		r.Min = d.NZNumber()
	case "MAX":
		r.Max = d.NZNumber()
	case "COUNT":
		n := d.Number()
		r.Count = &n
	case "ALL":
		r.All = d.resultSet()
	case "MODSEQ":
		r.ModSeq = d.Number64()
	case "PARTIAL":
		d.Special('(')
		r.Partial = &PartialResult{Range: d.PartialRange()}
		d.SP()
		if !d.TryWord("NIL") {
			r.Partial.Nums = d.resultSet()
		}
		d.Special(')')
	case "RELEVANCY":
		d.scores(r)
	case "ADDTO", "REMOVEFROM":
		d.updates(r, word == "REMOVEFROM")
	default:
		d.extension()
	}
}

func (d *Decoder) scores(r *ESearch) {
	d.Special('(')
	for d.err == nil && !d.Try(')') {
		n := d.NZNumber()
		if n > 100 {
			d.fail("Bad score")
		}
		r.Relevancy = append(r.Relevancy, uint8(n))
		if !d.Peek(')') {
			d.SP()
		}
	}
}

func (d *Decoder) updates(r *ESearch, remove bool) {
	d.Special('(')
	for d.err == nil {
		u := ResultUpdate{Remove: remove, Position: d.Number()}
		d.SP()
		u.Nums = d.resultSet()
		r.Updates = append(r.Updates, u)
		if d.Try(')') {
			break
		}
		d.SP()
	}
}

// resultSet reads a sequence-set as results are: of any number of ranges, and without "$" and "*".
func (d *Decoder) resultSet() (s NumSet) {
	for d.ok() {
		r := NumRange{First: d.NZNumber()}
		r.Last = r.First
		if d.Try(':') {
			r.Last = d.NZNumber()
		}
		s.Ranges = append(s.Ranges, r)
		if !d.Try(',') {
			break
		}
	}
	return s
}

// extension passes over a tagged-ext-val: a number, a set, a string or a parenthesised list (RFC 4466 section 4).
func (d *Decoder) extension() {
	switch {
	case d.Peek('('):
		d.List(d.extension)
	case d.Peek('"') || d.PeekLiteral():
		d.AString()
	default:
		n := 0
		for d.ok() && n < len(d.line) && (charClass[d.line[n]]&classAString != 0 || d.line[n] == '*') {
			n++
		}
		if n == 0 {
			d.fail("Value expected before " + describe(d.line))
			return
		}
		d.line = d.line[n:]
	}
}

// ESearch writes what follows ESEARCH in a response, with the space before it.
func (e *Encoder) ESearch(r ESearch) *Encoder {
	e.Raw(" (TAG ").String(r.Tag)
	if r.Mailbox != "" {
		e.Raw(" MAILBOX ").Mailbox(r.Mailbox)
		if r.UIDValidity > 0 {
			e.Raw(" UIDVALIDITY ").Number(uint64(r.UIDValidity))
		}
	}
	e.Raw(")")
	if r.UID {
		e.Raw(" UID")
	}
	if r.Min > 0 {
		e.Raw(" MIN ").Number(uint64(r.Min))
	}
	if r.Max > 0 {
		e.Raw(" MAX ").Number(uint64(r.Max))
	}
	if len(r.All.Ranges) > 0 {
		e.Raw(" ALL ").longSet(r.All)
	}
	if p := r.Partial; p != nil {
		e.Raw(" PARTIAL (").Raw(p.Range.String()).SP()
		if len(p.Nums.Ranges) == 0 {
			e.Raw("NIL")
		} else {
			e.longSet(p.Nums)
		}
		e.Raw(")")
	}
	if r.Count != nil {
		e.Raw(" COUNT ").Number(uint64(*r.Count))
	}
	if r.Relevancy != nil {
		e.Raw(" RELEVANCY (")
		for i, n := range r.Relevancy {
			if i > 0 {
				e.SP()
			}
			e.Number(uint64(n))
		}
		e.Raw(")")
	}
	for _, u := range r.Updates {
		e.resultUpdate(u)
	}
	if r.ModSeq > 0 {
		e.Raw(" MODSEQ ").Number(r.ModSeq)
	}
	return e
}

func (e *Encoder) resultUpdate(u ResultUpdate) {
	if u.Remove {
		e.Raw(" REMOVEFROM (")
	} else {
		e.Raw(" ADDTO (")
	}
	e.Number(uint64(u.Position)).SP().longSet(u.Nums).Raw(")")
}

// longSet writes a set that may be as large as a mailbox.
func (e *Encoder) longSet(s NumSet) *Encoder {
	for i := 0; i < len(s.Ranges); i += 1000 {
		if i > 0 {
			e.Raw(",")
		}
		e.NumSet(NumSet{Ranges: s.Ranges[i:min(i+1000, len(s.Ranges))]})
		e.FlushFull()
	}
	return e
}
