package mime

// Section says which piece of a part IMAP's BODY[…] asks for (RFC 9051 section 6.4.5.1).
type Section uint8

// The sections. HEADER.FIELDS is a choice from SectionHeader.
const (
	SectionAll    Section = iota // BODY[] and BODY[1.2]: the whole message, or a part's body
	SectionHeader                // BODY[HEADER], BODY[1.2.HEADER]: header of the message, or of the message inside the part
	SectionText                  // BODY[TEXT], BODY[1.2.TEXT]: the body of the same
	SectionMIME                  // BODY[1.2.MIME]: the part's own header
)

// Part returns the part with the given section number: {1, 2} for "1.2", and the message itself for an empty one. Every
// message has a part 1; if it isn't a multipart that is the message itself. Numbers below a message/rfc822 count the parts
// of the message in it (RFC 9051 section 6.4.5.1). It returns nil when there is no such part.
func (ix *Index) Part(number ...uint32) *Part {
	p := ix.Root
	inMessage := true // p stands for a message's content
	for _, n := range number {
		if p.Message != nil && !inMessage {
			p, inMessage = p.Message, true
		}
		switch {
		case p.IsMultipart():
			if n == 0 || uint64(n) > uint64(len(p.Parts)) {
				return nil
			}
			p, inMessage = p.Parts[n-1], false
		case inMessage && n == 1:
			inMessage = false
		default:
			return nil
		}
	}
	return p
}

// Locate returns where a section lies. ok is false when there is no such section: no such part, HEADER or TEXT of a
// part that is not a message, MIME without a part number.
func (ix *Index) Locate(number []uint32, s Section) (span Span, ok bool) {
	p := ix.Part(number...)
	if p == nil {
		return Span{}, false
	}
	switch s {
	case SectionAll:
		if len(number) == 0 {
			return Span{0, ix.Size}, true
		}
		return p.Body, true
	case SectionMIME:
		return p.Header, len(number) > 0
	}
	if len(number) > 0 {
		if p = p.Message; p == nil {
			return Span{}, false
		}
	}
	if s == SectionHeader {
		return p.Header, true
	}
	return p.Body, s == SectionText
}
