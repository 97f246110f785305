package script

import "strings"

// imapPattern is what a response of IMAP is compared with.
type imapPattern struct{ nodes []*node }

func parseIMAPPattern(s string) (pattern, error) {
	nodes, err := parseLine([]string{s}, nil, true)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, errSyntax
	}
	return imapPattern{nodes}, nil
}

// match reports whether a response is as the pattern says, and if so sets the variables that had no value.
func (p imapPattern) match(r *response, v vars) bool { return p.matchNodes(r.nodes, v) }

func (p imapPattern) matchNodes(response []*node, v vars) bool {
	m := &matcher{vars: v, found: vars{}, steps: maxTries}
	want := p.nodes
	if len(want) > 0 && len(response) > 0 && want[0].text == "+" {
		want, response = want[:1], response[:1]
	}
	if len(want) >= 2 && !want[1].quoted && isStatus(want[1].text) {
		want, response = statusNodes(want, response)
	}
	return m.sequence(want, response) && m.keep()
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

// keep sets the variables that were found.
func (m *matcher) keep() bool {
	for name, value := range m.found {
		m.vars[name] = value
	}
	return true
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
		before := m.found.clone()
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
	fold := !want.quoted || !got.quoted
	w := parseWild(want.text)
	if w.plain() {
		return want.text == got.text || fold && strings.EqualFold(want.text, got.text)
	}
	return w.match(got.text, fold, m.vars, m.found)
}
