// Package parts finds in a message's structure what a reader is shown: the text, what belongs into it, and what is attached.
package parts

import (
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/mime"
)

// Leaf is a part without parts of its own, or a message within the message, and its section number as IMAP counts.
type Leaf struct {
	*mime.Part
	Number []int
}

// Section writes the number: "1.2".
func (l Leaf) Section() string {
	s := make([]string, len(l.Number))
	for i, n := range l.Number {
		s[i] = strconv.Itoa(n)
	}
	return strings.Join(s, ".")
}

// MediaType returns "type/subtype".
func (l Leaf) MediaType() string { return l.Type + "/" + l.Subtype }

// IsHTML and IsText say what a leaf is as a text to read.
func (l Leaf) IsHTML() bool { return l.Type == "text" && l.Subtype == "html" }

// IsText reports whether it is a text of another kind.
func (l Leaf) IsText() bool { return l.Type == "text" && l.Subtype != "html" }

// ContentID returns the Content-ID without its brackets.
func (l Leaf) ContentID() string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(l.ID.Value), "<"), ">")
}

// Body is a message as it is read.
type Body struct {
	Show   []Leaf // texts and HTML in their order, one of each alternative
	Rest   []Leaf // what is neither shown nor an alternative of it
	HasAlt bool   // there is a text beside the HTML, or HTML beside the text
}

// Max is how many leaves are looked at; what a message has beyond can be had in its source.
const Max = 500

// All returns the leaves. Messages within it are leaves.
func All(root *mime.Part) []Leaf {
	var out []Leaf
	var walk func(p *mime.Part, number []int)
	walk = func(p *mime.Part, number []int) {
		switch {
		case len(out) >= Max:
		case p.IsMultipart():
			for i, sub := range p.Parts {
				walk(sub, append(slices.Clip(number), i+1))
			}
		case len(number) == 0:
			out = append(out, Leaf{p, []int{1}})
		default:
			out = append(out, Leaf{p, number})
		}
	}
	if root != nil {
		walk(root, nil)
	}
	return out
}

// Find returns the leaf with a section number as [Leaf.Section] writes it.
func Find(root *mime.Part, section string) (Leaf, bool) {
	for _, l := range All(root) {
		if l.Section() == section {
			return l, true
		}
	}
	return Leaf{}, false
}

// Choose says what is shown, HTML where there is a choice or text.
func Choose(root *mime.Part, html bool) Body {
	c := chooser{html: html}
	if root != nil {
		c.walk(root, nil, "")
	}
	return c.Body
}

type chooser struct {
	Body
	html  bool
	count int
}

// walk goes through p, which stands in a multipart of the subtype in.
func (c *chooser) walk(p *mime.Part, number []int, in string) {
	if c.count >= Max {
		return
	}
	switch {
	case p.IsMultipart() && p.Subtype == "alternative":
		c.alternative(p, number)
	case p.IsMultipart():
		for i, sub := range p.Parts {
			c.walk(sub, append(slices.Clip(number), i+1), p.Subtype)
		}
	default:
		c.count++
		if len(number) == 0 {
			number = []int{1}
		}
		l := Leaf{p, number}
		if readable(p) && !(in == "related" && len(number) > 0 && number[len(number)-1] > 1) {
			c.Show = append(c.Show, l)
		} else {
			c.Rest = append(c.Rest, l)
		}
	}
}

// alternative takes the last of the alternatives that is of the kind that is wanted (RFC 2046 section 5.1.4), else the last that can be
// read, else the last. Calendars and the like beside it stay reachable.
func (c *chooser) alternative(p *mime.Part, number []int) {
	best, other := -1, -1
	for i, sub := range p.Parts {
		switch html, text := kinds(sub, 0); {
		case c.html && html || !c.html && text && !html:
			best = i
		case html || text:
			other = i
		}
	}
	c.HasAlt = c.HasAlt || best >= 0 && other >= 0
	if best < 0 {
		best = other
	}
	if best < 0 {
		best = len(p.Parts) - 1
	}
	for i, sub := range p.Parts {
		html, text := kinds(sub, 0)
		n := append(slices.Clip(number), i+1)
		if i == best {
			c.walk(sub, n, "alternative")
		} else if !html && !text {
			for _, l := range All(sub) {
				l.Number = append(slices.Clone(n), l.Number...)
				if !sub.IsMultipart() {
					l.Number = n
				}
				c.Rest = append(c.Rest, l)
			}
		}
	}
}

// kinds says whether a part can be read as HTML, and as text.
func kinds(p *mime.Part, depth int) (html, text bool) {
	if !p.IsMultipart() {
		return readable(p) && p.Subtype == "html", readable(p) && p.Subtype != "html"
	}
	if depth > 20 {
		return false, false
	}
	for _, sub := range p.Parts {
		h, t := kinds(sub, depth+1)
		html, text = html || h, text || t
	}
	return html, text
}

// readable reports whether a leaf is text to show in place: plain, HTML or one that a person reads as it is, and not attached.
func readable(p *mime.Part) bool {
	if p.Type != "text" || p.Message != nil {
		return false
	}
	if p.Disposition != nil && p.Disposition.Type != "inline" {
		return false
	}
	switch p.Subtype {
	case "html", "plain", "enriched", "richtext":
		return p.Subtype == "html" || p.Filename() == "" || p.Disposition != nil
	}
	return false
}
