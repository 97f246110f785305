package imap

// SearchData is the data of a SEARCH or SORT response: message numbers or UIDs, in the order of the answer, and the
// highest mod-sequence among them, 0 when it wasn't told (RFC 9051 section 7.3.4 as of RFC 3501, RFC 5256 section 4, RFC
// 7162 section 3.1.5 and 3.1.9).
type SearchData struct {
	Nums   []uint32
	ModSeq uint64
}

// SearchData reads what follows SEARCH or SORT in a response, to the end of the line. How many numbers there are is
// bounded by the length of the line.
func (d *Decoder) SearchData() (s SearchData) {
	for d.TrySP() {
		if d.AtEnd() {
			break // some servers leave a space at the end
		}
		if d.Try('(') {
			if d.Keyword() != "MODSEQ" {
				d.fail("MODSEQ expected")
			}
			d.SP()
			s.ModSeq = d.Number64()
			d.Special(')')
			break
		}
		s.Nums = append(s.Nums, d.NZNumber())
	}
	return s
}

// SearchData writes what follows SEARCH or SORT in a response.
func (e *Encoder) SearchData(s SearchData) *Encoder {
	for _, n := range s.Nums {
		e.SP().Number(uint64(n))
	}
	if s.ModSeq > 0 {
		e.Raw(" (MODSEQ ").Number(s.ModSeq).Raw(")")
	}
	return e
}
