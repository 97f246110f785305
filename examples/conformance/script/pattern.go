package script

import (
	"fmt"
	"strings"
)

// response is what a server said: a reply, a line, or a response of IMAP with its literals.
type response struct {
	text  string   // as it came, without the last CRLF
	lines []string // of SMTP: what stands behind the code
	code  string   // of SMTP
	nodes []*node  // of IMAP and ManageSieve
}

// final reports whether an IMAP command ends with it.
func (r *response) final() bool { return r.nodes[0].text != "*" && r.nodes[0].text != "+" }

// pattern is what a response is compared with. Only if it matches are variables set.
type pattern interface {
	match(r *response, v vars) bool
}

// parsePattern reads a pattern of a protocol.
func parsePattern(p Protocol, s string) (pattern, error) {
	switch p {
	case IMAP:
		return parseIMAPPattern(s)
	case ManageSieve:
		return parseSievePattern(s)
	case SMTP, LMTP:
		return parseReplyPattern(s)
	}
	return linePattern{parseWild(s)}, nil
}

// linePattern is of the protocols whose answers are lines: POP3, POP2. "+OK" and "-ERR" alone stand for any text behind them.
type linePattern struct{ text wild }

func (p linePattern) match(r *response, v vars) bool {
	text := r.text
	if p.text.plain() && len(p.text) == 1 && (p.text[0].text == "+OK" || p.text[0].text == "-ERR") {
		text, _, _ = strings.Cut(text, " ")
	}
	return matchLine(p.text, text, v)
}

func matchLine(w wild, text string, v vars) bool {
	found := vars{}
	if !w.match(text, false, v, found) {
		return false
	}
	for name, value := range found {
		v[name] = value
	}
	return true
}

// replyPattern is of SMTP: a code, in which "x" is any digit, and what one of the lines must say, where anything is said.
type replyPattern struct {
	code string
	text wild
	any  bool
}

func parseReplyPattern(s string) (pattern, error) {
	code, text, has := strings.Cut(s, " ")
	if len(code) != 3 || strings.Trim(code, "0123456789x") != "" {
		return nil, fmt.Errorf("%q doesn't begin with a code of three digits", s)
	}
	return replyPattern{code: code, text: parseWild(text), any: !has}, nil
}

func (p replyPattern) match(r *response, v vars) bool {
	for i := range len(p.code) {
		if p.code[i] != 'x' && p.code[i] != r.code[i] {
			return false
		}
	}
	if p.any {
		return true
	}
	for _, line := range r.lines {
		found := vars{}
		if p.text.match(line, true, v, found) {
			for name, value := range found {
				v[name] = value
			}
			return true
		}
	}
	return false
}

// sievePattern is of ManageSieve: OK, NO and BYE with a code, if there is one in the pattern, and any text; or a line of strings.
type sievePattern struct{ nodes []*node }

func parseSievePattern(s string) (pattern, error) {
	nodes, err := parseSieve([]string{s}, nil, true)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, errSyntax
	}
	return sievePattern{nodes}, nil
}

func (p sievePattern) match(r *response, v vars) bool {
	want, got := p.nodes, r.nodes
	if !want[0].quoted && isStatus(want[0].text) {
		n := 1
		if len(want) > 1 && want[1].kind == parens {
			n = 2
		}
		want, got = want[:min(n, len(want))], got[:min(n, len(got))]
	}
	m := &matcher{vars: v, found: vars{}, steps: maxTries}
	return m.sequence(want, got) && m.keep()
}

// parseSieve reads a line of ManageSieve (RFC 5804 section 4): atoms, strings, and lists in parentheses.
func parseSieve(pieces, literals []string, pattern bool) ([]*node, error) {
	r := &reader{pieces: append([]string(nil), pieces...), literals: literals, pattern: pattern}
	out, err := r.nodes("", 0)
	if err == nil && (len(r.pieces) > 1 || r.rest() != "") {
		err = errSyntax
	}
	return out, err
}
