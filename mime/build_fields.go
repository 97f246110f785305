package mime

import "strings"

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
	case fieldReferences:
		if r.x.parts == 1 {
			e.References = NString{value, true}
		}
	default:
		list := [...]*[]Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc}[which-fieldFrom]
		r.addresses(list, value)
	}
}

// value returns a field's body as the index keeps it: unfolded, at most Limits.FieldBytes long, without NUL.
func (r *fieldReader) value(f *Field) string {
	v := f.value()
	if len(v) > r.x.lim.FieldBytes && !isListField(f) {
		r.x.problem(ProblemValueTooLong, r.offset)
		v = v[:r.x.lim.FieldBytes]
	}
	return withoutNUL(string(v))
}

// withoutNUL replaces NUL by U+FFFD, because no IMAP string can hold it. Index and stream read the fields that make the
// structure so, and therefore find the same boundaries.
func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

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
	v := (&paramScanner{s: value}).upTo(';')
	switch v = strings.ToLower(strings.Trim(v, " \t\r\n\"'")); v {
	case "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "x-uue", "uuencode", "x-yenc", "yenc":
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
	for tag := range strings.SplitSeq((&paramScanner{s: value}).upTo(0), ",") {
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
