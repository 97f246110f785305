package doveconf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits bound what is read. 0 stands for the value in parentheses, which no real Dovecot comes near.
type Limits struct {
	Size     int64 // octets (4 MiB)
	Line     int   // octets of a line (256 KiB: certificates may stand in one)
	Depth    int   // sections within each other (16)
	Settings int   // settings and sections together (100,000)
}

func (l Limits) orUsual() Limits {
	if l.Size == 0 {
		l.Size = 4 << 20
	}
	if l.Line == 0 {
		l.Line = 256 << 10
	}
	if l.Depth == 0 {
		l.Depth = 16
	}
	if l.Settings == 0 {
		l.Settings = 100_000
	}
	return l
}

// hidden is what stands for a value that doveconf keeps to itself.
const hidden = "# hidden, use -P to show it"

// Parse reads the output; name stands for it in errors, which are of type *Error where it is the text that is wrong. What a person has written,
// with includes and variables that doveconf would have resolved, is an error.
func Parse(name string, r io.Reader, limits Limits) (*File, error) {
	l := limits.orUsual()
	p := &parser{f: &File{Name: name}, limits: l}
	p.open = []*Section{&p.f.Root}
	sc := bufio.NewScanner(io.LimitReader(r, l.Size+2))
	sc.Buffer(make([]byte, 0, min(4096, l.Line)), l.Line)
	var size int64
	for sc.Scan() {
		p.line++
		if size += int64(len(sc.Bytes())) + 1; size > l.Size+1 {
			return nil, p.errorf("more than %d octets: this is no output of doveconf", l.Size)
		}
		if err := p.take(sc.Text()); err != nil {
			return nil, err
		}
	}
	if err := sc.Err(); err != nil {
		p.line++
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, p.errorf("longer than %d octets", l.Line)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if n := len(p.open); n > 1 {
		return nil, p.errorf("%q of line %d has no }: is the end missing?", p.open[n-1].Title(), p.open[n-1].Line)
	}
	if p.count == 0 && p.f.Version == "" {
		return nil, &Error{File: name, Reason: "there are no settings in it; it should be what \"doveconf -N -P\" prints"}
	}
	return p.f, nil
}

type parser struct {
	f      *File
	limits Limits
	open   []*Section // from the file to the one that we are in
	line   int
	count  int
}

func (p *parser) errorf(format string, args ...any) error {
	return &Error{File: p.f.Name, Line: p.line, Reason: fmt.Sprintf(format, args...)}
}

func (p *parser) take(text string) error {
	text = strings.TrimSpace(text)
	in := p.open[len(p.open)-1]
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return p.errorf("control character 0x%02x", c)
		}
	}
	switch {
	case text == "":
		return nil
	case text[0] == '#':
		p.comment(text)
		return nil
	case text == "}":
		if len(p.open) == 1 {
			return p.errorf("a } without a {")
		}
		p.open = p.open[:len(p.open)-1]
		return nil
	case text[0] == '!':
		word, _, _ := strings.Cut(text, " ")
		return p.errorf("%s: this is a file that a person wrote, and not what \"doveconf -N -P\" prints of it", quoted(word))
	}
	if p.count++; p.count > p.limits.Settings {
		return p.errorf("more than %d settings", p.limits.Settings)
	}
	name, value, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); ok && isName(name) { // before sections: a value may end with a {
		s := Setting{Name: name, Line: p.line}
		value = strings.TrimSpace(value)
		if s.Hidden = value == hidden; !s.Hidden {
			s.Value = unquote(value)
		}
		in.Settings = append(in.Settings, s)
		return nil
	}
	title, ok := strings.CutSuffix(text, "{")
	if !ok {
		return p.errorf("%s is neither a setting nor the beginning of a section", quoted(text))
	}
	if len(p.open) > p.limits.Depth {
		return p.errorf("more than %d sections within each other", p.limits.Depth)
	}
	kind, name, _ := strings.Cut(strings.TrimSpace(title), " ")
	name = unquote(strings.TrimSpace(name))
	if !isName(kind) {
		return p.errorf("%s is not how a section begins", quoted(text))
	}
	s := &Section{Kind: kind, Name: name, Line: p.line}
	in.Sections = append(in.Sections, s)
	p.open = append(p.open, s)
	return nil
}

// comment takes what doveconf says of itself: "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf".
func (p *parser) comment(text string) {
	if p.line != 1 {
		return
	}
	words := strings.Fields(strings.TrimPrefix(text, "#"))
	if len(words) > 1 && strings.HasSuffix(words[len(words)-2], ":") && words[0] != "" && words[0][0] >= '0' && words[0][0] <= '9' {
		p.f.Version, p.f.Path = strings.TrimSuffix(words[0], ":"), words[len(words)-1]
	}
}

// isName reports whether s can be the name of a setting or a kind of section: plugins have names of their own, with
// letters, digits and some signs.
func isName(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c == '"' || c == '{' || c == '}' || c == '#' || c >= 0x7f {
			return false
		}
	}
	return true
}

// unquote takes a value out of its quotes, if it has them. Quotes within have a backslash before them, and so have backslashes. Quotes that aren't
// around the whole are part of the value: doveconf 2.3 puts quotes only where it has to.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return s
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '"' && i == len(s)-1:
			return b.String()
		case c == '"':
			return s
		default:
			b.WriteByte(c)
		}
	}
	return s
}

// quoted shows a piece of input, cut to what fits a line.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
