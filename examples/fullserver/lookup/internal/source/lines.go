package source

import (
	"strings"
)

// A Scanner takes a table's text apart into logical lines, as Postfix's readllines does: a line that begins with white space goes on
// with the one before, and keeps that white space; empty lines and lines whose first visible character is "#" are left out, also
// between a line and what continues it. The end of a line is LF; a CR before it is white space like any other.
type Scanner struct {
	rest string
	line int // the last one read

	Text  string // the logical line; never empty after Next said true
	First int    // where it begins, 1 is the first
	Last  int    // where it ends; Postfix's warnings name this one

	// Stray is called for a logical line that has nothing before it that it could continue. It is left out.
	Stray func(first int, text string)
}

// NewScanner reads text.
func NewScanner(text string) *Scanner { return &Scanner{rest: text} }

// Next moves to the next logical line.
func (s *Scanner) Next() bool {
	for s.logical() {
		if !IsSpace(s.Text[0]) {
			return true
		}
		if s.Stray != nil {
			s.Stray(s.First, s.Text)
		}
	}
	return false
}

func (s *Scanner) logical() bool {
	s.Text = ""
	var joined *strings.Builder // made at the second physical line: most have one
	for s.rest != "" {
		text, rest, _ := strings.Cut(s.rest, "\n")
		s.rest = rest
		s.line++
		visible := TrimLeft(text)
		if visible != "" && visible[0] != '#' {
			switch {
			case s.Text == "":
				s.Text, s.First = text, s.line
			case joined == nil:
				joined = new(strings.Builder)
				joined.WriteString(s.Text)
				fallthrough
			default:
				joined.WriteString(text)
			}
			s.Last = s.line
		}
		if s.Text != "" && s.rest != "" && s.rest[0] != '#' && !IsSpace(s.rest[0]) {
			break
		}
	}
	if joined != nil {
		s.Text = joined.String()
	}
	return s.Text != ""
}

// IsSpace is isspace(3) in the C locale.
func IsSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// TrimLeft drops leading white space.
func TrimLeft(s string) string {
	for s != "" && IsSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// Trim drops white space on both sides.
func Trim(s string) string {
	s = TrimLeft(s)
	for s != "" && IsSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// IsAlnum is isalnum(3) in the C locale.
func IsAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
