package mailhtml

import (
	"bytes"
	"slices"
)

// line is an element within a line that has begun and not ended in the mail. In the output it may be open or not: it is
// closed when a block ends around it, and opened again before the next text. When a block begins within it, it becomes
// part of the stack: it sinks.
type line struct {
	name   string
	tag    []byte // attributes
	format bool   // survives the end of the block it began in, as HTML's formatting elements do
	depth  int    // len(stack) where it began
	scope  int    // cells where it began
	open   bool
	used   bool // has been open
	ended  bool // to be removed with its place on the stack
	sunk   int  // one more than its index in stack; 0 if it is not there
}

// maxLines bounds what is opened again and again.
const maxLines = 32

func (b *builder) openLine(name string, format bool) {
	if name == "a" {
		b.endOpenLink()
	}
	if len(b.lines) >= maxLines {
		b.refuse(name)
		return
	}
	attrs, _ := b.attrs(name)
	b.lines = append(b.lines, line{
		name: name, tag: append([]byte(nil), attrs...), format: format, depth: len(b.stack), scope: b.cells,
	})
}

// endOpenLink makes way for another <a>: links don't nest. One that began outside of the present table cell waits until this
// one has ended.
func (b *builder) endOpenLink() {
	for i := len(b.lines) - 1; i >= 0; i-- {
		switch l := &b.lines[i]; {
		case l.name != "a":
		case l.sunk > 0 && !slices.ContainsFunc(b.stack[l.sunk-1:], cellLike): // it has sunk within this cell
			l.ended = true
			b.popTo(l.sunk - 1)
			i = min(i, len(b.lines))
		case l.scope == b.cells:
			b.closeLine("a", true)
			i = min(i, len(b.lines))
		case l.open && l.sunk == 0:
			b.closeLines(i)
		}
	}
}

// closeLine handles an end tag.
func (b *builder) closeLine(name string, format bool) {
	for i := len(b.lines) - 1; i >= 0; i-- {
		l := &b.lines[i]
		if l.scope < b.cells {
			return
		}
		if l.name != name {
			continue
		}
		if !format && l.depth < len(b.stack) {
			return // an inner block is still open
		}
		if l.sunk == len(b.stack) && l.sunk > 0 {
			l.ended = true
			b.popTo(l.sunk - 1)
			return
		}
		if l.sunk > 0 { // misnested: it goes on to the end of the block
			b.removeLines(i, func(j int, _ line) bool { return j == i })
			return
		}
		if !l.used && len(l.tag) > 0 && !tableContext(b.top()) {
			b.reopen() // empty, but perhaps a coloured box or the target of a link
		}
		b.closeLines(i)
		b.removeLines(i, func(j int, l line) bool { return j == i || !l.format })
		return
	}
}

// closeLines closes what is open from index i on. It will be opened again with the next text.
func (b *builder) closeLines(i int) {
	for j := len(b.lines) - 1; j >= i; j-- {
		if b.lines[j].open && b.lines[j].sunk == 0 {
			b.lines[j].open = false
			b.writeEnd(b.lines[j].name)
		}
	}
}

// removeLines forgets lines from index i on for which gone is true.
func (b *builder) removeLines(i int, gone func(int, line) bool) {
	kept := b.lines[:i]
	for j, l := range b.lines[i:] {
		if !gone(i+j, l) {
			kept = append(kept, l)
		}
	}
	clear(b.lines[len(kept):])
	b.lines = kept
}

// reopen opens what the mail says is open.
func (b *builder) reopen() {
	link := -1
	for i, l := range b.lines {
		if l.name == "a" {
			link = i
		}
	}
	for i := range b.lines {
		l := &b.lines[i]
		if l.open || l.name == "a" && i != link {
			continue
		}
		b.closeLines(i + 1) // what was opened while this one, a link, had to wait
		if !b.write(l.name, l.tag) {
			return
		}
		l.open, l.used = true, true
	}
}

// sink makes what is open part of the stack, because a block begins within it. Links to nowhere don't sink: they are often
// never ended, and what comes after is not theirs.
func (b *builder) sink() {
	if tableContext(b.top()) || b.inSelect {
		b.closeLines(0)
		return
	}
	var ready []int
	for i, l := range b.lines {
		if l.sunk > 0 || !l.open && (l.used || l.scope < b.cells) {
			continue
		}
		if l.name == "a" && !bytes.Contains(l.tag, []byte(` href="`)) {
			b.closeLines(i)
			break
		}
		ready = append(ready, i)
	}
	if len(b.stack)+len(ready)+8 > b.lim.Depth {
		b.closeLines(0)
		return
	}
	for _, i := range ready {
		l := &b.lines[i]
		if !l.open && !b.write(l.name, l.tag) {
			return
		}
		b.stack = append(b.stack, l.name)
		l.open, l.used, l.sunk = true, true, len(b.stack)
	}
}
