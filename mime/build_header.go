package mime

import (
	"bytes"
	"strings"
)

func indexNUL(b []byte) int { return bytes.IndexByte(b, 0) }

func trimRightBlanks(s string) string { return strings.TrimRight(s, " \t\r\n") }

// readHeader reads a part's header and takes from it what the index keeps.
func (x *indexing) readHeader(p *Part, isMessage bool) {
	start, lines := x.off, x.lines
	raw, complete, long := x.header(x.hdr[:0], x.lim.HeaderBytes)
	x.hdr = raw
	p.Header = Span{start, x.off - start}
	p.HeaderLines = x.lines - lines
	p.Body.Offset = x.off
	if long {
		x.problem(ProblemHeaderTooLong, start+int64(len(raw)))
	}
	if !complete {
		x.problem(ProblemNoHeaderEnd, x.off)
	}
	x.fields.parse(raw, &x.lim)
	r := fieldReader{x: x, part: p, base: start}
	if isMessage {
		p.Envelope = &Envelope{}
		r.env = p.Envelope
	}
	at := start
	for i := range x.fields.fields {
		f := &x.fields.fields[i]
		r.offset = at
		r.checkLines(f)
		switch {
		case f.IsField():
			r.field(f)
		case i == x.lim.Fields:
			x.problem(ProblemHeaderTooLong, at)
		default:
			x.problem(ProblemBadField, at)
		}
		at += int64(len(f.raw))
	}
	if r.env != nil {
		if len(r.env.Sender) == 0 {
			r.env.Sender = r.env.From
		}
		if len(r.env.ReplyTo) == 0 {
			r.env.ReplyTo = r.env.From
		}
	}
}

// fieldReader sorts the fields of one header into a part and its envelope.
type fieldReader struct {
	x      *indexing
	part   *Part
	env    *Envelope // nil when the part is no message
	base   int64
	offset int64 // of the field
	seen   uint32
	bareLF bool
}

// checkLines lists a NUL and the first line end without CR.
func (r *fieldReader) checkLines(f *Field) {
	if i := bytes.IndexByte(f.raw, 0); i >= 0 && !r.x.nul {
		r.x.nul = true
		r.x.problem(ProblemNUL, r.offset+int64(i))
	}
	if n := len(f.raw); !r.bareLF && n > 0 && f.raw[n-1] == '\n' && (n == 1 || f.raw[n-2] != '\r') {
		r.bareLF = true
		r.x.problem(ProblemBareLF, r.offset+int64(n-1))
	}
}

// The fields that the index keeps.
const (
	fieldContentType = iota
	fieldDisposition
	fieldEncoding
	fieldID
	fieldDescription
	fieldMD5
	fieldLanguage
	fieldLocation
	fieldDate
	fieldSubject
	fieldInReplyTo
	fieldMessageID
	fieldReferences
	fieldFrom
	fieldSender
	fieldReplyTo
	fieldTo
	fieldCc
	fieldBcc
	fieldOther
)

var fieldNames = [fieldOther]string{
	"content-type", "content-disposition", "content-transfer-encoding", "content-id", "content-description", "content-md5",
	"content-language", "content-location", "date", "subject", "in-reply-to", "message-id", "references",
	"from", "sender", "reply-to", "to", "cc", "bcc",
}

func whichField(f *Field) int {
	if f.name > len("content-transfer-encoding") {
		return fieldOther
	}
	for i, name := range &fieldNames {
		if len(name) == f.name && lower(f.raw[0]) == name[0] && f.Is(name) {
			return i
		}
	}
	return fieldOther
}
