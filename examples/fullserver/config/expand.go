package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxValue bounds a value after expansion: without it a chain of parameters that each name the one before twice
// would double with every step.
const maxValue = 1 << 20

// expander puts values in the place of $names.
type expander struct {
	c      *Config
	active []string // the parameters being expanded, outermost first
}

// expandAll fills c.values.
func (c *Config) expandAll(o Options) error {
	hostname := o.Hostname
	if hostname == "" {
		hostname, _ = os.Hostname()
	}
	c.values = map[string]string{}
	for i := range c.params {
		p := &c.params[i]
		switch p.Name { // what Postfix computes: two names, each from the other where only one is given, and where main.cf is
		case "myhostname":
			p.Default = fullHostname(hostname, c.given["mydomain"].text)
		case "mydomain":
			p.Default = ""
		case "config_directory":
			if dir, err := filepath.Abs(filepath.Dir(o.File)); o.File != "" && err == nil {
				p.Default = strings.ReplaceAll(dir, "$", "$$")
				delete(c.given, p.Name)
			}
		}
	}
	x := &expander{c: c}
	if _, given := c.given["mynetworks_style"]; given {
		style, err := x.value("mynetworks_style")
		if err != nil {
			return err
		}
		c.param("mynetworks").Default = networksOf(style, o.Interfaces)
	}
	c.usual = map[string]string{}
	for i := range c.params {
		if p := &c.params[i]; p.Refuse != "" && p.Raw {
			c.usual[p.Name] = p.Default
		} else if p.Refuse != "" {
			v, err := x.expand(p.Default, 0)
			if err != nil {
				return c.errorf(p.Name, "its default: %v", err)
			}
			c.usual[p.Name] = v
		}
		if _, err := x.value(c.params[i].Name); err != nil {
			return err
		}
	}
	for name := range c.given {
		if _, err := x.value(name); err != nil {
			return err
		}
	}
	return nil
}

// fullHostname completes a machine's name that has no domain as Postfix does: with $mydomain, else with localdomain.
func fullHostname(host, domain string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case host == "":
		host = "localhost"
	case strings.Contains(host, "."):
		return host
	}
	if domain == "" || strings.Contains(domain, "$") {
		domain = "localdomain"
	}
	return host + "." + domain
}

// value returns a parameter's expanded value.
func (x *expander) value(name string) (string, error) {
	if v, ok := x.c.values[name]; ok {
		return v, nil
	}
	for i, n := range x.active {
		if n == name {
			return "", x.c.errorf(name, "its value refers to itself: %s", strings.Join(slices.Concat(x.active[i:], []string{name}), " -> "))
		}
	}
	x.active = append(x.active, name)
	defer func() { x.active = x.active[:len(x.active)-1] }()
	text, err := x.text(name)
	if err != nil {
		return "", err
	}
	if p := x.c.param(name); p != nil && p.Raw {
		x.c.values[name] = text
		return text, nil
	}
	v, err := x.expand(text, 0)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); ok {
			return "", err
		}
		return "", x.c.errorf(name, "%v", err)
	}
	if name == "myorigin" && strings.HasPrefix(v, "/") {
		if v, err = firstLine(v); err != nil {
			return "", x.c.errorf(name, "%v", err)
		}
	}
	x.c.values[name] = v
	return v, nil
}

// firstLine reads a name from a file, as Debian's Postfix does for myorigin: /etc/mailname.
func firstLine(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %s", file, reasonOf(err))
	}
	defer f.Close()
	b := make([]byte, 1024)
	n, err := f.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%s: %s", file, reasonOf(err))
	}
	line, _, _ := strings.Cut(string(b[:n]), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s has no name in its first line", file)
	}
	return line, nil
}

// text returns what is given for a parameter, or its default.
func (x *expander) text(name string) (string, error) {
	if e, ok := x.c.given[name]; ok {
		return e.text, nil
	}
	if name == "mydomain" {
		host, err := x.value("myhostname")
		if err != nil {
			return "", err
		}
		if _, parent, ok := strings.Cut(host, "."); ok {
			return parent, nil
		}
		return "localdomain", nil
	}
	if p := x.c.param(name); p != nil {
		return p.Default, nil
	}
	return "", nil // one of Postfix's that isn't set
}

// known reports whether name has a value.
func (x *expander) known(name string) bool {
	_, given := x.c.given[name]
	return given || x.c.param(name) != nil || PostfixKnows(name)
}

// expand replaces $name, ${name} and $(name), the conditional forms of ${…}, and $$ in s.
func (x *expander) expand(s string, depth int) (string, error) {
	if depth > 20 {
		return "", errors.New("too deeply nested ${…}")
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		var out string
		var err error
		switch {
		case s != "" && s[0] == '$':
			out, s = "$", s[1:]
		case s != "" && (s[0] == '{' || s[0] == '('):
			inner, rest, ok := balanced(s)
			if !ok {
				return "", fmt.Errorf("missing %q", closing(s[0]))
			}
			s = rest
			out, err = x.braced(inner, depth+1)
		default:
			name := leadingName(s)
			if name == "" {
				return "", errors.New("a '$' that no name follows; write $$ for the character itself")
			}
			s = s[len(name):]
			out, err = x.plain(name)
		}
		if err != nil {
			return "", err
		}
		if b.WriteString(out); b.Len() > maxValue {
			return "", errors.New("value too long when expanded")
		}
	}
	return b.String(), nil
}

func (x *expander) plain(name string) (string, error) {
	if !x.known(name) {
		return "", fmt.Errorf("$%s: there is no such parameter%s", name, x.c.suggest(name))
	}
	return x.value(name)
}

// balanced splits s, which begins with a bracket, behind the bracket that closes it.
func balanced(s string) (inner, rest string, ok bool) {
	if s == "" || s[0] != '{' && s[0] != '(' {
		return "", "", false
	}
	open, end, depth := s[0], closing(s[0]), 0
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return s[1:i], s[i+1:], true
			}
		}
	}
	return "", "", false
}

func closing(open byte) byte {
	if open == '(' {
		return ')'
	}
	return '}'
}

func leadingName(s string) string {
	i := 0
	for i < len(s) && nameByte(s[i]) {
		i++
	}
	return s[:i]
}

// references returns the names that s mentions after a "$".
func references(s string) []string {
	var out []string
	for i := 0; i < len(s); i++ {
		if s[i] != '$' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '$' {
			i++
			continue
		}
		rest := strings.TrimLeft(s[i+1:], "{( \t")
		if n := leadingName(rest); n != "" {
			out = append(out, n)
		}
	}
	return out
}
