package mime

import "time"

// Text returns the first field with this name as text: unfolded, encoded words decoded with the built-in charsets, ""
// when there is none. For other charsets give [Header.Get] to a [TextDecoder].
func (h *Header) Text(name string) string { return DecodeText(h.Get(name)) }

// Addresses returns the addresses of all fields with this name, group marks included, their lists joined (RFC 5322
// section 4.5.3). What can't be read is left out.
func (h *Header) Addresses(name string) []Address {
	var list []Address
	for f := range h.Fields(name) {
		l, _ := ParseAddressList(f.Value())
		list = append(list, l...)
	}
	return list
}

// Date returns the first field with this name as a date-time, zero when there is none that can be read.
func (h *Header) Date(name string) time.Time {
	t, _ := ParseDate(h.Get(name))
	return t
}

// MessageIDs returns the identifiers of the first field with this name, without brackets.
func (h *Header) MessageIDs(name string) []string { return ParseMessageIDs(h.Get(name)) }

// ContentType returns the Content-Type, text/plain when there is none (RFC 2045 section 5.2).
func (h *Header) ContentType() ContentType {
	c, _ := ParseContentType(h.Get("Content-Type"))
	return c
}

// Disposition returns the Content-Disposition; its Type is "" when there is none.
func (h *Header) Disposition() Disposition {
	f := h.Field("Content-Disposition")
	if f == nil {
		return Disposition{}
	}
	d, _ := ParseDisposition(f.Value())
	return d
}
