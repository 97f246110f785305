package mime

import "strings"

// ContentType is the value of a Content-Type field (RFC 2045 section 5).
type ContentType struct {
	Type, Subtype string // lower case
	Params        []Param
}

// Param returns the value of the parameter with this name in lower case, "" when there is none.
func (c *ContentType) Param(name string) string { return findParam(c.Params, name) }

// MediaType returns "type/subtype".
func (c *ContentType) MediaType() string { return c.Type + "/" + c.Subtype }

// String writes the value for a Content-Type field.
func (c *ContentType) String() string { return FormatParams(c.MediaType(), c.Params) }

// Param returns the value of the parameter with this name in lower case, "" when there is none.
func (d *Disposition) Param(name string) string { return findParam(d.Params, name) }

// String writes the value for a Content-Disposition field.
func (d *Disposition) String() string { return FormatParams(d.Type, d.Params) }

// ParamParser reads Content-Type, Content-Disposition and fields like them. The zero value knows the built-in charsets.
type ParamParser struct {
	CharsetReader CharsetReader // for RFC 2231 values in other charsets
	Max           int           // parameters, the pieces of a continued one counted singly; default 100
}

// ParseContentType reads the body of a Content-Type field with the built-in charsets. The value can always be used:
// what can't be read is text/plain, "the default" of RFC 2045 section 5.2, and the error says that it is so. Parameters are read as
// they were meant: unquoted blanks, missing quotes and semicolons, RFC 2231 continuations in any order.
func ParseContentType(body string) (ContentType, error) {
	return (&ParamParser{}).ContentType(body)
}

// ParseDisposition reads the body of a Content-Disposition field (RFC 2183). "Unrecognized disposition types should be treated
// as attachment"; what can't be read is "attachment" too, with an error.
func ParseDisposition(body string) (Disposition, error) {
	return (&ParamParser{}).Disposition(body)
}

// ContentType reads as [ParseContentType] does.
func (p *ParamParser) ContentType(body string) (ContentType, error) {
	first, params := p.parse(body)
	typ, sub, found := strings.Cut(first, "/")
	typ, sub = strings.ToLower(strings.TrimSpace(typ)), strings.ToLower(strings.TrimSpace(sub))
	if i := strings.IndexAny(sub, " \t\r\n,"); i > 0 {
		sub = sub[:i]
	}
	if found && isToken(typ) && isToken(sub) {
		return ContentType{typ, sub, params}, nil
	}
	err := &SyntaxError{"no media type", 0}
	switch {
	case typ == "text" && !found: // RFC 1049 knew types without subtypes
		return ContentType{"text", "plain", params}, err
	case typ == "multipart" && findParam(params, "boundary") != "":
		return ContentType{"multipart", "mixed", params}, err
	case first == "":
		return ContentType{"text", "plain", params}, err
	case !found && isToken(typ), found && isToken(typ): // something, but not text
		return ContentType{"application", "octet-stream", params}, err
	}
	return ContentType{"text", "plain", params}, err
}

// Disposition reads as [ParseDisposition] does.
func (p *ParamParser) Disposition(body string) (Disposition, error) {
	first, params := p.parse(body)
	if first = strings.ToLower(first); strings.ContainsAny(first, " \t\r\n") {
		first = strings.Fields(first)[0]
	}
	if !isToken(first) {
		return Disposition{"attachment", params}, &SyntaxError{"no disposition type", 0}
	}
	return Disposition{first, params}, nil
}

// isToken checks a token (RFC 2045 section 5.1).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isTokenChar(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenChar(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(`()<>@,;:\"/[]?=`, c) < 0
}

// filename returns the name proposed for a part, from a Content-Disposition's parameters or a Content-Type's.
func filename(disp, ct []Param) string {
	name := findParam(disp, "filename")
	if name == "" {
		name = findParam(ct, "name")
	}
	if name == "" {
		return ""
	}
	if strings.Contains(name, "=?") { // RFC 2047 section 5 forbids it, and everybody does it
		name = DecodeText(name)
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
}
