package imap

// SearchOptions are what stands before a search program: result options and charset (RFC 4466 section 2.6.1).
type SearchOptions struct {
	Return    bool          // RETURN was given: the answer is an ESEARCH response (RFC 4731)
	Min       bool          // RETURN (MIN)
	Max       bool          // RETURN (MAX)
	All       bool          // RETURN (ALL), or RETURN ()
	Count     bool          // RETURN (COUNT)
	Save      bool          // RETURN (SAVE) (RFC 5182)
	Relevancy bool          // RETURN (RELEVANCY) (RFC 6203)
	Context   bool          // RETURN (CONTEXT): a hint that more searches of this kind will come (RFC 5267)
	Update    bool          // RETURN (UPDATE): tell of changes of the result (RFC 5267)
	Partial   *PartialRange // RETURN (PARTIAL …) (RFC 9394)
	Charset   string        // CHARSET as given, "" when not
}

// PartialRange is a range of positions in a result, of which the first is 1 (RFC 9394 section 3.1).
type PartialRange struct {
	First, Last uint32 // as written, in either order
	FromEnd     bool   // "-1:-100": positions count from the last result backwards
}

// Slice returns which elements of a result of n, in its order, the range names: those from a on and before b. a is b
// when there are none.
func (p PartialRange) Slice(n int) (a, b int) {
	first, last := int(min(p.First, p.Last)), int(max(p.First, p.Last))
	if p.FromEnd {
		first, last = n-last+1, n-first+1
	}
	a, b = max(first-1, 0), min(last, n)
	if a >= b {
		return 0, 0
	}
	return a, b
}

// Len returns how many positions the range names.
func (p PartialRange) Len() int { return int(max(p.First, p.Last)-min(p.First, p.Last)) + 1 }

// String writes the range as it stands in a command.
func (p PartialRange) String() string { return string(p.append(nil)) }

func (p PartialRange) append(b []byte) []byte {
	for i, n := range [...]uint32{p.First, p.Last} {
		if i > 0 {
			b = append(b, ':')
		}
		if p.FromEnd {
			b = append(b, '-')
		}
		b = appendNum(b, n)
	}
	return b
}

// PartialRange requires a partial-range: "1:500" or "-1:-500".
func (d *Decoder) PartialRange() (p PartialRange) {
	p.FromEnd = d.Try('-')
	p.First = d.NZNumber()
	d.Special(':')
	if p.FromEnd {
		d.Special('-')
	}
	p.Last = d.NZNumber()
	return p
}

// SearchOptions reads RETURN (…) and CHARSET with the space behind each, if they come next (RFC 9051 section 6.4.4).
func (d *Decoder) SearchOptions() (o SearchOptions) {
	d.searchReturn(&o)
	if d.TryWord("CHARSET") {
		d.SP()
		o.Charset = d.AString()
		d.SP()
	}
	return o
}

// searchReturn reads RETURN (…) with the space behind it, if it comes next.
func (d *Decoder) searchReturn(o *SearchOptions) {
	if !d.TryWord("RETURN") {
		return
	}
	o.Return = true
	d.SP()
	some := false
	d.List(func() {
		some = d.returnOption(o) || some
	})
	if !some {
		o.All = true
	}
	if o.All && o.Partial != nil {
		// "A single command MUST NOT contain more than one PARTIAL or ALL search return option" (RFC 9394 section 3.1).
		d.fail("PARTIAL and ALL exclude each other")
	}
	d.SP()
}

// returnOption reads one of the options; data reports that it decides what the response holds, so that ALL is not meant.
func (d *Decoder) returnOption(o *SearchOptions) (data bool) {
	switch word := d.Keyword(); word {
	case "MIN":
		o.Min = true
	case "MAX":
		o.Max = true
	case "ALL":
		o.All = true
	case "COUNT":
		o.Count = true
	case "SAVE":
		o.Save = true
	case "RELEVANCY":
		o.Relevancy = true
	case "UPDATE":
		o.Update = true
	case "CONTEXT":
		o.Context = true
	case "PARTIAL":
		if o.Partial != nil {
			d.fail("PARTIAL given twice")
		}
		d.SP()
		p := d.PartialRange()
		o.Partial = &p
	default:
		d.fail("Unknown RETURN option " + describe([]byte(word)))
	}
	return true
}

// SearchOptions writes RETURN (…) and CHARSET as they stand in a command, each with a space behind it.
func (e *Encoder) SearchOptions(o SearchOptions) *Encoder {
	e.searchReturn(o)
	if o.Charset != "" {
		e.Raw("CHARSET ").AString(o.Charset).SP()
	}
	return e
}

func (e *Encoder) searchReturn(o SearchOptions) {
	if !o.Return {
		return
	}
	e.Raw("RETURN (")
	between := ""
	word := func(set bool, name string) {
		if set {
			e.Raw(between).Raw(name)
			between = " "
		}
	}
	word(o.Relevancy, "RELEVANCY")
	word(o.Context, "CONTEXT")
	word(o.Update, "UPDATE")
	word(o.Save, "SAVE")
	word(o.Min, "MIN")
	word(o.Max, "MAX")
	word(o.All, "ALL")
	word(o.Count, "COUNT")
	if o.Partial != nil {
		word(true, "PARTIAL ")
		e.buf = o.Partial.append(e.buf)
	}
	e.Raw(") ")
}
