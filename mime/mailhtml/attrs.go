package mailhtml

import (
	"strconv"
	"strings"
)

type attr struct{ key, val string }

// readAttrs reads the attributes of the current tag. Of two of the same name the first counts, as in a parser.
func (b *builder) readAttrs() []attr {
	if b.attrsRead {
		return b.attrBuf
	}
	b.attrsRead = true
	b.attrBuf = b.attrBuf[:0]
	for n := 0; ; n++ {
		key, val, more := b.z.TagAttr()
		if n >= b.lim.Attributes {
			b.res.Truncated = true
			break
		}
		if k := string(key); k != "" && !hasAttr(b.attrBuf, k) {
			b.attrBuf = append(b.attrBuf, attr{k, string(val)})
		}
		if !more {
			break
		}
	}
	return b.attrBuf
}

func hasAttr(as []attr, key string) bool {
	for _, a := range as {
		if a.key == key {
			return true
		}
	}
	return false
}

func attrVal(as []attr, key string) string {
	for _, a := range as {
		if a.key == key {
			return a.val
		}
	}
	return ""
}

// attrs returns the attributes of the current tag that may stay, ready for writing; they are valid until the next call. It
// is false if without what was removed the element makes no sense.
func (b *builder) attrs(name string) ([]byte, bool) {
	as := b.readAttrs()
	dst := b.tagBuf[:0]
	blank, sends, blocked := false, false, name == "img"
	for _, a := range as {
		val, ok := b.attr(name, a, as)
		if !ok {
			if strings.HasPrefix(a.key, "on") {
				b.res.Removed++
			}
			continue
		}
		switch {
		case a.key == "name" && name != "input" && name != "map" && (control != element(name)):
			a.key = "id" // what links lead to
			if hasAttr(as, "id") {
				continue
			}
		case a.key == "href":
			b.res.Links++
			blank = val[0] != '#'
		case a.key == "action":
			sends = true
		case a.key == "src":
			blocked = false
		}
		dst = appendAttr(dst, a.key, val)
	}
	if blank {
		dst = append(dst, ` rel="noopener noreferrer nofollow" target="_blank"`...)
	}
	if blocked {
		dst = append(dst, ` data-blocked="image"`...)
	}
	switch t := attrVal(as, "type"); {
	case name == "form" && !sends:
		b.res.Removed++
		return nil, false
	case name == "input" && (strings.EqualFold(t, "password") || strings.EqualFold(t, "file") || strings.EqualFold(t, "image")):
		b.res.Removed++
		return nil, false
	case name == "form":
		dst = append(dst, ` rel="noopener noreferrer nofollow" target="_blank"`...)
	}
	b.tagBuf = dst
	return dst, true
}

// attr judges one attribute of an element that stays.
func (b *builder) attr(name string, a attr, all []attr) (string, bool) {
	v := a.val
	switch a.key {
	case "title", "alt", "summary", "abbr", "label", "placeholder", "aria-label":
		return v, true
	case "class":
		return b.prefixed(v)
	case "id", "for":
		return b.prefixedID(v)
	case "name":
		switch name {
		case "a", "map":
			return b.prefixedID(v)
		}
		return v, b.s.Forms && element(name) == control && name != "form" && name != "option"
	case "style":
		v = b.styleAttr(v)
		return v, v != ""
	case "dir":
		return oneOf(v, "ltr", "rtl", "auto")
	case "lang", "role":
		return v, plain(v, "-_ ")
	case "align", "valign", "clear", "shape", "scope", "frame", "rules":
		return v, plain(v, "-")
	case "width", "height", "border", "cellpadding", "cellspacing", "hspace", "vspace", "colspan", "rowspan", "span", "start",
		"cols", "rows", "maxlength":
		return dimension(v)
	case "size":
		return v, plain(v, "+-")
	case "color", "bgcolor", "bordercolor":
		return v, plain(v, "#(),.% ")
	case "face":
		return v, !strings.ContainsAny(v, "\\<>(){};:")
	case "nowrap", "noshade", "hidden", "reversed", "open", "checked", "selected", "disabled", "readonly", "required",
		"multiple":
		return "", a.key != "open" || name == "details"
	case "type", "value":
		return b.typeOrValue(name, a)
	case "datetime", "coords":
		return v, plain(v, "-:+.,% TZ")
	case "href":
		if name == "a" || name == "area" {
			return b.link(v)
		}
	case "action", "method", "accept-charset":
		return b.formAttr(name, a)
	case "usemap":
		if name == "img" && strings.HasPrefix(v, "#") {
			id, ok := b.prefixedID(v[1:])
			return "#" + id, ok
		}
	case "src":
		if name == "img" {
			return b.image(v, false, b.pixel(all))
		}
	case "background":
		if element(name) == table {
			return b.image(v, true, false)
		}
	}
	return "", false
}

func (b *builder) typeOrValue(name string, a attr) (string, bool) {
	switch {
	case name == "li" && a.key == "value":
		return dimension(a.val)
	case (name == "ol" || name == "ul" || name == "li") && a.key == "type":
		return a.val, plain(a.val, "")
	case name == "input" || name == "button" || name == "option":
		if a.key == "value" {
			return a.val, true
		}
		if name == "button" {
			return oneOf(a.val, "submit", "reset", "button")
		}
		return oneOf(a.val, "text", "hidden", "checkbox", "radio", "submit", "reset", "button", "email", "number", "tel",
			"url", "date", "time", "search", "range", "color")
	}
	return "", false
}

// pixel guesses whether an image is there to be loaded rather than seen.
func (b *builder) pixel(all []attr) bool {
	small := 0
	for _, a := range all {
		switch a.key {
		case "width", "height":
			d, ok := dimension(a.val)
			if n, err := strconv.ParseFloat(d, 64); ok && err == nil && n <= 2 {
				small++
			}
		case "style":
			s := strings.ToLower(strings.Join(strings.FieldsFunc(a.val, func(r rune) bool { return r <= ' ' }), ""))
			for _, hidden := range []string{"display:none", "visibility:hidden", "opacity:0;", "width:0", "width:1px", "max-height:0"} {
				if strings.Contains(s+";", hidden) {
					return true
				}
			}
		case "hidden":
			return true
		}
	}
	return small == 2
}
