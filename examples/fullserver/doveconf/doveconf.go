// Package doveconf reads what "doveconf -N" prints: the settings of an installed Dovecot that its configuration has, or that are not its defaults, with
// includes and $variables resolved. It knows the form, which is the same for Dovecot 2.2 to 2.4, and not what the settings mean.
package doveconf

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// File is the output of one run.
type File struct {
	Name    string // stands for it in errors
	Version string // "2.3.19.1", from the first line; "" where there is none
	Path    string // the configuration that was read, from the same line
	Asked   bool   // by [Run], and not written to a file by somebody
	Root    Section
}

// At reports whether the Dovecot is of a version, 2.4 for example, or later. Without a first line it is dovecot_config_version that counts,
// which 2.4 has and 2.3 doesn't.
func (f *File) At(major, minor int) bool {
	version := f.Version
	if v, ok := f.Root.Get("dovecot_config_version"); ok && version == "" {
		version = v
	}
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(first)
	b, err2 := strconv.Atoi(leading(second)) // of "4-rc1" too
	return err == nil && err2 == nil && (a > major || a == major && b >= minor)
}

// leading are the digits that a text begins with.
func leading(s string) string {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}

// Section is "kind name { … }", or the whole file, which has neither.
type Section struct {
	Kind, Name string
	Line       int // where it begins, counted from 1; 0 for the file
	Settings   []Setting
	Sections   []*Section
}

// Setting is "name = value".
type Setting struct {
	Name, Value string // the value without its quotes
	Line        int
	Hidden      bool // "# hidden, use -P to show it": the value isn't known
}

// Title is how a section begins: "service imap-login", or "" for the file.
func (s *Section) Title() string {
	if s.Name == "" {
		return s.Kind
	}
	return s.Kind + " " + s.Name
}

// Get returns the value of a setting, the last one where there are several.
func (s *Section) Get(name string) (value string, ok bool) {
	for i := range s.Settings {
		if s.Settings[i].Name == name {
			value, ok = s.Settings[i].Value, true
		}
	}
	return value, ok
}

// Value is Get for those who take a missing setting for an empty one.
func (s *Section) Value(name string) string {
	v, _ := s.Get(name)
	return v
}

// Of returns the sections of a kind, in their order.
func (s *Section) Of(kind string) iter.Seq[*Section] {
	return func(yield func(*Section) bool) {
		for _, c := range s.Sections {
			if c.Kind == kind && !yield(c) {
				return
			}
		}
	}
}

// Find returns the first section of a kind and name, nil where there is none.
func (s *Section) Find(kind, name string) *Section {
	for c := range s.Of(kind) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// All returns every setting of a section and of those within, with the titles of the sections that it is in: in the order of the file for each
// section, its settings before its sections.
func (s *Section) All() iter.Seq2[[]string, Setting] {
	return func(yield func([]string, Setting) bool) { s.all(nil, yield) }
}

func (s *Section) all(above []string, yield func([]string, Setting) bool) bool {
	for _, v := range s.Settings {
		if !yield(above, v) {
			return false
		}
	}
	for _, c := range s.Sections {
		if !c.all(append(above[:len(above):len(above)], c.Title()), yield) {
			return false
		}
	}
	return true
}

// Error is a line that can't be read.
type Error struct {
	File   string
	Line   int // 0 for the whole
	Reason string
}

// Error writes "doveconf.txt, line 12: reason".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Reason
	}
	return fmt.Sprintf("%s, line %d: %s", e.File, e.Line, e.Reason)
}
