package accounts

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/nearest"
)

// settings are the "name = value" lines of a dovecot-….conf.ext.
type settings struct {
	file   string
	values map[string]string
	lines  map[string]int
	known  []string
}

// maxSettings bounds a file.
const maxSettings = 1 << 20

func readSettings(file string) (*settings, error) {
	if file == "" {
		return nil, fmt.Errorf("no file is named")
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSettings {
		return nil, fmt.Errorf("%s: is no file of settings", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parseSettings(file, string(text))
}

// parseSettings reads lines as Dovecot does: "#" begins a comment at the beginning of a line or behind white space, a "\" at the end goes on, and quotes around a value
// keep what is in them.
func parseSettings(file, text string) (*settings, error) {
	s := &settings{file: file, values: map[string]string{}, lines: map[string]int{}}
	n, pending, first := 0, "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if pending == "" {
			first = n
		}
		if i := comment(line); i >= 0 {
			line = strings.TrimSpace(line[:i])
		}
		if rest, more := strings.CutSuffix(line, `\`); more {
			pending += strings.TrimSpace(rest) + " "
			continue
		}
		line, pending = pending+line, ""
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			name, _, _ = strings.Cut(line, " ") // the rest may be a password
			return nil, fmt.Errorf("%s:%d: expected name = value at %q", file, first, name)
		}
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			quote := value[:1]
			value = value[1 : len(value)-1]
			value = strings.NewReplacer(`\`+quote, quote, `\\`, `\`).Replace(value)
		}
		s.values[name], s.lines[name] = value, first
	}
	if pending != "" {
		return nil, fmt.Errorf("%s:%d: the last line ends with a backslash", file, first)
	}
	return s, nil
}

// comment is where one begins, -1 for nowhere.
func comment(line string) int {
	quoted := byte(0)
	for i := range len(line) {
		switch c := line[i]; {
		case quoted != 0:
			if c == quoted && line[i-1] != '\\' {
				quoted = 0
			}
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return i
		case (c == '"' || c == '\'') && i > 0 && strings.HasSuffix(strings.TrimRight(line[:i], " \t"), "=") && strings.Count(line[:i], "=") == 1:
			quoted = c
		}
	}
	return -1
}

// get returns a setting, or its default where it isn't given.
func (s *settings) get(name, value string) string {
	s.known = append(s.known, name)
	if v, ok := s.values[name]; ok {
		return v
	}
	return value
}

// flag returns "yes" or "no".
func (s *settings) flag(name string, value bool) (bool, error) {
	switch v := s.get(name, ""); v {
	case "":
		return value, nil
	case "yes", "y", "1":
		return true, nil
	case "no", "n", "0":
		return false, nil
	default:
		return false, s.errorf(name, "%s is yes or no", name)
	}
}

// errorf is an error at the line of a setting.
func (s *settings) errorf(name, format string, args ...any) error {
	where := s.file
	if line := s.lines[name]; line > 0 {
		where = fmt.Sprintf("%s:%d", s.file, line)
	}
	return fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...))
}

// refuse is an error for the first of some settings that is there.
func (s *settings) refuse(instead string, names ...string) error {
	for _, n := range names {
		if s.get(n, "") != "" {
			return s.errorf(n, "%s is not supported: %s", n, instead)
		}
	}
	return nil
}

// unknown is an error for a setting that nobody has asked for, as in Dovecot.
func (s *settings) unknown() error {
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if slices.Contains(s.known, name) {
			continue
		}
		hint := ""
		if near := nearest.Name(name, slices.Values(s.known), 3); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return s.errorf(name, "unknown setting %q%s", name, hint)
	}
	return nil
}

// template is a setting with variables.
func (s *settings) template(name, value, letters string) (*template, error) {
	t, err := parseTemplate(s.get(name, value), letters)
	if err != nil {
		return nil, s.errorf(name, "%s: %v", name, err)
	}
	return t, nil
}
