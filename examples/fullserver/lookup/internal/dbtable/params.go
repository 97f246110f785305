package dbtable

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/nearest"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// Params are the "name = value" lines of a table's file. Reading one marks it as known.
type Params struct {
	file   string
	values map[string]string
	lines  map[string]int
	known  []string
}

// ParseParams reads a file: logical lines as in main.cf, of which the last counts for a name. "$" means nothing in it.
func ParseParams(file, text string) (*Params, error) {
	p := &Params{file: file, values: map[string]string{}, lines: map[string]int{}}
	sc := source.NewScanner(text)
	var stray error
	sc.Stray = func(line int, text string) {
		if stray == nil {
			stray = &source.Problem{File: file, Line: line, Reason: "the first line begins with white space, and there is none that it could continue"}
		}
	}
	for sc.Next() {
		name, value, err := source.NameValue(sc.Text)
		if err != nil {
			name, _, _ = strings.Cut(sc.Text, " ") // the rest may be a password
			return nil, &source.Problem{File: file, Line: sc.First, Reason: fmt.Sprintf("expected name = value at %s", source.Quote(name))}
		}
		p.values[name], p.lines[name] = value, sc.First
	}
	return p, stray
}

// String returns a parameter, or its default where it isn't given.
func (p *Params) String(name, value string) string {
	p.known = append(p.known, name)
	if v, ok := p.values[name]; ok {
		return v
	}
	return value
}

// Given says whether a parameter is there, perhaps empty.
func (p *Params) Given(name string) bool {
	p.known = append(p.known, name)
	_, ok := p.values[name]
	return ok
}

// List is String taken apart at commas and white space.
func (p *Params) List(name, value string) []string {
	return strings.FieldsFunc(p.String(name, value), func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// Int returns a whole number of at least least.
func (p *Params) Int(name string, value, least int) (int, error) {
	s := p.String(name, "")
	if s == "" {
		return value, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least {
		return 0, p.Errorf(name, "%s = %s: is no whole number of %d or more", name, source.Quote(s), least)
	}
	return n, nil
}

// Bool returns "yes" or "no".
func (p *Params) Bool(name string, value bool) (bool, error) {
	switch s := p.String(name, ""); {
	case s == "":
		return value, nil
	case strings.EqualFold(s, "yes"):
		return true, nil
	case strings.EqualFold(s, "no"):
		return false, nil
	default:
		return false, p.Errorf(name, "%s = %s: write yes or no", name, source.Quote(s))
	}
}

// Errorf is an error at the line of a parameter, or of the file where it isn't given.
func (p *Params) Errorf(name, format string, args ...any) error {
	return &source.Problem{File: p.file, Line: p.lines[name], Reason: fmt.Sprintf(format, args...)}
}

// Secret is the name of a parameter that nobody else may know, "" where there is none.
func (p *Params) Secret() string {
	for _, name := range []string{"password", "bind_pw"} {
		if p.values[name] != "" {
			return name
		}
	}
	return ""
}

// Unknown lists the parameters that nobody has asked for: Postfix passes over them without a word.
func (p *Params) Unknown() (problems []error) {
	for name, line := range p.lines {
		if slices.Contains(p.known, name) {
			continue
		}
		reason := "unknown parameter " + source.Quote(name) + " is ignored"
		if near := nearest.Name(name, slices.Values(p.known), 3); near != "" {
			reason += "; did you mean " + near + "?"
		}
		problems = append(problems, &source.Problem{File: p.file, Line: line, Reason: reason})
	}
	slices.SortFunc(problems, func(a, b error) int { return a.(*source.Problem).Line - b.(*source.Problem).Line })
	return problems
}
