package script

import (
	"regexp"
	"strings"
)

// pattern is what a response is compared with.
type pattern struct{ nodes []*node }

func parsePattern(s string) (*pattern, error) {
	nodes, err := parseLine([]string{s}, nil, true)
	if err != nil {
		return nil, err
	}
	return &pattern{nodes}, nil
}

// vars are the variables of a case.
type vars map[string]string

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

// match reports whether a response is as the pattern says, and if so sets the variables that had no value.
func (p *pattern) match(response []*node, v vars) bool {
	m := &matcher{vars: v, found: vars{}, steps: 1 << 16}
	want := p.nodes
	if len(want) > 0 && len(response) > 0 && want[0].text == "+" {
		want, response = want[:1], response[:1]
	}
	if len(want) >= 2 && !want[1].quoted && isStatus(want[1].text) {
		want, response = statusNodes(want, response)
	}
	if !m.sequence(want, response) {
		return false
	}
	for name, value := range m.found {
		v[name] = value
	}
	return true
}

// statusNodes leaves what counts of a status response: no text, and the code only if the pattern has one.
func statusNodes(want, got []*node) (_, _ []*node) {
	cut := func(list []*node, withCode bool) []*node {
		if len(list) > 2 && list[2].kind == code && withCode {
			return list[:3]
		}
		return list[:min(len(list), 2)]
	}
	withCode := len(want) > 2 && want[2].kind == code
	return cut(want, withCode), cut(got, withCode)
}

// matcher compares. steps bounds what it may cost to try.
type matcher struct {
	vars, found vars
	steps       int
}

// sequence compares element by element; "…" stands for any number of them.
func (m *matcher) sequence(want, got []*node) bool {
	if m.steps--; m.steps < 0 {
		return false
	}
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0].kind == word && !want[0].quoted && want[0].text == "…" {
		for i := range len(got) + 1 {
			if m.sequence(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && m.one(want[0], got[0]) && m.sequence(want[1:], got[1:])
}

func (m *matcher) one(want, got *node) bool {
	switch want.kind {
	case word:
		return got.kind == word && m.text(want, got)
	case parens, code:
		return got.kind == want.kind && m.sequence(want.list, got.list)
	}
	if got.kind != parens || want.kind == onlyAnyOrder && len(want.list) != len(got.list) {
		return false
	}
	size := 1
	if want.kind == pairs {
		size = 2
	}
	used := make([]bool, len(got.list))
	for i := 0; i < len(want.list); i += size {
		if !m.oneOf(want.list[i:i+size], got.list, used) {
			return false
		}
	}
	return true
}

// oneOf finds the elements of want, one or two, among those of got that are not used.
func (m *matcher) oneOf(want, got []*node, used []bool) bool {
	for j := 0; j+len(want) <= len(got); j += len(want) {
		if used[j] {
			continue
		}
		before := vars{}
		for name, value := range m.found {
			before[name] = value
		}
		if m.sequence(want, got[j:j+len(want)]) {
			used[j] = true
			return true
		}
		m.found = before
	}
	return false
}

// text compares a word. Case matters where both are strings; NIL without quotation marks is itself alone.
func (m *matcher) text(want, got *node) bool {
	isNil := func(n *node) bool { return !n.quoted && strings.EqualFold(n.text, "NIL") }
	if want.quoted && isNil(got) || isNil(want) && !isNil(got) {
		return false
	}
	if !strings.Contains(want.text, "…") && !variable.MatchString(want.text) {
		return want.text == got.text || (!want.quoted || !got.quoted) && strings.EqualFold(want.text, got.text)
	}
	expr, names := m.compile(want.text)
	if !want.quoted || !got.quoted {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return false
	}
	values := re.FindStringSubmatch(got.text)
	if values == nil {
		return false
	}
	for i, name := range names {
		m.found[name] = values[i+1]
	}
	return true
}

// compile makes a regular expression of a word with wildcards and variables, and returns the names of those that it sets.
func (m *matcher) compile(s string) (string, []string) {
	var b strings.Builder
	var names []string
	literal := func(s string) { b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(s), "…", ".*")) }
	b.WriteString("(?s)^")
	at := 0
	for _, loc := range variable.FindAllStringIndex(s, -1) {
		literal(s[at:loc[0]])
		at = loc[1]
		name := s[loc[0]+1 : loc[1]-1]
		value, ok := m.vars[name]
		if !ok {
			value, ok = m.found[name]
		}
		if ok {
			b.WriteString(regexp.QuoteMeta(value))
		} else {
			b.WriteString("(.*?)")
			names = append(names, name)
		}
	}
	literal(s[at:])
	b.WriteString("$")
	return b.String(), names
}
