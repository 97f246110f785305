package imap

// CatenatePart is a piece of a message that APPEND puts together (RFC 4469): an IMAP URL, or a literal whose content comes
// next.
type CatenatePart struct {
	URL  string  // as the client wrote it; "" for TEXT
	Text Literal // of TEXT
}

// CatenatePart requires a cat-part: "URL <url>" or "TEXT {n}" (RFC 4469 section 5). Of TEXT no more than the announcement of
// its literal is read: see [Decoder.Literal].
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
	default:
		if d.err == nil && d.fatal == nil {
			d.fail("URL or TEXT expected before " + describe(d.line))
		}
	}
	return p
}

// CatenatePart writes a cat-part, of TEXT up to the announcement of its literal: wait for the server's continuation unless
// it is non-synchronizing, and write the content by [Encoder.Content].
func (e *Encoder) CatenatePart(p CatenatePart) *Encoder {
	if p.URL != "" {
		return e.Raw("URL ").AString(p.URL)
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
