package mailhtml

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// builder turns the tokens of a mail into output that a parser reads back as it is. Open blocks are a stack. Elements within
// a line are kept apart, always innermost: when a block begins or ends they are closed, and what HTML would continue is
// opened again with the next text (see inline.go). So nothing that is written is ever misnested.
type builder struct {
	s      *Sanitizer
	lim    Limits
	prefix string
	res    *Result

	in  []byte
	pos int // what of in has been read
	z   *html.Tokenizer

	out   []byte
	nodes int
	full  bool // a limit has been reached: nothing more is written but end tags
	preAt int  // len(out) right after <pre> or <textarea>, where a line end would be swallowed

	stack []string
	cells int // how many of stack are cellLike
	lines []line

	refused map[string]int  // start tags left out because of a limit, whose end tags go as well
	endless map[string]bool // names of elements whose end tag doesn't come any more

	cssRead   int
	body      []attr // attributes of <html> and <body>
	attrBuf   []attr // attributes of the current tag, once they were read
	attrsRead bool
	tagBuf    []byte
	inSelect  bool
	owner     string // the element, one of raw text, whose text comes next
	sheetHead string // the media of the style sheet that comes next
	sheets    strings.Builder
	scheme    string // content of <meta name=color-scheme>
	hostsSeen map[string]bool
	cidsSeen  map[string]bool
}

func (b *builder) run(in []byte) {
	b.in, b.preAt = in, -1
	b.z = html.NewTokenizer(bytes.NewReader(in))
	for !b.full {
		t := b.z.Next()
		if t == html.ErrorToken {
			break
		}
		b.pos += len(b.z.Raw())
		if b.owner != "" && b.ownedText(t) {
			continue
		}
		switch t {
		case html.TextToken:
			b.text(b.z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := b.z.TagName()
			b.startTag(string(name), more)
		case html.EndTagToken:
			name, _ := b.z.TagName()
			b.endTag(string(name))
		}
	}
	if b.owner == "textarea" && b.s.Forms {
		b.writeEnd(b.owner)
	}
	b.res.Truncated = b.res.Truncated || b.full
	if len(b.stack) == 0 && !slices.ContainsFunc(b.lines, func(l line) bool { return l.open }) {
		b.out = bytes.TrimRight(b.out, " \t\n")
	}
	b.popTo(0)
	b.closeLines(0)
	b.res.HTML = b.finish()
}

func (b *builder) startTag(name string, more bool) {
	b.attrsRead = false
	switch name {
	case "image":
		name = "img" // as HTML parsers do
	case "dir", "menu":
		name = "ul"
	case "html", "body":
		if more {
			b.body = append(b.body, b.readAttrs()...)
		}
		return
	case "meta":
		b.meta()
		return
	case "noscript":
		b.z.NextIsNotRawText() // without scripts it is ordinary content
		return
	}
	k := element(name)
	if k == control && b.s.Forms {
		b.controlTag(name)
		return
	}
	if b.inSelect {
		if k == skip {
			b.skip(name)
		}
		return
	}
	if (k == skip || k == foreign || k == control || k == unknown) && active(name) {
		b.res.Removed++
	}
	switch k {
	case skip:
		if name == "style" {
			b.styleSheet()
			return
		}
		b.skip(name)
	case control:
		if name == "select" || name == "textarea" {
			b.skip(name)
		}
	case foreign:
		b.skipForeign(name)
	case raw:
		b.openBlock("pre") // the tokenizer takes care that their text is not read as HTML
	case format, inline:
		b.openLine(name, k == format)
	case void:
		b.voidTag(name)
	case block:
		if name == "div" && b.isOwnBody() {
			return
		}
		b.openBlock(name)
	case table:
		b.tableTag(name)
	}
}

func (b *builder) endTag(name string) {
	switch name {
	case "dir", "menu":
		name = "ul"
	case "xmp", "listing", "plaintext":
		name = "pre"
	case "br":
		if !b.inSelect {
			b.voidTag("br") // as HTML parsers do
		}
		return
	}
	if b.refused[name] > 0 {
		b.refused[name]--
		return
	}
	k := element(name)
	if b.inSelect && k != control && k != table {
		return
	}
	switch k {
	case format, inline:
		b.closeLine(name, k == format)
	case block, control:
		b.closeBlock(name)
	case table:
		b.closeTable(name)
	}
}

// voidTag writes <br>, <img> and their like.
func (b *builder) voidTag(name string) {
	attrs, ok := b.attrs(name)
	if !ok {
		return
	}
	b.content()
	b.write(name, attrs)
}

// content makes ready for something that stands in a line: a cell around it, and the elements that are open there.
func (b *builder) content() {
	b.cell()
	b.reopen()
}

func (b *builder) text(t []byte) {
	blank := true
	for _, c := range t {
		if c > ' ' && c != 0x7f {
			blank = false
			break
		}
	}
	switch {
	case blank && len(b.out) == 0:
		return
	case !blank && !b.inSelect:
		b.content()
	}
	if len(b.out)+len(t) > b.lim.Output {
		b.full = true
		return
	}
	if b.preAt == len(b.out) {
		t = bytes.TrimLeftFunc(t, func(r rune) bool { return r == '\r' || r == '\n' || dropped(byte(min(r, 0x80))) })
	}
	b.out = appendText(b.out, t)
}

func (b *builder) top() string {
	if len(b.stack) == 0 {
		return ""
	}
	return b.stack[len(b.stack)-1]
}

// refuse notes that a start tag was left out.
func (b *builder) refuse(name string) {
	if b.refused == nil {
		b.refused = map[string]int{}
	}
	b.refused[name]++
	b.res.Truncated = true
}

// isOwnBody says whether a <div> is what an earlier run put around the mail, and takes its attributes for the body's.
func (b *builder) isOwnBody() bool {
	if b.s.Mode != Fragment || len(b.out) > 0 || len(b.stack) > 0 || len(b.lines) > 0 {
		return false
	}
	as := b.readAttrs()
	for _, a := range as {
		if a.key == "class" && hasWord(a.val, b.root()) {
			b.body = append(b.body, as...)
			return true
		}
	}
	return false
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}
