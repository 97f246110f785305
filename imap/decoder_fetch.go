package imap

import "math"

// FetchItems requires what FETCH asks for: a macro, an item, or a list of items (RFC 9051 section 6.4.5, RFC 3501 section
// 6.4.5 for the RFC822 items). Macros come back as the items that they stand for.
func (d *Decoder) FetchItems() []FetchItem {
	items := make([]FetchItem, 0, 8)
	if d.Peek('(') {
		d.List(func() {
			if len(items) < d.Limits.Items {
				items = append(items, d.fetchItem(d.fetchName()))
			}
		})
		if d.err == nil && len(items) == 0 {
			d.fail("Data item expected")
		}
		return items
	}
	name := d.fetchName()
	switch name {
	case "ALL":
		return append(items, simple(FetchFlags), simple(FetchInternalDate), simple(FetchSize), simple(FetchEnvelope))
	case "FAST":
		return append(items, simple(FetchFlags), simple(FetchInternalDate), simple(FetchSize))
	case "FULL":
		return append(items, simple(FetchFlags), simple(FetchInternalDate), simple(FetchSize), simple(FetchEnvelope),
			simple(FetchBody))
	}
	return append(items, d.fetchItem(name))
}

func simple(a FetchAtt) FetchItem { return FetchItem{Att: a} }

// fetchName reads the name of an item, which ends before "[": that is an atom character.
func (d *Decoder) fetchName() string {
	if !d.ok() {
		return ""
	}
	n := 0
	for n < len(d.line) && d.line[n] != '[' && charClass[d.line[n]]&classAtom != 0 {
		n++
	}
	if n == 0 {
		d.fail("Data item expected before " + describe(d.line))
		return ""
	}
	return upper(d.take(n))
}

func (d *Decoder) fetchItem(name string) FetchItem {
	if d.err != nil {
		return FetchItem{}
	}
	section := d.Peek('[')
	switch name {
	case "ENVELOPE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "UID", "BODYSTRUCTURE", "RFC822", "RFC822.HEADER",
		"RFC822.TEXT", "MODSEQ", "EMAILID", "THREADID", "SAVEDATE":
		item := FetchItem{Att: FetchAtt(name)}
		item.Peek = item.Att == FetchRFC822Header
		return item
	case "BODY", "BODY.PEEK":
		if !section && name == "BODY" {
			return simple(FetchBody)
		}
		item := FetchItem{Att: FetchBodySection, Peek: name == "BODY.PEEK"}
		item.Section = d.section(false)
		item.Partial = d.partial()
		return item
	case "BINARY", "BINARY.PEEK":
		item := FetchItem{Att: FetchBinary, Peek: name == "BINARY.PEEK"}
		item.Section = d.section(true)
		item.Partial = d.partial()
		return item
	case "PREVIEW":
		return FetchItem{Att: FetchPreview, Lazy: d.previewLazy()}
	case "BINARY.SIZE":
		return FetchItem{Att: FetchBinarySize, Section: d.section(true)}
	}
	d.fail("Unknown data item " + describe([]byte(name)))
	return FetchItem{}
}

// section reads "[…]". Binary sections are part numbers only (RFC 9051 section 9, section-binary).
func (d *Decoder) section(binary bool) (s Section) {
	d.Special('[')
	for d.ok() && len(d.line) > 0 && d.line[0]-'0' <= 9 {
		if len(s.Part) >= d.Limits.Depth*4 {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Section too deep"})
			return s
		}
		s.Part = append(s.Part, int(min(uint64(d.NZNumber()), math.MaxInt)))
		if !d.Try('.') {
			d.Special(']')
			return s
		}
	}
	if len(s.Part) == 0 && d.Try(']') {
		return s
	}
	if binary {
		d.fail("Bad section")
		return s
	}
	s.Spec = d.sectionSpec(len(s.Part) > 0)
	if s.Spec == SectionFields || s.Spec == SectionFieldsExcept {
		d.SP()
		d.List(func() { s.Fields = append(s.Fields, d.fieldName()) })
		if d.err == nil && len(s.Fields) == 0 {
			d.fail("Header field names expected")
		}
	}
	d.Special(']')
	return s
}

func (d *Decoder) sectionSpec(part bool) SectionSpec {
	if !d.ok() {
		return SectionAll
	}
	n := 0
	for n < len(d.line) && d.line[n] != ']' && charClass[d.line[n]]&classAtom != 0 {
		n++
	}
	word := SectionSpec(upper(d.take(n)))
	switch word {
	case SectionHeader, SectionText, SectionFields, SectionFieldsExcept:
		return word
	case SectionMIME:
		if part {
			return word
		}
	}
	d.fail("Bad section")
	return SectionAll
}

// fieldName reads the name of a header field. Names that no header can hold are refused, so that an answer may repeat
// them.
func (d *Decoder) fieldName() string {
	s := d.AString()
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ':' {
			d.fail("Bad header field name")
			return ""
		}
	}
	if s == "" {
		d.fail("Empty header field name")
	}
	return s
}

// partial reads "<offset.size>" if it comes next.
func (d *Decoder) partial() *Partial {
	if !d.Try('<') {
		return nil
	}
	p := &Partial{Offset: d.Number()}
	d.Special('.')
	p.Size = d.NZNumber()
	d.Special('>')
	return p
}

// previewLazy reads PREVIEW's modifiers, of which there is one: "(LAZY)" (RFC 8970 section 6). Another list belongs to FETCH.
func (d *Decoder) previewLazy() (lazy bool) {
	const mod = " (LAZY"
	if !d.ok() || len(d.line) < len(mod) || !equalFold(d.line[:len(mod)], mod) {
		return false
	}
	d.SP()
	d.List(func() {
		if lazy = d.TryWord("LAZY"); !lazy {
			d.fail("Unknown PREVIEW modifier")
		}
	})
	return lazy
}
