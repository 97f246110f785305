package script

import (
	"errors"
	"strings"
)

// node is an element of a response, or of a pattern.
type node struct {
	text   string
	quoted bool // a quoted string or a literal
	list   []*node
	kind   nodeKind
}

type nodeKind uint8

const (
	word nodeKind = iota
	parens
	code     // of a status response
	anyOrder // of a pattern, from here: (* …)
	onlyAnyOrder
	pairs
)

// maxDepth bounds parentheses within parentheses.
const maxDepth = 64

var errSyntax = errors.New("not the syntax of a response")

// reader reads nodes from the pieces of a response. Between two pieces stands a literal.
type reader struct {
	pieces   []string
	literals []string
	pattern  bool
}

// rest is what is left of the piece.
func (r *reader) rest() string { return r.pieces[0] }

func (r *reader) skip(n int) { r.pieces[0] = r.pieces[0][n:] }

// parseLine reads a whole response, or a pattern of one.
func parseLine(pieces, literals []string, pattern bool) ([]*node, error) {
	r := &reader{pieces: append([]string(nil), pieces...), literals: literals, pattern: pattern}
	line := r.rest()
	if line == "+" || strings.HasPrefix(line, "+ ") {
		return append([]*node{{text: "+"}}, textNodes(strings.TrimPrefix(line[1:], " "))...), nil
	}
	tag, rest, ok := strings.Cut(line, " ")
	if typ, text, _ := strings.Cut(rest, " "); ok && isStatus(typ) {
		return parseStatus(tag, typ, text, pattern)
	}
	out, err := r.nodes("", 0)
	if err == nil && (len(r.pieces) > 1 || r.rest() != "") {
		err = errSyntax
	}
	return out, err
}

func isStatus(s string) bool {
	switch strings.ToUpper(s) {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// parseStatus reads a status response: its text is one element, which may hold anything.
func parseStatus(tag, typ, text string, pattern bool) ([]*node, error) {
	out := []*node{{text: tag}, {text: typ}}
	if strings.HasPrefix(text, "[") {
		inner, after, ok := cutCode(text[1:])
		if !ok {
			return nil, errSyntax
		}
		r := &reader{pieces: []string{inner}, pattern: pattern}
		list, err := r.nodes("", 0)
		if pattern && err != nil {
			return nil, err
		}
		if err != nil || r.rest() != "" {
			list = []*node{{text: inner}}
		}
		out = append(out, &node{kind: code, list: list})
		text = strings.TrimPrefix(after, " ")
	}
	return append(out, textNodes(text)...), nil
}

// cutCode finds the bracket that ends a response code, past brackets within and quoted strings.
func cutCode(s string) (inner, after string, ok bool) {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == ']':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

func textNodes(s string) []*node {
	if s == "" {
		return nil
	}
	return []*node{{text: s, quoted: true}}
}

// nodes reads elements up to the closing character, "" for the end.
func (r *reader) nodes(end string, depth int) (out []*node, err error) {
	if depth > maxDepth {
		return nil, errSyntax
	}
	for {
		switch s := r.rest(); {
		case s == "" && len(r.pieces) > 1:
			out = append(out, &node{text: r.literals[0], quoted: true})
			r.pieces, r.literals = r.pieces[1:], r.literals[1:]
		case s == "" && end == "", end != "" && strings.HasPrefix(s, end):
			return out, nil
		case s == "":
			return nil, errSyntax
		case s[0] == ' ':
			r.skip(1)
		case s[0] == '(':
			n, err := r.parens(depth)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		case s[0] == ')':
			return nil, errSyntax
		case s[0] == '"':
			text, err := r.quotedString()
			if err != nil {
				return nil, err
			}
			out = append(out, &node{text: text, quoted: true})
		default:
			n, err := r.atom()
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
}

func (r *reader) parens(depth int) (*node, error) {
	r.skip(1)
	n := &node{kind: parens}
	if r.pattern {
		for prefix, kind := range map[string]nodeKind{"* ": anyOrder, "= ": onlyAnyOrder, "% ": pairs} {
			if strings.HasPrefix(r.rest(), prefix) {
				r.skip(2)
				n.kind = kind
				break
			}
		}
	}
	var err error
	if n.list, err = r.nodes(")", depth+1); err != nil {
		return nil, err
	}
	if r.skip(1); n.kind == pairs && len(n.list)%2 != 0 {
		return nil, errors.New("pairs expected")
	}
	return n, nil
}

func (r *reader) quotedString() (string, error) {
	s := r.rest()
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			r.skip(i + 1)
			return b.String(), nil
		case '\\':
			if i++; i == len(s) {
				return "", errSyntax
			}
			if r.pattern && (s[i] == 'r' || s[i] == 'n') {
				b.WriteByte(map[byte]byte{'r': '\r', 'n': '\n'}[s[i]])
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return "", errSyntax
}

// atom reads up to a space or parenthesis outside of brackets: BODY[HEADER.FIELDS (A B)]<0> is one. A literal or quoted string may
// stand within brackets, and becomes part of it.
func (r *reader) atom() (*node, error) {
	var b strings.Builder
	depth := 0
	for {
		s := r.rest()
		i := 0
		for ; i < len(s); i++ {
			c := s[i]
			if depth == 0 && (c == ' ' || c == '(' || c == ')' || c == '"') {
				break
			}
			switch c {
			case '[':
				depth++
			case ']':
				depth = max(depth-1, 0)
			}
		}
		b.WriteString(s[:i])
		r.skip(i)
		if depth == 0 || i < len(s) {
			break
		}
		if len(r.pieces) == 1 {
			return nil, errSyntax
		}
		b.WriteString(r.literals[0])
		r.pieces, r.literals = r.pieces[1:], r.literals[1:]
	}
	if b.Len() == 0 {
		return nil, errSyntax
	}
	return &node{text: b.String()}, nil
}
