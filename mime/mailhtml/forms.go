package mailhtml

import "strings"

// controlTag handles the elements of forms where they are wanted.
func (b *builder) controlTag(name string) {
	if b.inSelect {
		switch name {
		case "option", "optgroup":
			if b.top() == "option" {
				b.popTo(len(b.stack) - 1)
			}
			if b.top() == "optgroup" && name == "optgroup" {
				b.popTo(len(b.stack) - 1)
			}
			b.pushControl(name)
			return
		case "textarea":
			b.skip(name)
			return
		case "select":
			b.closeBlock("select")
			return
		}
		return
	}
	switch name {
	case "form":
		for _, open := range b.stack {
			if open == "form" {
				return // forms don't nest
			}
		}
		if !tableContext(b.top()) {
			b.openBlock(name)
		}
	case "input":
		b.voidTag(name)
	case "textarea":
		attrs, _ := b.attrs(name)
		b.content()
		if b.write(name, attrs) {
			b.owner = name
		} else {
			b.skip("noembed")
		}
	case "button":
		b.closeBlock(name)
		b.cell()
		b.pushControl(name)
	case "select":
		b.cell()
		b.inSelect = b.pushControl(name)
	}
}

func (b *builder) pushControl(name string) bool {
	if len(b.stack)+4 > b.lim.Depth {
		b.refuse(name)
		return false
	}
	attrs, _ := b.attrs(name)
	n := len(b.stack)
	b.push(name, attrs)
	return len(b.stack) > n
}

// formAttr judges where and how a form sends.
func (b *builder) formAttr(name string, a attr) (string, bool) {
	switch {
	case name != "form":
		return "", false
	case a.key == "method":
		return oneOf(a.val, "get", "post")
	case a.key == "action":
		u, ok := b.link(a.val)
		return u, ok && (strings.HasPrefix(u, "http:") || strings.HasPrefix(u, "https:") || b.s.Link != nil && u[0] != '#')
	}
	return "", false
}
