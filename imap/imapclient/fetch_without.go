package imapclient

import (
	"bytes"
	"io"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// itemExchange is what FETCH asks for in place of items that the server doesn't have, and how these are made of it.
type itemExchange struct {
	c       *Client
	binary  []imap.FetchItem // BINARY and BINARY.SIZE
	preview bool
	wanted  []imap.FetchItem // as the caller has given them
	err     error            // a part in an encoding that isn't known, as a server would tell behind the messages
}

// previewFrom is how much of a message is looked at for a preview: more than the header, and the text if it is near the beginning.
const previewFrom = 32 << 10

// exchangeItems replaces what the server doesn't have in o.
func (c *Client) exchangeItems(o *FetchOptions) *itemExchange {
	x := &itemExchange{c: c, wanted: o.Items}
	var items, added []imap.FetchItem
	for _, item := range o.Items {
		switch {
		case (item.Att == imap.FetchBinary || item.Att == imap.FetchBinarySize) && !c.fetchesBinary():
			x.binary = append(x.binary, item)
			raw := item
			raw.Att, raw.Partial = imap.FetchBodySection, nil
			raw.Peek = item.Peek || item.Att == imap.FetchBinarySize
			added = append(added, imap.FetchItem{Att: imap.FetchBodyStructure}, raw)
		case item.Att == imap.FetchPreview && !c.Has(imap.CapPreview):
			if !item.Lazy {
				x.preview = true
				added = append(added, imap.FetchItem{Att: imap.FetchBodySection, Peek: true, Partial: &imap.Partial{Size: previewFrom}})
			}
		case c.hasItem(item.Att):
			items = append(items, item)
		}
	}
	for _, item := range added {
		if !slices.ContainsFunc(items, func(i imap.FetchItem) bool { return i.String() == item.String() }) {
			items = slices.Insert(items, 0, item) // before what may be streamed
		}
	}
	o.Items = items
	return x
}

// fetchesBinary reports whether FETCH has BINARY: by the extension, or as a part of IMAP4rev2 (RFC 9051 appendix E.1).
func (c *Client) fetchesBinary() bool {
	return c.Has(imap.CapBinary) || c.isEnabled(imap.CapIMAP4rev2) && !c.refused(imap.CapBinary)
}

// hasItem reports whether the server knows an attribute.
func (c *Client) hasItem(att imap.FetchAtt) bool {
	switch att {
	case imap.FetchModSeq:
		return c.Has(imap.CapCondStore) || c.Has(imap.CapQResync)
	case imap.FetchEmailID, imap.FetchThreadID:
		return c.Has(imap.CapObjectID)
	case imap.FetchSaveDate:
		return c.Has(imap.CapSaveDate)
	}
	return true
}

// keep reports whether a section is needed here.
func (x *itemExchange) keep(label imap.FetchItem) bool {
	if label.Att != imap.FetchBodySection {
		return false
	}
	return x.preview && isBeginning(label) || slices.ContainsFunc(x.binary, func(b imap.FetchItem) bool { return isRaw(label, b) })
}

// isBeginning reports whether a section is the one that previews are made of.
func isBeginning(label imap.FetchItem) bool {
	return label.Att == imap.FetchBodySection && label.Partial != nil && label.Partial.Offset == 0 && label.Section.String() == ""
}

// isRaw reports whether a section is what a BINARY item is made of.
func isRaw(label, binary imap.FetchItem) bool {
	return label.Att == imap.FetchBodySection && label.Partial == nil && label.Section.String() == binary.Section.String()
}

// apply makes what was asked for out of what has come, as far as it has.
func (x *itemExchange) apply(m *Message) {
	if x.preview {
		if i := slices.IndexFunc(m.Sections, func(s Section) bool { return isBeginning(s.Item) }); i >= 0 {
			m.Preview, m.Has = x.previewOf(m.Sections[i].Data), m.Has|HasPreview
			m.Sections = slices.Delete(m.Sections, i, i+1)
		}
	}
	for _, b := range x.binary {
		i := slices.IndexFunc(m.Sections, func(s Section) bool { return isRaw(s.Item, b) })
		if i < 0 || m.Structure == nil {
			continue
		}
		label := b
		label.Peek = false
		if slices.ContainsFunc(m.Sections, func(s Section) bool { return s.Item.Label() == label.Label() }) {
			continue // made before
		}
		if s, ok := x.decode(m, &m.Sections[i], label); ok {
			m.Sections = append(m.Sections, s)
		}
	}
	if len(x.binary) > 0 && m.Structure != nil {
		m.Sections = slices.DeleteFunc(m.Sections, func(s Section) bool {
			return slices.ContainsFunc(x.binary, func(b imap.FetchItem) bool { return isRaw(s.Item, b) }) && !x.asked(s.Item)
		})
	}
}

// asked reports whether the caller wants a section as it came.
func (x *itemExchange) asked(label imap.FetchItem) bool {
	return slices.ContainsFunc(x.wanted, func(w imap.FetchItem) bool { return w.Label() == label.Label() })
}

func (x *itemExchange) previewOf(beginning []byte) string {
	b := mime.IndexBuilder{CharsetReader: x.c.opts.CharsetReader}
	ix, err := b.Build(bytes.NewReader(beginning), int64(len(beginning)))
	if err != nil {
		return ""
	}
	return ix.Preview
}

// decode undoes a part's transfer encoding (RFC 3516 section 4.3).
func (x *itemExchange) decode(m *Message, raw *Section, label imap.FetchItem) (out Section, ok bool) {
	out = Section{Item: label, NIL: raw.NIL}
	encoding := ""
	if len(label.Section.Part) > 0 {
		number := make([]uint32, len(label.Section.Part))
		for i, n := range label.Section.Part {
			number[i] = uint32(n)
		}
		if p := (&mime.Index{Root: m.Structure}).Part(number...); p != nil && !p.IsMultipart() && p.Message == nil {
			encoding = p.Encoding
		}
	}
	if !mime.KnownTransfer(encoding) {
		if x.err == nil {
			x.err = &imap.Status{Type: imap.NO, Code: imap.CodeUnknownCTE, Text: "Transfer encoding " + encoding + " of message " + uidText(m.UID) + " is not known"}
		}
		return out, false
	}
	data, err := io.ReadAll(mime.DecodeTransfer(encoding, bytes.NewReader(raw.Data)))
	if err != nil {
		return out, false
	}
	out.Size = int64(len(data))
	if label.Att == imap.FetchBinarySize {
		out.NIL = false
		return out, true
	}
	if p := label.Partial; p != nil {
		from := min(int64(p.Offset), out.Size)
		data = data[from : from+min(int64(p.Size), out.Size-from)]
		out.Size = int64(len(data))
		out.Item.Partial = &imap.Partial{Offset: p.Offset}
	}
	if !raw.NIL {
		out.Data = data
	}
	return out, true
}

func uidText(u mail.UID) string { return UID(u).String() }
