package script

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// directive reads the lines that begin with a word.
func (p *parser) directive(n int, word, rest string) error {
	c := p.now
	if c == nil {
		c = p.common
	}
	if word != "case" && word != "clause" && word != "en" && word != "vi" {
		p.quote = false
	}
	switch word {
	case "protocol":
		if p.now != nil {
			return fmt.Errorf("the protocol is the file's: it stands before the first case")
		}
		return known(&c.Protocol, Protocol(rest), protocols)
	case "case":
		return p.begin(n, rest)
	case "need":
		c.Need = append(c.Need, strings.Fields(rest)...)
	case "kind":
		return known(&c.Kind, Kind(rest), []Kind{Security, Stress})
	case "speaks":
		return c.speak(rest)
	case "given":
		return c.given(rest)
	case "skip", "known":
		name, why, _ := strings.Cut(rest, " ")
		if why == "" {
			return fmt.Errorf("%s needs a name and a reason", word)
		}
		if word == "skip" {
			c.skip(name, why)
			return nil
		}
		return p.knownOf(name, why)
	case "clause":
		return p.clause(n, rest)
	case "else":
		return p.otherwise(rest)
	case "en", "vi":
		return p.sentence(word, rest)
	default:
		return p.act(n, word, rest)
	}
	return nil
}

var protocols = []Protocol{SMTP, LMTP, POP3, POP2, IMAP, ManageSieve}

// known sets a word that must be one of a list.
func known[T ~string](to *T, word T, list []T) error {
	if !slices.Contains(list, word) {
		return fmt.Errorf("%q is none of %v", word, list)
	}
	*to = word
	return nil
}

func (p *parser) begin(n int, title string) error {
	if title == "" || len(p.script.Cases) == maxCases {
		return fmt.Errorf("a case has a title, a script at most %d cases", maxCases)
	}
	if p.common.Protocol == "" {
		return fmt.Errorf("a script says its protocol before the first case")
	}
	if err := p.finishCase(); err != nil {
		return err
	}
	c := *p.common
	c.Script, c.Title, c.Line = p.script.Name, title, n
	c.Need, c.speaks, c.skips = slices.Clone(c.Need), maps.Clone(c.speaks), maps.Clone(c.skips)
	c.Checks = []*Check{newCheck(n)}
	p.now, p.lit = &c, nil
	p.script.Cases = append(p.script.Cases, p.now)
	return nil
}

// clause begins a check.
func (p *parser) clause(n int, rest string) error {
	if p.now == nil {
		return fmt.Errorf("no case has begun")
	}
	if p.block != nil {
		return fmt.Errorf("a repeat is open")
	}
	if err := p.finishClause(); err != nil {
		return err
	}
	if len(p.now.Checks) == maxChecks {
		return fmt.Errorf("more than %d clauses", maxChecks)
	}
	c := p.check()
	if c.RFC != 0 || len(c.steps) > 0 {
		c = newCheck(n)
		p.now.Checks = append(p.now.Checks, c)
	}
	c.Line = n
	level, rest, _ := strings.Cut(rest, " ")
	if err := known(&c.Level, Level(level), []Level{Must, Should, May}); err != nil {
		return err
	}
	words := strings.SplitN(strings.TrimPrefix(rest, "NOT "), " ", 4)
	if len(words) != 4 || words[0] != "RFC" || words[2] != "section" || len(words[3]) > maxSection {
		return fmt.Errorf("a clause is: LEVEL RFC number section number")
	}
	number, err := strconv.ParseUint(words[1], 10, 16)
	if err != nil || number == 0 {
		return fmt.Errorf("%q is no RFC's number", words[1])
	}
	c.RFC, c.Section, p.quote = int(number), words[3], true
	return nil
}

// sentence says what a clause is about. English is the case's title where it isn't said.
func (p *parser) sentence(lang, text string) error {
	if p.now == nil || p.check().RFC == 0 {
		return fmt.Errorf("%s: belongs to a clause", lang)
	}
	if lang == "vi" {
		p.check().Vi = text
	} else {
		p.check().En = text
	}
	return nil
}

func (p *parser) knownOf(name, why string) error {
	if p.now == nil || p.check().RFC == 0 {
		return fmt.Errorf("known: belongs to a clause")
	}
	p.check().Known[name] = why
	return nil
}

// finishClause looks whether all has been said of the last one.
func (p *parser) finishClause() error {
	if p.now == nil || p.check().RFC == 0 {
		return nil
	}
	c := p.check()
	if c.En == "" {
		c.En = p.now.Title
	}
	switch {
	case c.Quote == "":
		return fmt.Errorf("the clause of line %d isn't quoted", c.Line)
	case c.Vi == "":
		return fmt.Errorf("the clause of line %d has no sentence in Vietnamese (vi:)", c.Line)
	case len(c.steps) == 0:
		return fmt.Errorf("nothing stands behind the clause of line %d", c.Line)
	}
	return nil
}

func (p *parser) finishCase() error {
	if p.block != nil {
		return fmt.Errorf("the repeat of line %d has no end", p.block.line)
	}
	if err := p.finishClause(); err != nil {
		return err
	}
	if p.now != nil && len(p.check().steps) == 0 {
		return fmt.Errorf("nothing happens in the case of line %d", p.now.Line)
	}
	return nil
}

func (p *parser) finish() error {
	if len(p.script.Cases) == 0 {
		return fmt.Errorf("no case")
	}
	return p.finishCase()
}

// actions are the words for what is done, mostly to a connection.
var actions = map[string]kind{"close": hangUp, "closed": closed, "starttls": startTLS, "compress": compress, "auth": authenticate,
	"wait": wait, "repeat": repeat, "let": let}

func (p *parser) act(n int, word, rest string) error {
	conn := 0
	if d := word[len(word)-1]; d >= '1' && d <= '9' {
		word, conn = word[:len(word)-1], int(d-'1')
	}
	if word == "end" {
		if p.block == nil {
			return fmt.Errorf("no repeat is open")
		}
		b := *p.block
		if p.block = nil; len(b.block) == 0 {
			return fmt.Errorf("nothing is repeated")
		}
		return p.add(b)
	}
	k, ok := actions[word]
	if !ok {
		return fmt.Errorf("unknown word %q", word)
	}
	if p.now == nil {
		return fmt.Errorf("no case has begun")
	}
	s := step{line: n, conn: conn, kind: k, text: rest}
	switch k {
	case startTLS:
		if rest != "" && rest != "or closed" {
			return fmt.Errorf("starttls has nothing behind it, or %q", "or closed")
		}
	case authenticate:
		want := 1
		if p.now.protocol(conn) == IMAP {
			want = 2
		}
		if len(strings.Fields(rest)) != want {
			return fmt.Errorf("auth needs a mechanism, and for IMAP a tag and a mechanism")
		}
	case wait, repeat:
		if d, err := time.ParseDuration(rest); err != nil || d <= 0 || d > time.Minute {
			return fmt.Errorf("%s needs a duration of at most a minute", word)
		}
	case let:
		name, value, _ := strings.Cut(rest, " ")
		if !variable.MatchString("<"+name+">") || strings.ContainsAny(name, "<>") {
			return fmt.Errorf("%q is no variable's name", name)
		}
		octets, err := unescape(value)
		if err != nil {
			return err
		}
		s.text = name + " " + octets
	}
	if k == repeat {
		if p.block != nil {
			return fmt.Errorf("a repeat is open")
		}
		p.block, p.quote = &s, false
		return nil
	}
	return p.add(s)
}
