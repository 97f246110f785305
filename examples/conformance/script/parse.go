package script

import (
	"fmt"
	"strings"
)

// Limits of a script.
const (
	maxLine    = 8 << 10
	maxSteps   = 10_000
	maxCases   = 1000
	maxChecks  = 100     // of a case
	maxOctets  = 1 << 20 // of what one line stands for
	maxScript  = 16 << 20
	maxQuote   = 4 << 10
	maxSection = 40
)

// Parse reads a script. Errors tell the line.
func Parse(name, text string) (*Script, error) {
	p := &parser{script: &Script{Name: name}, common: newCase()}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if err := p.parse(n, strings.TrimRight(line, "\r\n")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n, err)
	}
	return p.script, nil
}

func newCase() *Case {
	return &Case{Checks: []*Check{newCheck(0)}, speaks: map[int]Protocol{}}
}

func newCheck(line int) *Check { return &Check{Line: line, Known: map[string]string{}} }

type parser struct {
	script *Script
	common *Case
	now    *Case
	steps  int
	octets int
	lit    *literal // which L lines belong to
	block  *step    // the repeat that is open
	quote  bool     // lines that begin with a quotation mark belong to the clause
}

func (p *parser) parse(n int, line string) error {
	line = strings.TrimLeft(line, " \t")
	switch {
	case len(line) > maxLine:
		return fmt.Errorf("line is longer than %d octets", maxLine)
	case line == "" || line[0] == '#':
		return nil
	case line[0] == '"':
		return p.quotation(line)
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

// quotation is a line of the clause's text, or for the reader.
func (p *parser) quotation(line string) error {
	if !p.quote {
		return nil
	}
	c := p.check()
	text := strings.TrimSuffix(line[1:], `"`)
	if c.Quote != "" {
		text = c.Quote + " " + text
	}
	if len(text) > maxQuote {
		return fmt.Errorf("a quotation has at most %d octets", maxQuote)
	}
	c.Quote = text
	return nil
}

// check is the last one of the case.
func (p *parser) check() *Check { return p.now.Checks[len(p.now.Checks)-1] }

func (p *parser) add(s step) error {
	if p.now == nil {
		return fmt.Errorf("no case has begun")
	}
	if p.steps++; p.steps > maxSteps {
		return fmt.Errorf("more than %d lines", maxSteps)
	}
	if p.octets += len(s.text); p.octets > maxScript {
		return fmt.Errorf("more than %d octets", maxScript)
	}
	p.lit, p.quote = s.literal, false
	if p.block != nil && s.kind != repeat {
		p.block.block = append(p.block.block, s)
		return nil
	}
	c := p.check()
	c.steps = append(c.steps, s)
	return nil
}

// last is the step that was added last, nil if there is none.
func (p *parser) last() *step {
	if p.now == nil {
		return nil
	}
	list := p.check().steps
	if p.block != nil {
		list = p.block.block
	}
	if len(list) == 0 {
		return nil
	}
	return &list[len(list)-1]
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
	case "S:", "S>", "N:", "M:":
		return p.answer(n, conn, word, rest)
	case "O:":
		last := p.last()
		if last == nil || last.kind != expect && last.kind != body || last.never {
			return fmt.Errorf("no response stands before")
		}
		want, err := p.pattern(last.kind, last.conn, rest)
		if err != nil {
			return err
		}
		last.want, last.text = append(last.want, want), last.text+" or "+rest
	default:
		return fmt.Errorf("unknown line %q", word)
	}
	return nil
}

// otherwise reads what may come instead of the line before, from a server that the rest of the case is not for.
func (p *parser) otherwise(text string) error {
	last := p.last()
	if last == nil || last.kind != expect || last.never {
		return fmt.Errorf("no response stands before")
	}
	want, err := p.pattern(last.kind, last.conn, text)
	if err == nil {
		last.els = append(last.els, want)
	}
	return err
}

// answer reads a line that says what comes, or doesn't. N is about what the lines before it are about.
func (p *parser) answer(n, conn int, word, rest string) error {
	if p.now == nil {
		return fmt.Errorf("no case has begun")
	}
	last := p.last()
	k := expect
	if word == "M:" || word == "N:" && last != nil && last.kind == body && last.conn == conn {
		k = body
	}
	if word == "M:" && p.now.protocol(conn) != POP3 {
		return fmt.Errorf("only POP3 has answers of many lines")
	}
	if word == "S>" && (last == nil || last.kind != expect || last.conn != conn) {
		return fmt.Errorf("no response stands before")
	}
	want, err := p.pattern(k, conn, rest)
	if err != nil {
		return err
	}
	return p.add(step{line: n, conn: conn, kind: k, text: rest, want: []pattern{want}, after: word == "S>", never: word == "N:"})
}

func (p *parser) pattern(k kind, conn int, text string) (pattern, error) {
	if k == body {
		return linePattern{parseWild(text)}, nil
	}
	return parsePattern(p.now.protocol(conn), text)
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
