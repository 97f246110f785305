// Package mastercf reads Postfix's master.cf: which services there are, what runs each, and with which parameters of its own (master(5)).
package mastercf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Limits of a file.
const (
	maxLine     = 64 << 10
	maxFile     = 4 << 20
	maxServices = 10_000
)

// Service is an entry: a logical line.
type Service struct {
	Name    string // "smtp", "127.0.0.1:10025", "relay"
	Type    string // "inet", "unix", "fifo", "pass" or "unix-dgram"
	Private bool   // sockets are in the queue's private folder
	Unpriv  bool   // runs without root's rights
	Chroot  bool
	Wakeup  time.Duration // 0: never
	Process int           // how many at once; -1: default_process_limit; 0: any number
	Command string        // the program: "smtpd"

	Overrides []Override // -o name=value
	Verbose   int        // how often -v was said
	Args      []string   // what else the program is told; a pipe's "flags=" and so on

	Line   int // where it begins, counted from 1
	fields [8]string
}

// Override is a parameter that a service has its own value of.
type Override struct {
	Name, Value string
}

// Option returns what a program is told as "name=value"; pipe(8) is configured so.
func (s *Service) Option(name string) (string, bool) {
	for _, a := range s.Args {
		if n, v, ok := strings.Cut(a, "="); ok && n == name {
			return v, true
		}
	}
	return "", false
}

// Override returns the value of a parameter of the service's own.
func (s *Service) Override(name string) (string, bool) {
	for _, o := range slices.Backward(s.Overrides) {
		if o.Name == name {
			return o.Value, true
		}
	}
	return "", false
}

// Key is how postconf -M and -P name a service: "smtp/inet".
func (s *Service) Key() string { return s.Name + "/" + s.Type }

// Error is a line that can't be used.
type Error struct {
	File   string
	Line   int
	Reason string
}

// Error writes "master.cf, line 12: reason".
func (e *Error) Error() string { return fmt.Sprintf("%s, line %d: %s", e.File, e.Line, e.Reason) }

// Read reads the services of a file, in its order. name stands for it in errors, which are of type *Error. A service that comes twice is its last
// entry, in the place of the first, as Postfix has it. A line that begins with white space continues the one before; empty lines and lines whose
// first character is "#" are skipped.
func Read(name string, r io.Reader) ([]*Service, error) {
	sc := bufio.NewScanner(io.LimitReader(r, maxFile+1))
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	var list []*Service
	seen := map[string]int{}
	logical, start, line, size := "", 0, 0, 0
	flush := func() error {
		if start == 0 {
			return nil
		}
		s, err := parse(logical)
		if err != nil {
			return &Error{name, start, err.Error()}
		}
		s.Line = start
		if i, twice := seen[s.Key()]; twice {
			list[i] = s
		} else {
			seen[s.Key()], list = len(list), append(list, s)
		}
		if len(list) > maxServices {
			return &Error{name, start, "too many services"}
		}
		return nil
	}
	for sc.Scan() {
		line++
		text := sc.Text()
		if size += len(text) + 1; size > maxFile {
			return nil, &Error{name, line, "file too large"}
		}
		for i := range len(text) {
			if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
				return nil, &Error{name, line, fmt.Sprintf("control character 0x%02x in a configuration file", c)}
			}
		}
		trimmed := strings.TrimSpace(text)
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case text[0] == ' ' || text[0] == '\t':
			if start == 0 {
				return nil, &Error{name, line, "a continuation line with nothing before it; a service begins in the first column"}
			}
			logical += " " + trimmed
		default:
			if err := flush(); err != nil {
				return nil, err
			}
			logical, start = trimmed, line
		}
	}
	if err := sc.Err(); err != nil {
		reason := err.Error()
		if errors.Is(err, bufio.ErrTooLong) {
			reason = "line too long"
		}
		return nil, &Error{name, line + 1, reason}
	}
	return list, flush()
}

