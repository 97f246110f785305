package mailhtml

// kind says how an element is treated.
type kind uint8

const (
	unknown kind = iota // the tag goes, what is in it stays
	skip                // goes with everything in it
	foreign             // SVG and MathML: goes with everything in it, up to what an HTML parser would not take as part of it
	raw                 // its text is shown as preformatted: xmp, listing, plaintext
	format              // HTML's formatting elements: reopened when a block interrupts them
	inline              // other elements within a line
	void                // inline, without content
	block               // ends a paragraph
	table               // table and its parts; their own rules
	control             // forms: only if Sanitizer.Forms
)

// elements is the list of what is known. SVG, MathML, object, iframe and so on are either here as gone or not here.
func element(name string) kind {
	switch name {
	case "script", "style", "template", "iframe", "noframes", "noembed", "title", "xml":
		return skip
	case "svg", "math":
		return foreign
	case "xmp", "listing", "plaintext":
		return raw
	case "a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u":
		return format
	case "span", "abbr", "acronym", "bdi", "bdo", "cite", "del", "dfn", "ins", "kbd", "label", "mark", "q", "samp", "sub",
		"sup", "time", "var":
		return inline
	case "br", "img", "wbr", "area":
		return void
	case "address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
		"figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li", "main", "map", "nav", "ol",
		"p", "pre", "section", "summary", "ul":
		return block
	case "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th":
		return table
	case "form", "input", "button", "select", "option", "optgroup", "textarea":
		return control
	}
	return unknown
}

// active are elements whose removal is worth counting: what was in a mail to do something, not to be read.
func active(name string) bool {
	switch name {
	case "script", "iframe", "frame", "object", "embed", "applet", "form", "input", "button", "textarea", "select", "svg",
		"math", "base", "link", "template":
		return true
	}
	return false
}

// breaksOut are the tags that end SVG or MathML in an HTML parser (WHATWG HTML section 13.2.6.5).
func breaksOut(name string) bool {
	switch name {
	case "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3",
		"h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s",
		"small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var":
		return true
	}
	return false
}

// special says which elements there are at which the search for an open <li>, <dd> or <dt> ends.
func special(name string) bool {
	switch name {
	case "address", "div", "p", "map", "legend", "option", "optgroup":
		return false
	}
	return !isLine(name)
}

// cellLike begins a new scope: formatting that was opened within ends with it, and no end tag reaches out of it.
func cellLike(name string) bool { return name == "td" || name == "th" || name == "caption" }

// tableContext is where only parts of a table may stand.
func tableContext(name string) bool {
	switch name {
	case "table", "thead", "tbody", "tfoot", "tr", "colgroup":
		return true
	}
	return false
}

func heading(name string) bool {
	return len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6'
}
