package acl

import (
	"bytes"
	"fmt"
	"strings"
)

// Global is the file of entries for all mailboxes: lines of a pattern of mailbox names with "*" and "?", and what a
// "dovecot-acl" has.
type Global []globalLine

type globalLine struct {
	pattern string
	entry   Entry
}

// ParseGlobal reads the file.
func ParseGlobal(raw []byte) (Global, error) {
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("acl: file is larger than %d octets", MaxFile)
	}
	var g Global
	for line := range bytes.Lines(raw) {
		s := strings.TrimRight(string(line), "\r\n")
		if s == "" || s[0] == '#' {
			continue
		}
		pattern, rest, ok := cutWord(s)
		if !ok || pattern == "" || rest == "" {
			return nil, fmt.Errorf("%w: %q", errLine, s)
		}
		e, err := parseLine(rest)
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, s)
		}
		g = append(g, globalLine{pattern, e})
	}
	return g, nil
}

// For returns the entries for a mailbox.
func (g Global) For(mailbox string) List {
	var l List
	for _, line := range g {
		if match(line.pattern, mailbox) {
			l = l.add(line.entry)
		}
	}
	return l
}

// match reports whether the whole of name is what the pattern says: "*" for any octets, "/" too, "?" for one. It takes time in
// proportion to the product of the lengths at most.
func match(pattern, name string) bool {
	p, n := 0, 0
	star, from := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
