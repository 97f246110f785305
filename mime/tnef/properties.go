package tnef

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// The properties that are read (MS-OXPROPS).
const (
	propClass       = 0x001a
	propSubject     = 0x0037
	propBody        = 0x1000
	propRTF         = 0x1009
	propHTML        = 0x1013
	propMessageID   = 0x1035
	propDisplayName = 0x3001
	propAttachData  = 0x3701
	propShortName   = 0x3704
	propLongName    = 0x3707
	propMIMEType    = 0x370e
	propContentID   = 0x3712
)

// The types (MS-OXCDATA section 2.11.1).
const (
	typeInt16    = 0x02
	typeInt32    = 0x03
	typeFloat32  = 0x04
	typeFloat64  = 0x05
	typeCurrency = 0x06
	typeAppTime  = 0x07
	typeError    = 0x0a
	typeBool     = 0x0b
	typeObject   = 0x0d
	typeInt64    = 0x14
	typeString8  = 0x1e
	typeUnicode  = 0x1f
	typeTime     = 0x40
	typeGUID     = 0x48
	typeBinary   = 0x102
	multiValued  = 0x1000
	firstNamed   = 0x8000
	iidSize      = 16
)

// cursor reads little-endian numbers; bad once it was asked for more than there is.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// take returns n octets and passes over what pads them to a multiple of four.
func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[min((n+3)&^3, uint64(len(c.b))):]
	return v
}

// properties reads a set of properties (MS-OXTNEF section 2.1.3.4) and hands the first value of each over.
func (r *reader) properties(b []byte, each func(id, typ uint16, value []byte)) {
	c := cursor{b: b}
	for n := c.uint32(); n > 0 && !c.bad; n-- {
		if r.left == 0 {
			c.bad = true
			break
		}
		r.left--
		tag := c.uint32()
		id, typ := uint16(tag>>16), uint16(tag)
		if id >= firstNamed {
			c.take(iidSize)
			if kind := c.uint32(); kind == 0 {
				c.uint32()
			} else {
				c.take(uint64(c.uint32()))
			}
		}
		if value := c.values(typ); !c.bad && value != nil && id < firstNamed {
			each(id, typ&^multiValued, value)
		}
	}
	if c.bad {
		r.m.Damaged = true
	}
}

// values reads the values of one property and returns the first.
func (c *cursor) values(typ uint16) (first []byte) {
	count, sized, width := uint32(1), false, uint64(0)
	switch typ &^ multiValued {
	case typeInt16, typeInt32, typeFloat32, typeError, typeBool:
		width = 4
	case typeFloat64, typeCurrency, typeAppTime, typeInt64, typeTime:
		width = 8
	case typeGUID:
		width = 16
	case typeObject, typeString8, typeUnicode, typeBinary:
		sized = true
	default:
		c.bad = true // nobody knows how long it is
		return nil
	}
	if sized || typ&multiValued != 0 {
		count = c.uint32()
	}
	for i := uint32(0); i < count && !c.bad; i++ {
		if sized {
			width = uint64(c.uint32())
		}
		if v := c.take(width); i == 0 {
			first = v
		}
	}
	return first
}

// str reads a string property.
func (r *reader) str(typ uint16, v []byte) string {
	if typ != typeUnicode {
		return r.name(v)
	}
	if limit := orDefault(r.p.Limits.NameBytes, 4<<10) * 2; len(v) > limit {
		v, r.m.Damaged = v[:limit], true
	}
	return strings.TrimSpace(fromUTF16(v))
}

// fromUTF16 decodes little-endian UTF-16 up to its NUL.
func fromUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

func (r *reader) messageProperty(id, typ uint16, v []byte) {
	m := r.m
	switch id {
	case propClass:
		m.Class = r.str(typ, v)
	case propSubject:
		m.Subject = r.str(typ, v)
	case propMessageID:
		m.MessageID = strings.Trim(r.str(typ, v), "<>")
	case propBody:
		if typ == typeUnicode {
			m.Text = fromUTF16(v)
		} else {
			m.Text = r.text(v)
		}
	case propRTF:
		m.RTFCompressed = v
	case propHTML:
		m.HTML = v
	}
}

func (r *reader) attachmentProperty(a *Attachment, id, typ uint16, v []byte) {
	switch id {
	case propLongName:
		if s := r.str(typ, v); s != "" {
			a.Filename = s
		}
	case propShortName, propDisplayName:
		if a.Filename == "" {
			a.Filename = r.str(typ, v)
		}
	case propMIMEType:
		if a.Type == "" {
			a.Type = strings.ToLower(r.str(typ, v))
		}
	case propContentID:
		a.ContentID = strings.Trim(r.str(typ, v), "<>")
	case propAttachData:
		if typ == typeObject && len(v) > iidSize { // a message within, after the GUID of its interface
			v = v[iidSize:]
			if len(v) > 4 && binary.LittleEndian.Uint32(v) == signature {
				a.Type = "application/ms-tnef"
			}
		}
		a.Data = v
	}
}
