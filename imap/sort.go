package imap

// SortKey is what SORT orders by (RFC 5256 section 3).
type SortKey string

// The sort keys. DISPLAYFROM and DISPLAYTO are RFC 5957's, RELEVANCY RFC 6203's.
const (
	SortArrival     SortKey = "ARRIVAL"
	SortCc          SortKey = "CC"
	SortDate        SortKey = "DATE"
	SortDisplayFrom SortKey = "DISPLAYFROM"
	SortDisplayTo   SortKey = "DISPLAYTO"
	SortFrom        SortKey = "FROM"
	SortRelevancy   SortKey = "RELEVANCY"
	SortSize        SortKey = "SIZE"
	SortSubject     SortKey = "SUBJECT"
	SortTo          SortKey = "TO"
)

// SortCriterion is one of the criteria by which SORT orders, in priority order.
type SortCriterion struct {
	Key     SortKey
	Reverse bool // descending
}

// maxSortCriteria bounds how many criteria a command may have: more than twice all keys there are.
const maxSortCriteria = 24

// SortProgram requires what follows SORT: RETURN options, criteria, charset and search program (RFC 5256 section 5, RFC
// 5267 section 5).
func (d *Decoder) SortProgram() (o SearchOptions, by []SortCriterion, key SearchKey) {
	d.searchReturn(&o)
	by = d.SortCriteria()
	d.SP()
	o.Charset = d.AString()
	d.SP()
	return o, by, d.SearchProgram()
}

// SortCriteria requires a list of sort criteria.
func (d *Decoder) SortCriteria() (by []SortCriterion) {
	d.List(func() {
		var c SortCriterion
		word := d.Keyword()
		if word == "REVERSE" {
			d.SP()
			c.Reverse, word = true, d.Keyword()
		}
		c.Key = SortKey(word)
		switch c.Key {
		case SortArrival, SortCc, SortDate, SortDisplayFrom, SortDisplayTo, SortFrom, SortRelevancy, SortSize, SortSubject, SortTo:
		default:
			d.fail("Unknown sort key " + describe([]byte(word)))
		}
		if by = append(by, c); len(by) > maxSortCriteria {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many sort criteria"})
		}
	})
	if d.err == nil && len(by) == 0 {
		d.fail("Sort criterion expected")
	}
	return by
}

// SortProgram writes what follows SORT. An empty charset is written as UTF-8: the command must have one.
func (e *Encoder) SortProgram(o SearchOptions, by []SortCriterion, key SearchKey) *Encoder {
	e.searchReturn(o)
	e.SortCriteria(by).SP().charset(o.Charset)
	return e.SearchKey(key)
}

// SortCriteria writes a list of sort criteria.
func (e *Encoder) SortCriteria(by []SortCriterion) *Encoder {
	e.Raw("(")
	for i, c := range by {
		if i > 0 {
			e.SP()
		}
		if c.Reverse {
			e.Raw("REVERSE ")
		}
		e.Raw(string(c.Key))
	}
	return e.Raw(")")
}

func (e *Encoder) charset(name string) {
	if name == "" {
		name = "UTF-8"
	}
	e.AString(name).SP()
}
