package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// A Syntax is what regexp and pcre tables differ in.
type Syntax struct {
	Flags   string                                       // what may stand after a pattern
	Second  bool                                         // "/pattern/!/pattern/ result" may be written
	Compile func(pattern, flags string) (Matcher, error) // flags: each as often as it was written

	NoGroups bool                          // results with $1 are refused
	Skipped  func(line int, reason string) // a line that is left out, as Postfix does with a warning
	File     string                        // for errors
}

// skip is an error that leaves one line out.
type skip string

func (s skip) Error() string { return string(s) }

// Invalid is Compile's error for a pattern that Postfix's library refuses too.
type Invalid string

func (e Invalid) Error() string { return string(e) }

// Parse reads a table. A line that is malformed is left out and reported, as Postfix does. A pattern that only we can't compile is an
// error: Postfix understands it, and without it the table would answer otherwise.
func (x *Syntax) Parse(text string) (*Program, error) {
	p := &Program{}
	sc := source.NewScanner(text)
	sc.Stray = func(line int, text string) {
		x.Skipped(line, "logical line must not start with whitespace: "+source.Quote(text))
	}
	for sc.Next() {
		err := x.line(p, sc.First, sc.Text)
		var s skip
		if errors.As(err, &s) {
			x.Skipped(sc.First, string(s))
		} else if err != nil {
			return nil, &source.Problem{File: x.File, Line: sc.First, Reason: err.Error()}
		}
	}
	for _, line := range p.Open() {
		x.Skipped(line, "if has no matching endif; it holds to the end of the table")
	}
	return p, nil
}

func (x *Syntax) line(p *Program, line int, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return skip("NUL in the line; line left out")
	}
	switch {
	case !source.IsAlnum(text[0]):
		return x.result(p, line, text)
	case keyword(text, "if"):
		m, negate, rest, err := x.pattern(source.TrimLeft(text[2:]))
		if err != nil {
			return err
		}
		if rest = source.Trim(rest); rest != "" {
			x.Skipped(line, fmt.Sprintf("text after if is ignored: %s; the lines between if and endif must not begin with white space", source.Quote(rest)))
		}
		p.If(line, m, negate)
		return nil
	case keyword(text, "endif"):
		if !p.Endif(line) {
			return skip("endif without if; line left out")
		}
		if rest := source.Trim(text[5:]); rest != "" {
			x.Skipped(line, fmt.Sprintf("text after endif is ignored: %s; lines that follow endif must not begin with white space", source.Quote(rest)))
		}
		return nil
	}
	return skip("expected /pattern/flags result, if, or endif; line left out")
}

// keyword says whether text begins with word.
func keyword(text, word string) bool {
	return len(text) >= len(word) && strings.EqualFold(text[:len(word)], word) && (len(text) == len(word) || !source.IsAlnum(text[len(word)]))
}

func (x *Syntax) result(p *Program, line int, text string) error {
	m, negate, rest, err := x.pattern(text)
	if err != nil {
		return err
	}
	var second Matcher
	var negate2 bool
	if x.Second && strings.HasPrefix(rest, "!") {
		if second, negate2, rest, err = x.pattern(rest); err != nil {
			return err
		}
	}
	if rest = source.Trim(rest); rest == "" {
		x.Skipped(line, "no result after the pattern: the empty string is used, which is no valid answer; write one")
	}
	t, err := ParseTemplate(rest)
	switch {
	case err != nil:
		return skip(err.Error() + "; line left out")
	case t.Max > 0 && x.NoGroups:
		return skip("a piece of the key in the result ($1) is not allowed in this table; line left out")
	case t.Max > 0 && negate:
		return skip("a negated pattern has no groups for its result; line left out")
	case t.Max > m.Groups():
		return skip(fmt.Sprintf("the result wants group %d, the pattern has %d; line left out", t.Max, m.Groups()))
	}
	p.Result(line, m, negate, t)
	if second != nil {
		p.And(second, negate2)
	}
	return nil
}

// pattern reads "!/pattern/flags".
func (x *Syntax) pattern(s string) (m Matcher, negate bool, rest string, err error) {
	for s = source.TrimLeft(s); strings.HasPrefix(s, "!"); s = source.TrimLeft(s[1:]) {
		negate = !negate
	}
	if s == "" {
		return nil, false, "", skip("no pattern; line left out")
	}
	end := 1
	for end < len(s) && s[end] != s[0] {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return nil, false, "", skip(fmt.Sprintf("no closing %q after the pattern; line left out", s[0]))
	}
	flags := end + 1
	for flags < len(s) && !source.IsSpace(s[flags]) && !(x.Second && s[flags] == '!') {
		if strings.IndexByte(x.Flags, s[flags]) < 0 {
			return nil, false, "", skip(fmt.Sprintf("unknown flag %q after the pattern; known are %s; line left out", s[flags], x.Flags))
		}
		flags++
	}
	m, err = x.Compile(s[1:end], s[end+1:flags])
	if invalid := Invalid(""); errors.As(err, &invalid) {
		return nil, false, "", skip(fmt.Sprintf("pattern %s: %s; line left out", source.Quote(s[1:end]), invalid))
	}
	if err != nil {
		return nil, false, "", fmt.Errorf("pattern %s: %w", source.Quote(s[1:end]), err)
	}
	return m, negate, s[flags:], nil
}

// Toggled says whether a flag was written an odd number of times.
func Toggled(flags, flag string) bool { return strings.Count(flags, flag)%2 == 1 }
