package mime

import (
	"encoding/binary"
	"errors"
)

// indexVersion is the first octet of a serialised index. A reader that meets another one says ErrIndexVersion, and the store
// builds the index anew from the message.
const indexVersion = 2

// What [DecodeIndex] can say. Both mean: build it again from the message.
var (
	ErrIndexVersion = errors.New("mime: index has another version")
	ErrIndexDamaged = errors.New("mime: index is damaged")
)

// Bits of a part's flag octet in the serialised form.
const (
	partHasMessage = 1 << iota
	partHasEnvelope
	partHasDisposition
	partHasNStrings
	partHasLanguage
)

// commonWords are written as one octet. Their order is part of the format: only add at the end, and bump no version.
var commonWords = [...]string{
	"", "text", "plain", "html", "multipart", "mixed", "alternative", "related", "message", "rfc822", "application",
	"octet-stream", "image", "png", "jpeg", "gif", "pdf", "7bit", "8bit", "base64", "quoted-printable", "binary", "charset",
	"utf-8", "us-ascii", "iso-8859-1", "boundary", "name", "filename", "attachment", "inline", "format", "flowed", "signed",
	"report", "delivery-status", "UTF-8", "delsp", "yes", "calendar",
}

// AppendBinary appends the index's serialised form to b, for [DecodeIndex]. The error is always nil; it is there for
// encoding.BinaryAppender.
func (ix *Index) AppendBinary(b []byte) ([]byte, error) {
	if b == nil {
		b = make([]byte, 0, 1<<10) // enough for most
	}
	e := indexEncoder{b: append(b, indexVersion)}
	parts := 0
	countParts(ix.Root, &parts)
	e.uint(uint64(parts))
	e.int(ix.Size)
	e.part(ix.Root, 0)
	e.string(ix.Preview)
	e.uint(uint64(len(ix.Problems)))
	for _, p := range ix.Problems {
		e.b = append(e.b, byte(p.Kind))
		e.int(p.Offset)
	}
	return e.b, nil
}

func countParts(p *Part, n *int) {
	*n++
	for _, c := range p.Parts {
		countParts(c, n)
	}
	if p.Message != nil {
		countParts(p.Message, n)
	}
}

type indexEncoder struct{ b []byte }

func (e *indexEncoder) uint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }
func (e *indexEncoder) int(v int64)   { e.b = binary.AppendVarint(e.b, v) }

// string writes a common word as its number shifted left with the low bit set, anything else as its length with the
// low bit clear and its octets.
func (e *indexEncoder) string(s string) {
	if len(s) <= 16 {
		for i, w := range commonWords {
			if w == s {
				e.uint(uint64(i)<<1 | 1)
				return
			}
		}
	}
	e.uint(uint64(len(s)) << 1)
	e.b = append(e.b, s...)
}

func (e *indexEncoder) nstring(s NString) {
	if !s.Set {
		e.b = append(e.b, 0)
		return
	}
	e.b = append(e.b, 1)
	e.string(s.Value)
}

func (e *indexEncoder) params(params []Param) {
	e.uint(uint64(len(params)))
	for _, p := range params {
		e.string(p.Name)
		e.string(p.Value)
		x := byte(0)
		if p.Extended {
			x = 1
		}
		e.b = append(e.b, x)
	}
}

// part writes a part and what is below it. Offsets are relative to base, the end of what came before, so that they
// are small.
func (e *indexEncoder) part(p *Part, base int64) {
	var flags byte
	set := func(on bool, bit byte) {
		if on {
			flags |= bit
		}
	}
	set(p.Message != nil, partHasMessage)
	set(p.Envelope != nil, partHasEnvelope)
	set(p.Disposition != nil, partHasDisposition)
	set(p.ID.Set || p.Description.Set || p.MD5.Set || p.Location.Set, partHasNStrings)
	set(len(p.Language) > 0, partHasLanguage)
	e.b = append(e.b, flags)
	e.int(p.Header.Offset - base)
	e.int(p.Header.Size)
	e.int(p.Body.Offset - p.Header.End())
	e.int(p.Body.Size)
	e.int(p.HeaderLines)
	e.int(p.Lines)
	e.string(p.Type)
	e.string(p.Subtype)
	e.params(p.Params)
	e.string(p.Encoding)
	if p.Disposition != nil {
		e.string(p.Disposition.Type)
		e.params(p.Disposition.Params)
	}
	if flags&partHasNStrings != 0 {
		for _, s := range [...]NString{p.ID, p.Description, p.MD5, p.Location} {
			e.nstring(s)
		}
	}
	if flags&partHasLanguage != 0 {
		e.uint(uint64(len(p.Language)))
		for _, l := range p.Language {
			e.string(l)
		}
	}
	if p.Envelope != nil {
		e.envelope(p.Envelope)
	}
	e.uint(uint64(len(p.Parts)))
	for _, c := range p.Parts {
		e.part(c, p.Body.Offset)
	}
	if p.Message != nil {
		e.part(p.Message, p.Body.Offset)
	}
}

func (e *indexEncoder) envelope(v *Envelope) {
	for _, s := range [...]NString{v.Date, v.Subject, v.InReplyTo, v.MessageID, v.References} {
		e.nstring(s)
	}
	for i, list := range [...][]Address{v.From, v.Sender, v.ReplyTo, v.To, v.Cc, v.Bcc} {
		if i > 0 && i < 3 && sameList(list, v.From) {
			e.b = append(e.b, 1)
			continue
		}
		e.b = append(e.b, 0)
		e.uint(uint64(len(list)))
		for _, a := range list {
			e.b = append(e.b, byte(a.Kind))
			e.string(a.Name)
			e.string(a.Route)
			e.string(a.Mailbox)
			e.string(a.Host)
		}
	}
}

// sameList reports whether b is the very slice a, as BuildIndex makes it where Sender or Reply-To is missing.
func sameList(a, b []Address) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
