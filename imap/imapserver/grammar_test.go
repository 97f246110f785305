package imapserver_test

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// grammar reads FETCH responses by the letter of RFC 9051 section 9, and by nothing more lenient than that.
type grammar struct {
	r     *bufio.Reader
	utf8  bool // of quoted strings
	depth int
}

// wrong is what a method panics with.
type wrong string

func (g *grammar) fail(format string, args ...any) { panic(wrong(fmt.Sprintf(format, args...))) }

func (g *grammar) peek() byte {
	b, err := g.r.Peek(1)
	if err != nil {
		g.fail("%v", err)
	}
	return b[0]
}

func (g *grammar) byte() byte {
	c, err := g.r.ReadByte()
	if err != nil {
		g.fail("%v", err)
	}
	return c
}

func (g *grammar) expect(s string) {
	for i := range len(s) {
		if c := g.byte(); c != s[i] {
			rest, _ := g.r.Peek(min(g.r.Buffered(), 60))
			g.fail("%q where %q belongs, before %q", c, s, rest)
		}
	}
}

func (g *grammar) try(s string) bool {
	b, _ := g.r.Peek(len(s))
	if string(b) != s {
		return false
	}
	g.expect(s)
	return true
}

func (g *grammar) number() int64 {
	var b []byte
	for c := g.peek(); c >= '0' && c <= '9'; c = g.peek() {
		b = append(b, g.byte())
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		g.fail("number expected, not %q", g.peek())
	}
	return n
}

// string reads quoted / literal, and literal8 where that may be.
func (g *grammar) string(binary bool) string {
	if g.peek() == '"' {
		return g.quoted()
	}
	eight := binary && g.try("~")
	g.expect("{")
	n := g.number()
	g.expect("}\r\n")
	b := make([]byte, n)
	if _, err := io.ReadFull(g.r, b); err != nil {
		g.fail("%v", err)
	}
	if !eight && strings.IndexByte(string(b), 0) >= 0 {
		g.fail("NUL in a literal")
	}
	return string(b)
}

func (g *grammar) quoted() string {
	g.expect(`"`)
	var b []byte
	for {
		switch c := g.byte(); {
		case c == '"':
			return string(b)
		case c == '\\':
			if c = g.byte(); c != '"' && c != '\\' {
				g.fail("escape of %q", c)
			}
			b = append(b, c)
		case c == 0, c == '\r', c == '\n', c >= 0x80 && !g.utf8:
			g.fail("%q in a quoted string", c)
		default:
			b = append(b, c)
		}
	}
}

func (g *grammar) nstring() { g.nstring8(false) }

func (g *grammar) nstring8(binary bool) (string, bool) {
	if g.try("NIL") {
		return "", false
	}
	return g.string(binary), true
}

// list reads "(" 1*f ")", with spaces between if spaced.
func (g *grammar) list(spaced bool, f func()) {
	g.expect("(")
	for {
		f()
		if g.try(")") {
			return
		}
		if spaced {
			g.expect(" ")
		}
	}
}

func (g *grammar) envelope() {
	g.expect("(")
	g.nstring()
	g.expect(" ")
	g.nstring()
	for range 6 {
		g.expect(" ")
		if !g.try("NIL") {
			g.list(false, func() {
				g.expect("(")
				for i := range 4 {
					if i > 0 {
						g.expect(" ")
					}
					g.nstring()
				}
				g.expect(")")
			})
		}
	}
	g.expect(" ")
	g.nstring()
	g.expect(" ")
	g.nstring()
	g.expect(")")
}

func (g *grammar) params() {
	if g.try("NIL") {
		return
	}
	g.list(true, func() {
		g.string(false)
		g.expect(" ")
		g.string(false)
	})
}

// body reads a body structure; extended tells whether extension data has to come.
func (g *grammar) body(extended bool) {
	if g.depth++; g.depth > 1000 {
		g.fail("too deep")
	}
	defer func() { g.depth-- }()
	g.expect("(")
	if g.peek() == '(' {
		for g.peek() == '(' {
			g.body(extended)
		}
		g.expect(" ")
		g.string(false)
		if extended {
			g.expect(" ")
			g.params()
			g.extension()
		}
		g.expect(")")
		return
	}
	typ := strings.ToLower(g.string(false))
	g.expect(" ")
	sub := strings.ToLower(g.string(false))
	g.expect(" ")
	g.params()
	g.expect(" ")
	g.nstring()
	g.expect(" ")
	g.nstring()
	g.expect(" ")
	g.string(false)
	g.expect(" ")
	g.number()
	switch {
	case typ == "message" && (sub == "rfc822" || sub == "global"):
		g.expect(" ")
		g.envelope()
		g.expect(" ")
		g.body(extended)
		g.expect(" ")
		g.number()
	case typ == "text":
		g.expect(" ")
		g.number()
	}
	if extended {
		g.expect(" ")
		g.nstring() // MD5
		g.extension()
	}
	g.expect(")")
}

// extension reads disposition, language and location.
func (g *grammar) extension() {
	g.expect(" ")
	if !g.try("NIL") {
		g.expect("(")
		g.string(false)
		g.expect(" ")
		g.params()
		g.expect(")")
	}
	g.expect(" ")
	if g.peek() == '(' {
		g.list(true, func() { g.string(false) })
	} else {
		g.nstring()
	}
	g.expect(" ")
	g.nstring()
}

// fetched is the content of one FETCH response: sections by their labels.
type fetched struct {
	seq    int64
	text   map[string]string
	number map[string]int64
}

// response reads one untagged FETCH response, or the tagged line, which it returns.
func (g *grammar) response() (f *fetched, tagged string, err error) {
	defer func() {
		if w, ok := recover().(wrong); ok {
			err = fmt.Errorf("%s", string(w))
		}
	}()
	if !g.try("* ") {
		line, err := g.r.ReadString('\n')
		return nil, line, err
	}
	f = &fetched{seq: g.number(), text: map[string]string{}, number: map[string]int64{}}
	g.expect(" FETCH ")
	g.list(true, func() { g.item(f) })
	g.expect("\r\n")
	return f, "", nil
}

// item reads one data item.
func (g *grammar) item(f *fetched) {
	label := ""
	for brackets := 0; g.peek() != ' ' || brackets > 0; {
		c := g.byte()
		if label += string(rune(c)); c == '[' {
			brackets++
		} else if c == ']' {
			brackets--
		}
	}
	g.expect(" ")
	switch name, _, section := strings.Cut(label, "["); {
	case label == "FLAGS":
		g.expect("(")
		for !g.try(")") {
			g.byte()
		}
	case label == "ENVELOPE":
		g.envelope()
	case label == "BODY":
		g.body(false)
	case label == "BODYSTRUCTURE":
		g.body(true)
	case name == "BINARY.SIZE", label == "UID", label == "RFC822.SIZE":
		f.number[label] = g.number()
	case section, label == "RFC822", label == "PREVIEW":
		if s, ok := g.nstring8(name == "BINARY"); ok {
			f.text[label] = s
		}
	default:
		g.fail("unknown item %q", label)
	}
}
