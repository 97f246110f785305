package mime

import (
	"bytes"
	"fmt"
	"time"
)

// Add appends a field of unstructured text: what isn't ASCII is encoded (RFC 2047), long lines are folded, and CR, LF and NUL
// become spaces, so that no value can begin another field. The error is about the name: it must be printable ASCII without a colon.
func (h *Header) Add(name, text string) error {
	return h.insert(len(h.fields), name, encodeText(text))
}

// AddRaw appends a field with a structured body that is encoded already; it is folded at blanks only, and may be UTF-8
// where RFC 6532 allows it. CR, LF and NUL become spaces.
func (h *Header) AddRaw(name, body string) error { return h.insert(len(h.fields), name, body) }

// Prepend puts a field before all others, as trace fields want it. The body is as for AddRaw.
func (h *Header) Prepend(name, body string) error { return h.insert(0, name, body) }

// AddAddresses appends a field with a list of addresses; nothing when the list is empty.
func (h *Header) AddAddresses(name string, list []Address) error {
	if len(list) == 0 {
		return nil
	}
	return h.AddRaw(name, FormatAddressList(list))
}

// AddDate appends a field with a date-time (RFC 5322 section 3.3).
func (h *Header) AddDate(name string, t time.Time) error { return h.AddRaw(name, FormatDate(t)) }

// AddField appends a field as it stands in another header, byte by byte.
func (h *Header) AddField(f *Field) {
	h.edit()
	h.fields = append(h.fields, *f)
}

// Set replaces the first field with this name, keeping its place, by unstructured text as in Add, and removes the others
// with the name. Without one it adds.
func (h *Header) Set(name, text string) error { return h.SetRaw(name, encodeText(text)) }

// SetRaw is Set with a body as for AddRaw.
func (h *Header) SetRaw(name, body string) error {
	for i := range h.fields {
		if h.fields[i].Is(name) {
			f, err := formatField(name, body)
			if err != nil {
				return err
			}
			h.edit()
			h.fields[i] = f
			rest := h.fields[i+1:]
			h.fields = append(h.fields[:i+1], removeFields(rest, name)...)
			return nil
		}
	}
	return h.AddRaw(name, body)
}

// Del removes all fields with this name.
func (h *Header) Del(name string) {
	if h.Has(name) {
		h.edit()
		h.fields = removeFields(h.fields, name)
	}
}

// Clone returns a copy that can be changed without changing h.
func (h *Header) Clone() *Header {
	c := *h
	c.fields = append([]Field(nil), h.fields...)
	return &c
}

func removeFields(fields []Field, name string) []Field {
	out := fields[:0]
	for _, f := range fields {
		if !f.Is(name) {
			out = append(out, f)
		}
	}
	return out
}

func (h *Header) insert(at int, name, body string) error {
	f, err := formatField(name, body)
	if err != nil {
		return err
	}
	h.edit()
	h.fields = append(h.fields, Field{})
	copy(h.fields[at+1:], h.fields[at:])
	h.fields[at] = f
	return nil
}

// edit readies the header for a change: an empty line will end it, and the last field has a line end.
func (h *Header) edit() {
	if h.parsed && len(h.end) == 0 {
		h.end = []byte("\r\n")
	}
	if n := len(h.fields); n > 0 && !bytes.HasSuffix(h.fields[n-1].raw, []byte("\n")) {
		f := &h.fields[n-1]
		f.raw, f.text = append(bytes.Clone(f.raw), "\r\n"...), ""
	}
}

func formatField(name, body string) (Field, error) {
	if !validFieldName(name) {
		return Field{}, fmt.Errorf("mime: %q is no field name", name)
	}
	raw := make([]byte, 0, len(name)+len(body)+len(body)/64*3+4)
	raw = append(append(raw, name...), ':')
	raw = appendFolded(raw, len(raw), " "+body)
	raw = append(raw, "\r\n"...)
	return Field{raw: raw, name: len(name), body: len(name) + 1}, nil
}

// validFieldName checks ftext (RFC 5322 section 3.6.8).
func validFieldName(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ':' {
			return false
		}
	}
	return s != "" && len(s) <= 76
}
