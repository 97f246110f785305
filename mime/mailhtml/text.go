package mailhtml

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// TextOptions say how [Text] writes. The zero value wraps at 72 characters and shows where links lead.
type TextOptions struct {
	Width   int  // characters of a line, where words allow it; 0: 72, negative: lines are not broken
	Flowed  bool // for text/plain; format=flowed (RFC 3676): broken lines end in a space, and lines are space-stuffed
	NoLinks bool // leave out where links lead
	Limits  Limits
}

// Text turns HTML into text that a person likes to read: paragraphs, "*" and numbers for lists, ">" for quotes, cells of a row
// beside each other if they are short, and addresses of links behind their text. Lines end in LF. What is not shown in a browser isn't
// here either, as far as elements and the hidden attribute or an inline "display: none" say so. Input is UTF-8; any damage is fine.
func Text(src []byte, opts *TextOptions) string {
	if opts == nil {
		opts = &TextOptions{}
	}
	lim := opts.Limits.withDefaults()
	if len(src) > lim.Input {
		src = src[:lim.Input]
	}
	t := &texter{width: opts.Width, flowed: opts.Flowed, links: !opts.NoLinks, depth: lim.Depth, max: lim.Output}
	if t.width == 0 {
		t.width = 72
	}
	t.run(string(src))
	return t.out.String()
}

type texter struct {
	width  int
	flowed bool
	links  bool
	depth  int
	max    int
	out    strings.Builder

	para   strings.Builder // the line that is being gathered
	gap    bool            // a blank is due before the next word
	blanks int             // empty lines due before the next line
	pre    int
	quote  int
	lists  []list
	bullet string   // due before the next word
	due    int      // one more than the blanks of a line end that waits, in a table cell, for text after it
	cellAt int      // length of the line where the present cell began
	quoted int      // depth of the last line's quote
	boxes  []string // open inline elements that are shown as blocks
	tables []row
	link   string
	linkAt int
	hidden []string // open elements within one that isn't shown
}

type list struct {
	ordered bool
	next    int
}

// row is the state of a table: whether the present row has had a cell with text, and whether it has had line ends.
type row struct{ open, filled, broken bool }

func (t *texter) run(src string) {
	z := html.NewTokenizer(strings.NewReader(strings.ToValidUTF8(src, "\uFFFD")))
	drop := false // the text of a raw element
	for t.out.Len() < t.max {
		switch z.Next() {
		case html.ErrorToken:
			t.flush()
			return
		case html.TextToken:
			if !drop && len(t.hidden) == 0 {
				t.text(string(z.Text()))
			}
			drop = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			n := string(name)
			var as []attr
			for i := 0; more && i < 100; i++ {
				var k, v []byte
				k, v, more = z.TagAttr()
				as = append(as, attr{string(k), string(v)})
			}
			if n == "noscript" {
				z.NextIsNotRawText()
			}
			k := element(n)
			drop = k == skip && n != "template" && n != "xml" || n == "textarea"
			if t.hide(n, k, as) {
				continue
			}
			if (k == inline || k == format) && len(t.boxes) < 100 {
				if style := strings.ReplaceAll(strings.ToLower(attrVal(as, "style")), " ", ""); strings.Contains(style, "display:block") {
					t.boxes = append(t.boxes, n)
					t.paragraph(0)
				}
			}
			t.start(n, as)
		case html.EndTagToken:
			name, _ := z.TagName()
			drop = false
			t.end(string(name))
		}
	}
	t.flush()
}

// hide keeps count of what is open within an element that isn't shown.
func (t *texter) hide(name string, k kind, as []attr) bool {
	if len(t.hidden) == 0 {
		style := strings.ToLower(strings.ReplaceAll(attrVal(as, "style"), " ", ""))
		if !hasAttr(as, "hidden") && !strings.Contains(style, "display:none") {
			return false
		}
	}
	switch {
	case k == void || name == "input" || name == "hr" || name == "col" || name == "meta" || name == "link":
	case k == block || k == table || k == inline || k == format:
		if len(t.hidden) < 1000 && (name != "p" && name != "li" || len(t.hidden) == 0) {
			t.hidden = append(t.hidden, name)
		}
	default:
		return len(t.hidden) > 0
	}
	return true
}

