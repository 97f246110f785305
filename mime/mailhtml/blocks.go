package mailhtml

// openBlock handles the start tag of an element that ends a paragraph, by the rules of WHATWG HTML section 13.2.6.4.7.
func (b *builder) openBlock(name string) {
	if len(b.stack)+4 > b.lim.Depth && name != "hr" { // the depth of a table's parts is kept in reserve
		b.refuse(name)
		return
	}
	b.cell()
	switch {
	case name == "li":
		b.closeItem("li", "li")
	case name == "dd" || name == "dt":
		b.closeItem("dd", "dt")
	}
	b.closeParagraph()
	if heading(name) && heading(b.top()) {
		b.popTo(len(b.stack) - 1)
	}
	attrs, ok := b.attrs(name)
	if !ok {
		return
	}
	if name == "hr" {
		b.closeLines(0)
		b.write(name, attrs)
		return
	}
	b.push(name, attrs)
	if name == "pre" {
		b.preAt = len(b.out)
	}
}

// push writes a start tag and puts the element on the stack.
func (b *builder) push(name string, attrs []byte) {
	b.sink()
	if !b.write(name, attrs) {
		return // and what was not opened is not closed
	}
	b.stack = append(b.stack, name)
	if cellLike(name) {
		b.cells++
	}
}

// popTo closes the blocks above depth n.
func (b *builder) popTo(n int) {
	if len(b.stack) <= n {
		return
	}
	b.closeLines(0)
	for len(b.stack) > n {
		name := b.top()
		b.writeEnd(name)
		b.stack = b.stack[:len(b.stack)-1]
		if cellLike(name) {
			b.removeLines(0, func(_ int, l line) bool { return l.scope >= b.cells })
			b.cells--
		}
		if name == "select" {
			b.inSelect = false
		}
	}
	b.removeLines(0, func(_ int, l line) bool {
		return l.ended || !l.format && (l.depth > n || l.sunk > n)
	})
	orphan := n > 0 && isLine(b.top())
	for i := range b.lines {
		l := &b.lines[i]
		l.depth = min(l.depth, n)
		if l.sunk > n {
			l.sunk, l.open = 0, false
		}
		orphan = orphan && l.sunk != n
	}
	if orphan {
		b.popTo(n - 1) // its end tag came while a block was open in it
	}
}

func isLine(name string) bool { k := element(name); return k == format || k == inline }

// closeParagraph closes a <p> in button scope.
func (b *builder) closeParagraph() {
	for i := len(b.stack) - 1; i >= 0; i-- {
		switch name := b.stack[i]; {
		case name == "p":
			b.popTo(i)
			return
		case name == "button" || name == "table" || cellLike(name):
			return
		}
	}
}

// closeItem closes an open list item before the next.
func (b *builder) closeItem(one, other string) {
	for i := len(b.stack) - 1; i >= 0; i-- {
		if name := b.stack[i]; name == one || name == other {
			b.popTo(i)
			return
		} else if special(name) {
			return
		}
	}
}

func (b *builder) closeBlock(name string) {
	for i := len(b.stack) - 1; i >= 0; i-- {
		at := b.stack[i]
		switch {
		case at == name || heading(name) && heading(at):
			b.popTo(i)
			return
		case at == "table" || cellLike(at):
			return
		case name == "li" && (at == "ol" || at == "ul"), name == "p" && at == "button":
			return
		}
	}
}

// tableAt is the index of the innermost table, or -1.
func (b *builder) tableAt() int {
	for i := len(b.stack) - 1; i >= 0; i-- {
		if b.stack[i] == "table" {
			return i
		}
	}
	return -1
}

// tableTag handles a table and its parts, and inserts what HTML implies: <tbody>, <tr>, <colgroup>. With an empty name it
// makes a cell for content that stands between cells. (A browser would move it before the table; here it stays in its row.)
func (b *builder) tableTag(name string) {
	i := b.tableAt()
	if name == "table" {
		if len(b.stack)+8 > b.lim.Depth {
			b.refuse(name)
			return
		}
		if tableContext(b.top()) {
			b.popTo(i)
		}
		b.closeParagraph()
		attrs, _ := b.attrs(name)
		b.push(name, attrs)
		return
	}
	if i < 0 || b.refused["table"] > 0 && name != "" {
		return
	}
	var attrs []byte
	if name != "" {
		attrs, _ = b.attrs(name)
	}
	switch name {
	case "caption", "colgroup", "thead", "tbody", "tfoot":
		b.popTo(i + 1)
	case "col":
		if b.part(i+1) != "colgroup" {
			b.popTo(i + 1)
			b.push("colgroup", nil)
		}
		b.popTo(i + 2)
		b.write(name, attrs)
		return
	default:
		if s := b.part(i + 1); s != "tbody" && s != "thead" && s != "tfoot" {
			b.popTo(i + 1)
			b.push("tbody", nil)
		}
		if name == "tr" {
			b.popTo(i + 2)
			break
		}
		if b.part(i+2) != "tr" {
			b.popTo(i + 2)
			b.push("tr", nil)
		}
		b.popTo(i + 3)
		if name == "" {
			name = "td"
		}
	}
	b.push(name, attrs)
}

func (b *builder) part(i int) string {
	if i < len(b.stack) {
		return b.stack[i]
	}
	return ""
}

func (b *builder) closeTable(name string) {
	i := b.tableAt()
	if i < 0 || b.refused["table"] > 0 {
		return
	}
	switch name {
	case "table":
		b.popTo(i)
	case "caption", "colgroup", "thead", "tbody", "tfoot":
		if b.part(i+1) == name {
			b.popTo(i + 1)
		}
	case "tr":
		if b.part(i+2) == name {
			b.popTo(i + 2)
		}
	case "td", "th":
		if b.part(i+3) == name {
			b.popTo(i + 3)
		}
	}
}

// cell makes a cell for content that stands between cells.
func (b *builder) cell() {
	if tableContext(b.top()) {
		b.tableTag("")
	}
}
