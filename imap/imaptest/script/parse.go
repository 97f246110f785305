package script

import (
	"fmt"
	"strconv"
	"strings"
)

// Script is a file of cases.
type Script struct {
	Name  string
	Cases []*Case
}

// Case is one dialogue, on connections and with a mailbox of its own.
type Case struct {
	Title    string
	Need     []string // capabilities; with "!" those that must not be there
	Skip     map[string]string
	Messages int  // in the mailbox
	Selected bool // on the first connection
	Greeting bool // connections are not logged in

	steps []step
}

// step is a line that does something.
type step struct {
	line int
	conn int // 0 to 8
	kind kind
	text string
	want []*pattern // of expect: alternatives
	// after says that it comes behind the step before; never that it must not come.
	after, never bool
	literal      *literal
}

type kind uint8

const (
	send kind = iota
	raw
	expect
	hangUp
	closed
	startTLS
	compress
	authenticate
)

// literal follows a line that is sent, and rest follows it.
type literal struct {
	nonSync bool
	text    string
	begun   bool
	ended   bool // by a line without CRLF
	rest    string
	more    *literal
}

// Limits of a script.
const (
	maxLine  = 8 << 10
	maxSteps = 10_000
	maxCases = 1000
)

// Parse reads a script. Errors tell the line.
func Parse(name, text string) (*Script, error) {
	p := &parser{script: &Script{Name: name}, common: &Case{Skip: map[string]string{}}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if err := p.parse(n, strings.TrimRight(line, "\r\n")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if len(p.script.Cases) == 0 {
		return nil, fmt.Errorf("%s: no case", name)
	}
	return p.script, nil
}

type parser struct {
	script *Script
	common *Case
	now    *Case
	steps  int
	lit    *literal // which L lines belong to
}

func (p *parser) parse(n int, line string) error {
	if line = strings.TrimLeft(line, " \t"); line == "" || line[0] == '#' || line[0] == '"' {
		return nil
	}
	if len(line) > maxLine {
		return fmt.Errorf("line is longer than %d octets", maxLine)
	}
	word, rest, ok := strings.Cut(line, ":")
	if ok && word != "" && word[0] >= 'a' && word[0] <= 'z' {
		return p.directive(n, word, strings.TrimSpace(rest))
	}
	end := strings.IndexAny(line, ":+->")
	if end < 1 || end > 2 {
		return fmt.Errorf("unknown line %q", line)
	}
	word, rest = line[:end+1], strings.TrimPrefix(line[end+1:], " ")
	conn := 0
	if end == 2 {
		if word[1] < '1' || word[1] > '9' {
			return fmt.Errorf("unknown line %q", line)
		}
		conn, word = int(word[1]-'1'), word[:1]+word[2:]
	}
	return p.exchange(n, conn, word, rest)
}

// directive reads the lines that have a word of more than a letter.
func (p *parser) directive(n int, word, rest string) error {
	c := p.now
	if c == nil {
		c = p.common
	}
	switch word {
	case "case":
		if rest == "" || len(p.script.Cases) == maxCases {
			return fmt.Errorf("a case has a title, a script at most %d cases", maxCases)
		}
		p.now = &Case{Title: rest, Need: append([]string(nil), p.common.Need...), Skip: map[string]string{}, Messages: p.common.Messages,
			Selected: p.common.Selected, Greeting: p.common.Greeting}
		for name, why := range p.common.Skip {
			p.now.Skip[name] = why
		}
		p.script.Cases = append(p.script.Cases, p.now)
		p.lit = nil
	case "need":
		c.Need = append(c.Need, strings.Fields(rest)...)
	case "skip":
		name, why, _ := strings.Cut(rest, " ")
		if why == "" {
			return fmt.Errorf("skip needs a reason")
		}
		c.Skip[name] = why
	case "given":
		return c.given(rest)
	default:
		return p.act(n, word, rest)
	}
	return nil
}

// actions are the words for what is done to a connection.
var actions = map[string]kind{"close": hangUp, "closed": closed, "starttls": startTLS, "compress": compress, "auth": authenticate}

func (p *parser) act(n int, word, rest string) error {
	conn := 0
	if d := word[len(word)-1]; d >= '1' && d <= '9' {
		word, conn = word[:len(word)-1], int(d-'1')
	}
	k, ok := actions[word]
	switch {
	case !ok:
		return fmt.Errorf("unknown word %q", word)
	case k == authenticate && len(strings.Fields(rest)) != 2:
		return fmt.Errorf("auth needs a tag and a mechanism")
	}
	return p.add(step{line: n, conn: conn, kind: k, text: rest})
}

func (c *Case) given(rest string) error {
	for what := range strings.SplitSeq(rest, ",") {
		what = strings.TrimSpace(what)
		count, is := strings.CutSuffix(what, " messages")
		switch {
		case what == "selected":
			c.Selected = true
		case what == "greeting":
			c.Greeting = true
		case is:
			n, err := strconv.Atoi(count)
			if err != nil || n < 0 || n > 1000 {
				return fmt.Errorf("0 to 1000 messages")
			}
			c.Messages = n
		default:
			return fmt.Errorf("unknown: given %q", what)
		}
	}
	return nil
}

func (p *parser) add(s step) error {
	if p.now == nil {
		return fmt.Errorf("no case has begun")
	}
	if p.steps++; p.steps > maxSteps {
		return fmt.Errorf("more than %d lines", maxSteps)
	}
	p.lit = s.literal
	p.now.steps = append(p.now.steps, s)
	return nil
}

// exchange reads the lines that say what is sent and what comes.
func (p *parser) exchange(n, conn int, word, rest string) error {
	switch word {
	case "C:":
		text, lit := cutLiteral(rest)
		return p.add(step{line: n, conn: conn, kind: send, text: text, literal: lit})
	case "L:", "L-":
		if p.lit == nil || p.lit.ended {
			return fmt.Errorf("no literal is announced")
		}
		p.lit.begun = true
		if p.lit.text += rest; word == "L:" {
			p.lit.text += "\r\n"
		}
		p.lit.ended = word == "L-"
	case "C+":
		if p.lit == nil || !p.lit.begun {
			return fmt.Errorf("no literal stands before")
		}
		p.lit.rest, p.lit.more = cutLiteral(rest)
		p.lit.ended = true
		p.lit = p.lit.more
	case "X:":
		octets, err := unescape(rest)
		if err != nil {
			return err
		}
		return p.add(step{line: n, conn: conn, kind: raw, text: octets})
	case "S:", "S>", "N:":
		want, err := parsePattern(rest)
		if err != nil {
			return err
		}
		return p.add(step{line: n, conn: conn, kind: expect, text: rest, want: []*pattern{want}, after: word == "S>", never: word == "N:"})
	case "O:":
		if p.now == nil || len(p.now.steps) == 0 || p.now.steps[len(p.now.steps)-1].kind != expect || p.now.steps[len(p.now.steps)-1].never {
			return fmt.Errorf("no response stands before")
		}
		want, err := parsePattern(rest)
		if err != nil {
			return err
		}
		last := &p.now.steps[len(p.now.steps)-1]
		last.want, last.text = append(last.want, want), last.text+" or "+rest
	default:
		return fmt.Errorf("unknown line %q", word)
	}
	return nil
}

// cutLiteral cuts the announcement of a literal from the end of a line.
func cutLiteral(line string) (string, *literal) {
	if text, ok := strings.CutSuffix(line, "{}"); ok {
		return text, &literal{}
	}
	if text, ok := strings.CutSuffix(line, "{+}"); ok {
		return text, &literal{nonSync: true}
	}
	return line, nil
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", fmt.Errorf("%q ends in a backslash", s)
		}
		switch c := s[i]; c {
		case 'r', 'n', 't', '0', '\\':
			b.WriteByte(map[byte]byte{'r': '\r', 'n': '\n', 't': '\t', '0': 0, '\\': '\\'}[c])
		case 'x':
			if i+3 > len(s) {
				return "", fmt.Errorf("%q: two digits behind \\x", s)
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q: two digits behind \\x", s)
			}
			b.WriteByte(byte(v))
			i += 2
		default:
			return "", fmt.Errorf("unknown escape \\%c", c)
		}
	}
	return b.String(), nil
}