func (t *texter) start(name string, as []attr) {
	switch name {
	case "br":
		t.flushLine()
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "figure", "fieldset":
		t.paragraph(1)
	case "div", "section", "article", "header", "footer", "main", "nav", "address", "center", "dt", "caption", "form",
		"figcaption", "aside", "details", "summary", "legend", "option":
		t.paragraph(0)
	case "dd":
		t.paragraph(0)
		t.bullet = "    "
	case "hr":
		t.lineEnd(1)
		t.word(strings.Repeat("-", max(3, min(t.width, 40))))
		t.paragraph(1)
	case "pre", "xmp", "listing", "plaintext":
		t.lineEnd(1)
		t.pre++
	case "blockquote":
		t.lineEnd(1)
		if t.quote < t.depth {
			t.quote++
		}
	case "ul", "ol", "dir", "menu":
		gap := 0
		if len(t.lists) == 0 {
			gap = 1
		}
		t.lineEnd(gap)
		if len(t.lists) < 20 {
			n, err := strconv.Atoi(attrVal(as, "start"))
			if err != nil {
				n = 1
			}
			t.lists = append(t.lists, list{ordered: name == "ol", next: n})
		}
	case "li":
		t.item()
	case "table":
		t.lineEnd(0)
		if len(t.tables) < t.depth {
			t.tables = append(t.tables, row{})
		}
	case "tr":
		t.due = 0
		t.lineEnd(0)
		if n := len(t.tables); n > 0 {
			t.tables[n-1] = row{}
		}
	case "td", "th":
		t.cell()
	case "img":
		if alt := strings.Join(strings.Fields(attrVal(as, "alt")), " "); alt != "" {
			t.text("[" + alt + "]")
		}
	case "a":
		t.endLink()
		if scheme, u, ok := cleanURL(attrVal(as, "href")); ok && linkScheme(scheme) && t.links {
			t.link, t.linkAt = u, t.para.Len()
		}
	case "q":
		t.text("“")
	}
}

func (t *texter) item() {
	t.lineEnd(0)
	if len(t.lists) == 0 {
		t.bullet = "* "
		return
	}
	l := &t.lists[len(t.lists)-1]
	indent := strings.Repeat("  ", len(t.lists)-1)
	if t.bullet = indent + "* "; l.ordered {
		t.bullet = indent + strconv.Itoa(l.next) + ". "
		l.next++
	}
}

func (t *texter) end(name string) {
	if n := len(t.boxes); n > 0 && t.boxes[n-1] == name && len(t.hidden) == 0 {
		t.boxes = t.boxes[:n-1]
		defer t.paragraph(0)
	}
	if len(t.hidden) > 0 {
		for i := len(t.hidden) - 1; i >= max(0, len(t.hidden)-32); i-- {
			if t.hidden[i] == name {
				t.hidden = t.hidden[:i]
				break
			}
		}
		return
	}
	switch name {
	case "a":
		t.endLink()
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "figure", "fieldset":
		t.paragraph(1)
	case "div", "section", "article", "header", "footer", "main", "nav", "address", "center", "dt", "dd", "caption", "form",
		"figcaption", "aside", "details", "summary", "legend", "option":
		t.paragraph(0)
	case "li":
		t.lineEnd(0)
	case "tr":
		t.due = 0
		t.lineEnd(0)
	case "pre", "xmp", "listing", "plaintext":
		t.lineEnd(1)
		t.pre = max(0, t.pre-1)
	case "blockquote":
		t.lineEnd(1)
		t.quote = max(0, t.quote-1)
	case "ul", "ol", "dir", "menu":
		if n := len(t.lists); n > 0 {
			t.lists = t.lists[:n-1]
		}
		gap := 0
		if len(t.lists) == 0 {
			gap = 1
		}
		t.lineEnd(gap)
	case "td", "th":
		t.endCell()
	case "table":
		if n := len(t.tables); n > 0 {
			t.tables = t.tables[:n-1]
		}
		t.due = 0
		t.lineEnd(0)
	case "q":
		t.text("”")
	}
}
