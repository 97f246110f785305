package imap

// UIDBatches is a UIDBATCHES response: ranges of UIDs that hold equally many messages each, from the highest UIDs to
// the lowest (draft-ietf-mailmaint-imap-uidbatches section 3.2). First is the higher end of each.
type UIDBatches struct {
	Tag    string // of the command that is answered
	Ranges []NumRange
}

// UIDBatches reads what follows UIDBATCHES in a response, to the end of the line.
func (d *Decoder) UIDBatches() (b UIDBatches) {
	d.TrySP()
	d.Special('(')
	if d.Keyword() != "TAG" {
		d.fail("TAG expected")
	}
	d.SP()
	b.Tag = d.AString()
	d.Special(')')
	if d.TrySP() {
		b.Ranges = d.resultSet().Ranges
	}
	return b
}

// UIDBatches writes what follows UIDBATCHES in a response, with the space before it.
func (e *Encoder) UIDBatches(b UIDBatches) *Encoder {
	e.Raw(" (TAG ").String(b.Tag).Raw(")")
	if len(b.Ranges) > 0 {
		e.SP().longSet(NumSet{Ranges: b.Ranges})
	}
	return e
}
