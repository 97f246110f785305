// Package aliasfile reads the text of aliases(5) files: "name: destination, destination". The destinations of ~/.forward and of :include:
// files are written in the same way.
//
// It only reads: names are not folded, and what a destination means is for the caller to decide, who also knows whether commands and
// files are allowed where it stands.
package aliasfile

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// An Entry is a line of an alias file.
type Entry struct {
	Name         string // without quotes
	Destinations []Destination
	Line         int // where it begins, 1 is the first
}

// Parse goes through a file's text. A malformed line gives an error, a *lookup.Problem with file and line, and parsing goes on behind it.
func Parse(file, text string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		sc := source.NewScanner(text)
		stopped := false
		fail := func(line int, reason string) bool {
			stopped = stopped || !yield(Entry{}, &source.Problem{File: file, Line: line, Reason: reason})
			return !stopped
		}
		sc.Stray = func(line int, _ string) {
			if !stopped {
				fail(line, "a continuation line with nothing before it; a name begins in the first column")
			}
		}
		for sc.Next() && !stopped {
			name, value, err := ParseLine(sc.Text)
			var list []Destination
			if err == nil {
				list, err = ParseDestinations(value)
			}
			if err != nil {
				if !fail(sc.First, strings.TrimPrefix(err.Error(), "aliasfile: ")) {
					return
				}
				continue
			}
			if !yield(Entry{name, list, sc.First}, nil) {
				return
			}
		}
	}
}

// ParseLine takes a logical line apart: the name, without quotes, and what stands behind the colon.
func ParseLine(line string) (name, value string, err error) {
	var b strings.Builder
	quoted, local := false, true
	i := 0
scan:
	for ; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			if i++; i == len(line) {
				return "", "", errors.New("aliasfile: backslash at the end of the line")
			}
			b.WriteByte(line[i])
		case quoted:
			b.WriteByte(c)
		case c == ':':
			break scan
		case c == '@':
			local = false
			fallthrough
		default:
			b.WriteByte(c)
		}
	}
	name = source.Trim(b.String())
	switch {
	case quoted:
		return "", "", errors.New("aliasfile: missing '\"'")
	case i == len(line):
		return "", "", errors.New("aliasfile: need name:value pair")
	case name == "":
		return "", "", errors.New("aliasfile: empty name before ':'")
	case !local:
		return "", "", fmt.Errorf("aliasfile: name must be local: %s; addresses with a domain belong in virtual_alias_maps", source.Quote(name))
	}
	if value = source.Trim(line[i+1:]); value == "" {
		return "", "", errors.New("aliasfile: need name:value pair")
	}
	return name, value, nil
}
