package imap

import (
	"io"
	"strconv"

	"github.com/buuta/mail/mime"
)

// node is one element of a value: NIL, an atom or number, a string, or a list. The nodes of one value lie in one slice that
// is used again, so that a structure of any shape is read without an allocation for each element, and only then understood:
// a server that leaves out an element or writes another kind costs that element.
type node struct {
	kind  nodeKind
	text  string
	child int32 // the first of a list's elements; 0: none
	next  int32 // the following element; 0: none
}

type nodeKind uint8

const (
	nodeNil nodeKind = iota
	nodeAtom
	nodeString
	nodeList
)

// value reads any value into d.nodes and returns its index, or 0 on an error. It is valid until the next call.
func (d *Decoder) value() int32 {
	d.nodes = append(d.nodes[:0], node{}) // 0 is no node
	return d.readNode()
}

func (d *Decoder) newNode(n node) int32 {
	if len(d.nodes) > d.Limits.Items {
		d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Value too long"})
		return 0
	}
	d.nodes = append(d.nodes, n)
	return int32(len(d.nodes) - 1)
}

func (d *Decoder) readNode() int32 {
	if !d.ok() || len(d.line) == 0 {
		d.fail("Value expected before end of line")
		return 0
	}
	switch c := d.line[0]; {
	case c == '(':
		return d.readList()
	case c == '"':
		return d.newNode(node{kind: nodeString, text: d.keep(d.quotedText())})
	case (c == '{' || c == '~') && d.PeekLiteral():
		return d.newNode(node{kind: nodeString, text: d.literalString()})
	}
	n := 0
	for n < len(d.line) && d.line[n] != ' ' && d.line[n] != '(' && d.line[n] != ')' && d.line[n] != '"' {
		n++
	}
	if n == 0 {
		d.fail("Value expected before " + describe(d.line))
		return 0
	}
	b := d.line[:n]
	d.line = d.line[n:]
	if equalFold(b, "NIL") {
		return d.newNode(node{})
	}
	return d.newNode(node{kind: nodeAtom, text: d.keep(b)})
}

// readList reads a list, with spaces between its elements or without: the parts of a multipart have none, and some
// servers forget or double others.
func (d *Decoder) readList() int32 {
	d.line = d.line[1:]
	list := d.newNode(node{kind: nodeList})
	if d.enter(); list == 0 {
		return 0
	}
	last := int32(0)
	for d.ok() {
		// By hand, for this is where the time of an ENVELOPE goes.
		for len(d.line) > 0 && d.line[0] == ' ' {
			d.line = d.line[1:]
		}
		if len(d.line) > 0 && d.line[0] == ')' {
			d.line = d.line[1:]
			d.depth--
			return list
		}
		n := d.readNode()
		if n == 0 {
			return 0
		}
		if last == 0 {
			d.nodes[list].child = n
		} else {
			d.nodes[last].next = n
		}
		last = n
	}
	return 0
}

// nodeReader walks the elements of a list. Behind the last everything is NIL.
type nodeReader struct {
	d  *Decoder
	at int32
}

func (d *Decoder) elements(list int32) nodeReader { return nodeReader{d, d.nodes[list].child} }

func (r *nodeReader) more() bool { return r.at != 0 }

func (r *nodeReader) kind() nodeKind { return r.d.nodes[r.at].kind }

// take returns the next element's index and goes on; 0, which is NIL, behind the last.
func (r *nodeReader) take() int32 {
	n := r.at
	if n != 0 {
		r.at = r.d.nodes[n].next
	}
	return n
}

// nstring returns the next element as text that may be absent.
func (r *nodeReader) nstring() mime.NString {
	n := &r.d.nodes[r.take()]
	return mime.NString{Value: n.text, Set: n.kind == nodeString || n.kind == nodeAtom}
}

func (r *nodeReader) string() string { return r.d.nodes[r.take()].text }

// number returns the next element as a number, 0 where it is none.
func (r *nodeReader) number() int64 {
	n, err := strconv.ParseInt(r.string(), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// list returns the elements of the next element, none if it is no list.
func (r *nodeReader) list() nodeReader { return r.d.elements(r.take()) }

// RawValue requires any value and returns it as it stood on the wire, literals included.
func (d *Decoder) RawValue() string {
	var out []byte
	depth := 0
	for d.ok() && d.err == nil {
		if len(d.line) == 0 {
			if depth > 0 || len(out) == 0 {
				d.fail("Value expected before end of line")
			}
			break
		}
		start := d.line
		switch c := d.line[0]; {
		case c == '(':
			if depth++; depth > d.Limits.Depth {
				d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Nested too deep"})
			}
			d.line = d.line[1:]
		case c == ')' && depth > 0:
			depth--
			d.line = d.line[1:]
		case c == '"':
			if n := quotedEnd(d.line); n > 0 {
				d.line = d.line[n:]
			} else {
				d.fail("Quoted string has no end")
			}
		case d.PeekLiteral():
			out = append(append(out, d.line...), "\r\n"...)
			out = append(out, d.literalString()...)
			start = nil
		case c == ' ' && depth > 0:
			d.line = d.line[1:]
		default:
			n := 0
			for n < len(d.line) && d.line[n] != ' ' && d.line[n] != '(' && d.line[n] != ')' && d.line[n] != '"' {
				n++
			}
			if n == 0 {
				d.fail("Value expected before " + describe(d.line))
			}
			d.line = d.line[n:]
		}
		if d.err != nil {
			return ""
		}
		if start != nil {
			out = append(out, start[:len(start)-len(d.line)]...)
		}
		if depth == 0 {
			break
		}
	}
	return string(out)
}

// quotedEnd returns the length of the quoted string at the beginning of b with its quotes, or 0.
func quotedEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// DiscardLiteral reads what is left of a literal that [Decoder.OpenLiteral] opened.
func (d *Decoder) DiscardLiteral() error {
	if d.literal == 0 {
		return d.fatal
	}
	_, err := io.Copy(io.Discard, &literalReader{d})
	return err
}
