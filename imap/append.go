package imap

// CatenatePart is a piece of a message that APPEND puts together (RFC 4469): an IMAP URL, or a literal whose content comes
// next.
type CatenatePart struct {
	URL  string  // as the client wrote it; "" for a literal
	Text Literal // of TEXT and UTF8
	UTF8 bool    // the literal stands in "UTF8 (…)"
}

// CatenatePart requires a cat-part: "URL <url>", "TEXT {n}" or "UTF8 (~{n}" (RFC 4469 section 5, RFC 6855 section 4). Of a
// literal no more than its announcement is read: see [Decoder.Literal]. ")" is still to come behind that of UTF8.
func (d *Decoder) CatenatePart() (p CatenatePart) {
	switch {
	case d.TryWord("URL"):
		d.SP()
		if p.URL = d.AString(); p.URL == "" && d.err == nil {
			d.fail("Empty URL")
		}
	case d.TryWord("TEXT"):
		d.SP()
		p.Text = d.Literal()
	case d.UTF8Literal():
		p.UTF8, p.Text = true, d.Literal()
	default:
		if d.err == nil && d.fatal == nil {
			d.fail("URL or TEXT expected before " + describe(d.line))
		}
	}
	return p
}

// CatenatePart writes a cat-part, of a literal up to its announcement: wait for the server's continuation unless it is
// non-synchronizing, and write the content by [Encoder.Content], then ")" if it is UTF8.
func (e *Encoder) CatenatePart(p CatenatePart) *Encoder {
	switch {
	case p.URL != "":
		return e.Raw("URL ").AString(p.URL)
	case p.UTF8:
		return e.Raw("UTF8 (").Announce(p.Text)
	}
	return e.Raw("TEXT ").Announce(p.Text)
}

// UTF8Literal reads "UTF8 (" before a literal8, which ")" ends, if it comes next (RFC 6855 section 4).
func (d *Decoder) UTF8Literal() bool {
	if !d.TryWord("UTF8") {
		return false
	}
	d.SP()
	d.Special('(')
	return true
}
