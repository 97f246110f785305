package searchtext

import (
	"bytes"
	"html"
	"strings"
)

// stripper is a writer that passes the text of HTML or XML on to a folder: no tags, comments, scripts or styles, character
// references resolved, and a space where an element ends a word. It keeps a few octets of state whatever comes.
//
// It is for finding words, not for showing anything: damage that a browser would mend otherwise costs at most a word.
type stripper struct {
	to   *folder
	glue func(name string) bool // elements that don't end words

	state  stripState
	buf    []byte // a reference, or the beginning of a tag
	quote  byte
	equals bool   // an attribute's value may begin
	raw    string // the element whose text is left out
}

type stripState uint8

const (
	inText      stripState = iota
	inReference            // after "&"
	inTagOpen              // after "<"
	inTag                  // after its name
	inQuoted               // in an attribute's value
	inComment              // after "<!--"
	inMarkup               // after "<!" or "<?"
	inRaw                  // in a script
	inRawEnd               // after "<" there
)

// Most octets of a reference and of the name of an element that are looked at.
const (
	maxReference = 40
	maxName      = 24
)

// Write implements io.Writer. It never fails.
func (s *stripper) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && !s.to.full() {
		switch s.state {
		case inText:
			i := bytes.IndexAny(p, "<&")
			if i < 0 {
				s.to.Write(p)
				return n, nil
			}
			s.to.Write(p[:i])
			s.buf = s.buf[:0]
			if s.state = inTagOpen; p[i] == '&' {
				s.state, s.buf = inReference, append(s.buf, '&')
			}
			p = p[i+1:]
		case inReference:
			p = s.reference(p)
		case inTagOpen:
			p = s.open(p)
		case inTag:
			p = s.tag(p)
		case inQuoted:
			i := bytes.IndexByte(p, s.quote)
			if i < 0 {
				return n, nil
			}
			s.state, p = inTag, p[i+1:]
		case inComment:
			p = s.comment(p)
		case inMarkup:
			i := bytes.IndexByte(p, '>')
			if i < 0 {
				return n, nil
			}
			s.state, p = inText, p[i+1:]
		case inRaw:
			i := bytes.IndexByte(p, '<')
			if i < 0 {
				return n, nil
			}
			s.state, s.buf, p = inRawEnd, s.buf[:0], p[i+1:]
		case inRawEnd:
			p = s.rawEnd(p)
		}
	}
	return n, nil
}

// end writes what waits: the document ends here.
func (s *stripper) end() {
	switch s.state {
	case inReference:
		s.resolve()
	case inTagOpen:
		if len(s.buf) == 0 {
			s.to.WriteString("<")
		}
	}
	s.state = inText
}

// reference reads a character reference, with or without its semicolon.
func (s *stripper) reference(p []byte) []byte {
	for i, c := range p {
		if c == ';' {
			s.buf = append(s.buf, c)
			s.resolve()
			return p[i+1:]
		}
		if !isAlnum(c) && c != '#' || len(s.buf) == maxReference {
			s.resolve()
			return p[i:]
		}
		s.buf = append(s.buf, c)
	}
	return nil
}

func (s *stripper) resolve() {
	s.to.WriteString(html.UnescapeString(string(s.buf)))
	s.state = inText
}

// open reads what follows "<" as far as the element's name.
func (s *stripper) open(p []byte) []byte {
	for i, c := range p {
		switch {
		case len(s.buf) == 0 && !isAlnum(c) && c != '/' && c != '!' && c != '?', len(s.buf) == 0 && c >= '0' && c <= '9':
			s.to.WriteString("<") // no tag at all
			s.state = inText
			return p[i:]
		case string(s.buf) == "!-" && c == '-':
			s.state, s.buf = inComment, append(s.buf[:0], "--"...) // "<!-->" is whole
			return p[i+1:]
		case len(s.buf) > 0 && (s.buf[0] == '!' && (c != '-' || len(s.buf) > 1) || s.buf[0] == '?'):
			s.state = inMarkup
			return p[i:]
		case isAlnum(c) || c == ':' || c == '-' || len(s.buf) == 0:
			if len(s.buf) < maxName {
				s.buf = append(s.buf, c)
			}
		default:
			s.state, s.equals = inTag, false
			return p[i:]
		}
	}
	return nil
}

// tag reads a tag behind its name.
func (s *stripper) tag(p []byte) []byte {
	for i, c := range p {
		switch c {
		case '>':
			s.finish()
			return p[i+1:]
		case '=':
			s.equals = true
		case '"', '\'':
			if s.equals {
				s.state, s.quote, s.equals = inQuoted, c, false
				return p[i+1:]
			}
		case ' ', '\t', '\r', '\n':
		default:
			s.equals = false
		}
	}
	return nil
}

// finish is the end of a tag.
func (s *stripper) finish() {
	s.state = inText
	name := strings.ToLower(string(s.buf))
	s.buf = s.buf[:0]
	closing := strings.HasPrefix(name, "/")
	name = strings.TrimPrefix(name, "/")
	if !s.glue(name) {
		s.to.WriteString(" ")
	}
	switch name {
	case "script", "style", "title", "xml":
		if !closing {
			s.raw, s.state = name, inRaw
		}
	}
}

// comment reads to "-->", or to "->" and ">" right at the beginning, as browsers do.
func (s *stripper) comment(p []byte) []byte {
	for i, c := range p {
		if c == '>' && len(s.buf) == 2 {
			s.state = inText
			return p[i+1:]
		}
		if c == '-' {
			if len(s.buf) < 2 {
				s.buf = append(s.buf, c)
			}
		} else {
			s.buf = s.buf[:0]
		}
	}
	return nil
}

// rawEnd looks whether a "<" within a script is its end.
func (s *stripper) rawEnd(p []byte) []byte {
	for i, c := range p {
		if len(s.buf) <= len(s.raw) {
			want := byte('/')
			if n := len(s.buf); n > 0 {
				want = s.raw[n-1]
			}
			if c != want && c|0x20 != want {
				s.state = inRaw
				return p[i:]
			}
			s.buf = append(s.buf, c)
			continue
		}
		s.state, s.equals = inTag, false
		return p[i:]
	}
	return nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// htmlGlue reports whether an HTML element may stand within a word.
func htmlGlue(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label",
		"mark", "nobr", "o:p", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr":
		return true
	}
	return false
}

// officeGlue reports whether an element of OOXML or OpenDocument may stand within a word: all but paragraphs, cells, breaks and tabs.
func officeGlue(name string) bool {
	if _, local, ok := strings.Cut(name, ":"); ok {
		name = local
	}
	switch name {
	case "p", "h", "br", "cr", "tab", "tc", "tr", "si", "row", "table-cell", "table-row", "line-break", "s":
		return false
	}
	return true
}