// parse reads a logical line.
func parse(text string) (*Service, error) {
	s := &Service{}
	rest := text
	for i := range s.fields {
		var word string
		if word, rest = cut(rest); word == "" {
			return nil, fmt.Errorf("has %d fields, where a service has 8: name, type, private, unpriv, chroot, wakeup, maxproc, command", i)
		}
		s.fields[i] = word
	}
	s.Name, s.Type, s.Command = s.fields[0], s.fields[1], s.fields[7]
	if !slices.Contains([]string{"inet", "unix", "fifo", "pass", "unix-dgram"}, s.Type) {
		return nil, fmt.Errorf("%q is no type of service: inet, unix, fifo, pass, unix-dgram", s.Type)
	}
	var errs [5]error
	s.Private, errs[0] = flag("private", s.fields[2], s.Type != "inet")
	s.Unpriv, errs[1] = flag("unpriv", s.fields[3], true)
	s.Chroot, errs[2] = flag("chroot", s.fields[4], false)
	if w := strings.TrimSuffix(s.fields[5], "?"); w != "-" {
		var n int
		n, errs[3] = number("wakeup", w)
		s.Wakeup = time.Duration(n) * time.Second
	}
	if s.Process = -1; s.fields[6] != "-" {
		s.Process, errs[4] = number("maxproc", s.fields[6])
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if s.Type == "inet" && s.Private {
		return nil, errors.New("a service of type inet can't be private: write n, or -")
	}
	if strings.ContainsAny(s.Command, "/{}=") || s.Command[0] == '-' {
		return nil, fmt.Errorf("%q is not the name of a program", s.Command)
	}
	return s, s.arguments(rest)
}

// flag reads y, n or -.
func flag(field, value string, usual bool) (bool, error) {
	switch value {
	case "y":
		return true, nil
	case "n":
		return false, nil
	case "-":
		return usual, nil
	}
	return false, fmt.Errorf("%s is %q: write y, n or -", field, value)
}

func number(field, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 1<<24 {
		return 0, fmt.Errorf("%s is %q: write a number, or -", field, value)
	}
	return n, nil
}

// arguments reads what follows the program's name. "{ a b }" is one argument with blanks in it.
func (s *Service) arguments(rest string) error {
	for {
		var word string
		var err error
		if word, rest, err = argument(rest); err != nil {
			return err
		}
		switch {
		case word == "":
			return nil
		case word == "-o" || strings.HasPrefix(word, "-o") && len(s.Args) == 0:
			value := word[2:]
			if value == "" {
				if value, rest, err = argument(rest); err != nil {
					return err
				}
			}
			name, value, ok := strings.Cut(value, "=")
			if name = strings.TrimSpace(name); !ok || name == "" {
				return errors.New("-o wants name=value, without blanks around the equals sign or in { }")
			}
			if strings.ContainsFunc(name, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
				return fmt.Errorf("-o: %q is not the name of a parameter", name)
			}
			s.Overrides = append(s.Overrides, Override{name, strings.TrimSpace(value)})
		case len(s.Args) == 0 && strings.Trim(word, "v") == "-":
			s.Verbose += len(word) - 1
		default:
			if strings.HasPrefix(word, "argv=") { // the rest is a command of its own, options and all
				s.Args = append(s.Args, word)
				return s.command(rest)
			}
			s.Args = append(s.Args, word)
		}
	}
}

// command reads the rest of a command.
func (s *Service) command(rest string) error {
	for {
		var word string
		var err error
		if word, rest, err = argument(rest); err != nil || word == "" {
			return err
		}
		s.Args = append(s.Args, word)
	}
}

// Argv returns the command of a pipe: what stands behind "argv=".
func (s *Service) Argv() []string {
	i := slices.IndexFunc(s.Args, func(a string) bool { return strings.HasPrefix(a, "argv=") })
	if i < 0 {
		return nil
	}
	out := slices.Clone(s.Args[i:])
	if out[0] = strings.TrimPrefix(out[0], "argv="); out[0] == "" {
		out = out[1:]
	}
	return out
}

func cut(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// argument is cut for what may be in braces.
func argument(s string) (word, rest string, err error) {
	s = strings.TrimLeft(s, " \t")
	if s == "" || s[0] != '{' {
		word, rest = cut(s)
		return word, rest, nil
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				if rest = s[i+1:]; rest != "" && rest[0] != ' ' && rest[0] != '\t' {
					return "", "", errors.New("a blank must follow '}'")
				}
				if word = strings.TrimSpace(s[1:i]); word == "" {
					return "", "", errors.New("{ } with nothing in it")
				}
				return word, rest, nil
			}
		}
	}
	return "", "", errors.New("missing '}'")
}

// Fields are the entry's fields by the names that postconf -F has for them.
func (s *Service) Fields() [][2]string {
	out := make([][2]string, len(s.fields))
	for i, name := range []string{"service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"} {
		out[i] = [2]string{name, s.fields[i]}
	}
	out[7][1] = s.whole()
	return out
}

// columns are where the fields of an entry stand in postconf's output.
var columns = [8]int{0, 11, 17, 25, 33, 41, 49, 57}

// head is all but the command.
func (s *Service) head() string {
	var b strings.Builder
	for i, f := range s.fields[:7] {
		if i > 0 {
			b.WriteByte(' ')
		}
		for b.Len() < columns[i] {
			b.WriteByte(' ')
		}
		b.WriteString(f)
	}
	b.WriteByte(' ')
	for b.Len() < columns[7] {
		b.WriteByte(' ')
	}
	return b.String()
}

// String writes the entry as postconf -M does, in a line.
func (s *Service) String() string { return s.head() + s.whole() }

// whole is the command with all that it is told.
func (s *Service) whole() string {
	var b strings.Builder
	b.WriteString(s.Command)
	for range s.Verbose {
		b.WriteString(" -v")
	}
	for _, o := range s.Overrides {
		b.WriteString(" -o " + braced(o.Name+"="+o.Value))
	}
	for _, a := range s.Args {
		b.WriteString(" " + braced(a))
	}
	return b.String()
}

// braced is an argument as it can be read again.
func braced(s string) string {
	if strings.ContainsAny(s, " \t") || strings.HasPrefix(s, "{") {
		return "{" + s + "}"
	}
	return s
}
