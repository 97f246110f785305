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
	"content-language", "content-location", "date", "subject", "in-reply-to", "message-id", "from", "sender", "reply-to", "to", "cc", "bcc",
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

// field takes one field. Of those that may stand once the first counts; the lists of repeated To, Cc and Bcc are joined: "they
// SHOULD be treated as if the address list in the first occurrence […] is combined with the address lists of the subsequent
// occurrences" (RFC 5322 section 4.5.3).
func (r *fieldReader) field(f *Field) {
	which := whichField(f)
	if which == fieldOther || which >= fieldDate && r.env == nil {
		return
	}
	if r.seen&(1<<which) != 0 {
		r.x.problem(ProblemDuplicateField, r.offset)
		if which < fieldTo {
			return
		}
	}
	r.seen |= 1 << which
	value := r.value(f)
	p, e := r.part, r.env
	switch which {
	case fieldContentType:
		r.contentType(value)
	case fieldDisposition:
		d, err := r.params().Disposition(value)
		if err != nil {
			r.x.problem(ProblemDisposition, r.offset)
		}
		p.Disposition = &d
	case fieldEncoding:
		r.encoding(value)
	case fieldID:
		p.ID = NString{value, true}
	case fieldDescription:
		p.Description = NString{value, true}
	case fieldMD5:
		p.MD5 = NString{value, true}
	case fieldLocation:
		p.Location = NString{value, true}
	case fieldLanguage:
		r.languages(value)
	case fieldDate:
		e.Date = NString{value, true}
	case fieldSubject:
		e.Subject = NString{value, true}
	case fieldInReplyTo:
		e.InReplyTo = NString{value, true}
	case fieldMessageID:
		e.MessageID = NString{value, true}
	default:
		list := [...]*[]Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc}[which-fieldFrom]
		r.addresses(list, value)
	}
}

// value returns a field's body as the index keeps it: unfolded, at most Limits.FieldBytes long, NUL replaced by U+FFFD because
// no IMAP string can hold it.
func (r *fieldReader) value(f *Field) string {
	v := f.value()
	if len(v) > r.x.lim.FieldBytes && !isListField(f) {
		r.x.problem(ProblemValueTooLong, r.offset)
		v = v[:r.x.lim.FieldBytes]
	}
	if bytes.IndexByte(v, 0) >= 0 {
		v = bytes.ReplaceAll(v, []byte{0}, []byte("\uFFFD"))
	}
	return string(v)
}

// isListField reports whether a field is bounded by its number of addresses instead of its length.
func isListField(f *Field) bool {
	switch whichField(f) {
	case fieldFrom, fieldSender, fieldReplyTo, fieldTo, fieldCc, fieldBcc:
		return true
	}
	return false
}

func (r *fieldReader) params() *ParamParser {
	return &ParamParser{CharsetReader: r.x.b.CharsetReader, Max: r.x.lim.Parameters}
}

func (r *fieldReader) contentType(value string) {
	c, err := r.params().ContentType(value)
	if err != nil {
		r.x.problem(ProblemContentType, r.offset)
	}
	r.part.Type, r.part.Subtype, r.part.Params = c.Type, c.Subtype, c.Params
}

func (r *fieldReader) encoding(value string) {
	encoding, known := parseEncoding(value)
	if !known {
		r.x.problem(ProblemEncoding, r.offset)
	}
	r.part.Encoding = encoding
}

// parseEncoding reads a Content-Transfer-Encoding field, in its misspellings too.
func parseEncoding(value string) (encoding string, known bool) {
	v := (&paramScanner{s: value}).upTo(";")
	switch v = strings.ToLower(strings.Trim(v, " \t\r\n\"'")); v {
	case "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "x-uue", "uuencode":
		return v, true
	case "7-bit", "7bits", "7 bit", "7":
		return "7bit", true
	case "8-bit", "8bits", "8 bit", "8":
		return "8bit", true
	case "quoted printable", "quotedprintable", "qp":
		return "quoted-printable", false
	case "":
		return "7bit", false
	}
	return v, false
}

func (r *fieldReader) languages(value string) {
	for tag := range strings.SplitSeq((&paramScanner{s: value}).upTo(""), ",") {
		if tag = strings.TrimSpace(tag); tag != "" && len(r.part.Language) < r.x.lim.Parameters {
			r.part.Language = append(r.part.Language, tag)
		}
	}
}

func (r *fieldReader) addresses(list *[]Address, value string) {
	room := r.x.lim.Addresses - len(*list)
	if room <= 0 {
		return
	}
	found, err := (&AddressParser{Raw: true, Max: room}).ParseList(value)
	if err != nil {
		r.x.problem(ProblemAddress, r.offset)
	}
	*list = append(*list, found...)
}
