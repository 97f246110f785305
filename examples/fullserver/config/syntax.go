package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/nearest"
)

// maxLine bounds a physical line of main.cf, maxFile the whole.
const (
	maxLine = 64 << 10
	maxFile = 16 << 20
)

// read takes the logical lines of a main.cf, "name = value". A line that begins with white space continues the one
// before; empty lines and lines whose first character is "#" are skipped, also between a line and its continuation. A
// name that comes twice means its last value. Lines end in LF or CRLF.
func (c *Config) read(file string, r io.Reader) error {
	sc := bufio.NewScanner(io.LimitReader(r, maxFile+1))
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	var logical string
	start, line, size := 0, 0, 0
	for sc.Scan() {
		line++
		text := sc.Text()
		if size += len(text) + 1; size > maxFile {
			return &Error{File: file, Line: line, Reason: "file too large"}
		}
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff") // what some editors on Windows begin a file with
		}
		if c := control(text); c >= 0 {
			return &Error{File: file, Line: line, Reason: fmt.Sprintf("control character 0x%02x in a configuration file", c)}
		}
		trimmed := strings.TrimSpace(text)
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case text[0] == ' ' || text[0] == '\t':
			if start == 0 {
				return &Error{File: file, Line: line, Reason: "a continuation line with nothing before it; a parameter begins in the first column"}
			}
			logical += " " + trimmed
		default:
			if err := c.line(file, start, logical); err != nil {
				return err
			}
			logical, start = trimmed, line
		}
	}
	if err := sc.Err(); err != nil {
		reason := reasonOf(err)
		if errors.Is(err, bufio.ErrTooLong) {
			reason = "line too long"
		}
		return &Error{File: file, Line: line + 1, Reason: reason}
	}
	return c.line(file, start, logical)
}

// control returns the first control character that is no tab, -1 when there is none. A line that ends in CR and no LF, for one,
// would become part of a value and from there of a reply.
func control(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return int(c)
		}
	}
	return -1
}

// line takes one logical line.
func (c *Config) line(file string, line int, text string) error {
	if line == 0 {
		return nil
	}
	name, value, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	if !ok {
		return &Error{File: file, Line: line, Reason: "missing '=' after " + quote(name)}
	}
	if !validName(name) {
		return &Error{File: file, Line: line, Reason: quote(name) + " is not the name of a parameter"}
	}
	e := entry{text: strings.TrimSpace(value), file: file, line: line}
	if old, twice := c.given[name]; twice && old.text != e.text {
		c.warnf(e, name, "overrides what line %d says: %s", old.line, quote(old.text))
	}
	c.given[name] = e
	return nil
}

// quote shows a piece of input, cut to a length that fits a line.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return "\"" + oneLine(s) + "\""
}

func validName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i := range len(s) {
		if !nameByte(s[i]) && (s[i] != '-' || i == 0) { // a transport's name may have a hyphen
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// suggest names the parameter that a misspelt name may mean.
func (c *Config) suggest(name string) string {
	best := nearest.Name(name, func(yield func(string) bool) {
		for i := range c.params {
			if !yield(c.params[i].Name) {
				return
			}
		}
	}, len(name)/3+1)
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}
