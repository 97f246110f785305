package script

import (
	"regexp"
	"strings"
)

// vars are the variables of a case.
type vars map[string]string

func (v vars) clone() vars {
	out := make(vars, len(v))
	for name, value := range v {
		out[name] = value
	}
	return out
}

var variable = regexp.MustCompile(`<[a-z][a-z0-9]*>`)

// expand puts the variables that are set into s.
func (v vars) expand(s string) string {
	return variable.ReplaceAllStringFunc(s, func(name string) string {
		if value, ok := v[name[1:len(name)-1]]; ok {
			return value
		}
		return name
	})
}

// wild is a text with wildcards and variables. Both it and what it is compared with may hold any octets.
type wild []part

type part struct {
	text string
	name string // of a variable
	any  bool   // any octets
}

func parseWild(s string) wild {
	var out wild
	literal := func(s string) {
		for i, text := range strings.Split(s, "…") {
			if i > 0 {
				out = append(out, part{any: true})
			}
			if text != "" {
				out = append(out, part{text: text})
			}
		}
	}
	at := 0
	for _, loc := range variable.FindAllStringIndex(s, -1) {
		literal(s[at:loc[0]])
		out = append(out, part{name: s[loc[0]+1 : loc[1]-1]})
		at = loc[1]
	}
	literal(s[at:])
	return out
}

// plain reports whether there is nothing in it but text.
func (w wild) plain() bool { return len(w) == 0 || len(w) == 1 && w[0].text != "" }

// maxTries bounds what it may cost to compare a text.
const maxTries = 1 << 16

// match compares a text, and sets the variables in found that neither v nor it has.
func (w wild) match(s string, fold bool, v, found vars) bool {
	m := wildMatch{fold: fold, vars: v, found: found, tries: maxTries}
	return m.match(w, s)
}

type wildMatch struct {
	fold        bool
	vars, found vars
	tries       int
}

func (m *wildMatch) match(w wild, s string) bool {
	if m.tries--; m.tries < 0 {
		return false
	}
	if len(w) == 0 {
		return s == ""
	}
	p := w[0]
	text := p.text
	if p.name != "" {
		value, ok := m.vars[p.name]
		if !ok {
			value, ok = m.found[p.name]
		}
		if !ok {
			return m.any(w[1:], s, p.name)
		}
		text = value
	} else if p.any {
		return m.any(w[1:], s, "")
	}
	if len(s) < len(text) || s[:len(text)] != text && !(m.fold && equalFold(s[:len(text)], text)) {
		return false
	}
	return m.match(w[1:], s[len(text):])
}

// any tries what a wildcard may stand for, the shortest first. A text behind it says where to look.
func (m *wildMatch) any(rest wild, s, name string) bool {
	try := func(i int) bool {
		if name != "" {
			m.found[name] = s[:i]
		}
		return m.match(rest, s[i:])
	}
	if len(rest) == 0 {
		return try(len(s))
	}
	for i := 0; i <= len(s) && m.tries > 0; i++ {
		if !m.fold && rest[0].text != "" {
			j := strings.Index(s[i:], rest[0].text)
			if j < 0 {
				break
			}
			i += j
		}
		if try(i) {
			return true
		}
	}
	if name != "" {
		delete(m.found, name)
	}
	return false
}

// equalFold compares octets, of which only ASCII's letters have two cases.
func equalFold(a, b string) bool {
	lower := func(c byte) byte {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
