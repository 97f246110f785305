// Package config reads a main.cf in Postfix's syntax into typed settings. One table says which parameters there are,
// what they mean by default and which values they take; postconf's output, the checks and the commented main.cf that a
// first start writes all come from it.
//
// Nothing is half accepted: [Load] returns settings that are right in every parameter, or one [Error] that names the
// file, the line and the parameter.
package config

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/mastercf"
)

// Options say where the parameters come from. The zero value gives the defaults.
type Options struct {
	File      string   // main.cf; "" for none
	Master    string   // master.cf; "": the one beside File, if there is one; NoMaster for none
	Overrides []string // "name=value", each stronger than File and than those before it
	Hostname  string   // the machine's name; "" asks the system

	Unchecked bool // what is wrong with a value is a warning and no error: for those who only want to see what there is

	Interfaces []netip.Prefix // the machine's addresses and their networks, for mynetworks_style; nil asks the system
}

// Config is a set of parameters as given, expanded and checked.
type Config struct {
	Settings Settings

	params []Param
	given  map[string]entry  // what File and Overrides say
	values map[string]string // every parameter's value with its $names expanded
	usual  map[string]string // expanded defaults of those that may have no other value

	master     []*mastercf.Service
	masterFile string
	options    Options                       // that it was loaded with
	services   map[*mastercf.Service]*Config // what For has made

	unused   map[string]bool // names that are no parameters, and that nothing refers to
	warnings []*Error
}

// Warnings are what Postfix would only warn of: parameters that don't exist, that are set twice, or that change nothing here. They are in the order
// of the file.
func (c *Config) Warnings() []*Error { return c.warnings }

func (c *Config) warnf(e entry, param, format string, args ...any) {
	c.warnings = append(c.warnings, &Error{File: e.file, Line: e.line, Param: param, Reason: oneLine(fmt.Sprintf(format, args...))})
}

// entry is one parameter as it stands in a source.
type entry struct {
	text string
	file string // "" for the command line
	line int
}

// Error is a parameter that can't be used.
type Error struct {
	File   string // "" for the command line
	Line   int    // counted from 1; 0 when there is none
	Param  string // "" when the line could not be read so far
	Reason string
}

// Error writes "main.cf, line 12: smtp_listen: reason".
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.File == "" && e.Line == 0:
	case e.File == "":
		b.WriteString("command line: ")
	case e.Line == 0:
		b.WriteString(e.File + ": ")
	default:
		fmt.Fprintf(&b, "%s, line %d: ", e.File, e.Line)
	}
	if e.Param != "" {
		b.WriteString(e.Param + ": ")
	}
	return b.String() + e.Reason
}

// Load reads and checks.
func Load(o Options) (*Config, error) {
	c := &Config{params: Table(), given: map[string]entry{}, options: o}
	if o.File != "" {
		f, err := os.Open(o.File)
		if err != nil {
			return nil, &Error{File: o.File, Reason: reasonOf(err)}
		}
		defer f.Close()
		if err := c.read(o.File, f); err != nil {
			return nil, err
		}
	}
	for i, s := range o.Overrides {
		name, value, ok := strings.Cut(s, "=")
		name = strings.TrimSpace(name)
		if !ok || !validName(name) {
			return nil, &Error{Line: i + 1, Reason: fmt.Sprintf("%q is not of the form name=value", s)}
		}
		if b := control(value); b >= 0 {
			return nil, &Error{Line: i + 1, Param: name, Reason: fmt.Sprintf("control character 0x%02x", b)}
		}
		c.given[name] = entry{text: strings.TrimSpace(value), line: i + 1}
	}
	if err := c.readMaster(o); err != nil {
		return nil, err
	}
	if err := c.names(); err != nil {
		return nil, err
	}
	if err := c.expandAll(o); err != nil {
		return nil, err
	}
	return c, c.decode(o.Unchecked)
}

// Read is Load for a main.cf that is already open; name stands for it in errors.
func Read(name string, r io.Reader, hostname string) (*Config, error) {
	c := &Config{params: Table(), given: map[string]entry{}}
	if err := c.read(name, r); err != nil {
		return nil, err
	}
	if err := c.names(); err != nil {
		return nil, err
	}
	if err := c.expandAll(Options{Hostname: hostname}); err != nil {
		return nil, err
	}
	return c, c.decode(false)
}

// names checks that every name given is a parameter or one that the site made up and uses: "$name" somewhere, as
// Postfix allows.
func (c *Config) names() error {
	var unknown []string
	for name := range c.given {
		if c.param(name) == nil {
			unknown = append(unknown, name)
		}
	}
	used := map[string]bool{}
	for _, e := range c.given {
		for _, n := range references(e.text) {
			used[n] = true
		}
	}
	c.masterReferences(used)
	for _, class := range Members(c.given["smtpd_restriction_classes"].text) {
		used[class] = true
	}
	slices.SortFunc(unknown, func(a, b string) int { return c.given[a].line - c.given[b].line })
	for _, name := range unknown {
		e := c.given[name]
		if c.unused == nil {
			c.unused = map[string]bool{}
		}
		c.unused[name] = !used[name]
		switch {
		case used[name]:
		case e.file == "":
			return c.errorf(name, "unknown parameter%s", c.suggest(name))
		case PostfixKnows(name):
			c.warnf(e, "", "unused parameter: %s=%s; it is one of Postfix's that this server doesn't have", name, e.text)
		default:
			c.warnf(e, "", "unused parameter: %s=%s%s", name, e.text, c.suggest(name))
		}
	}
	return nil
}

// decode checks every value and puts it into Settings.
func (c *Config) decode(unchecked bool) error {
	for i := range c.params {
		p := &c.params[i]
		e, given := c.given[p.Name]
		if given && p.Inert != "" && e.text != p.Default {
			c.warnf(e, p.Name, "changes nothing here: %s", p.Inert)
		}
		err := p.refuse(c.values[p.Name], c.usual[p.Name])
		if err == nil {
			err = p.decode(&c.Settings, c.values[p.Name])
		}
		if err != nil && unchecked {
			c.warnf(e, p.Name, "%v", err)
		} else if err != nil {
			return c.errorf(p.Name, "%v", err)
		}
	}
	c.Settings.NetworkPatterns = netPatterns(c.values["mynetworks"])
	slices.SortStableFunc(c.warnings, func(a, b *Error) int { return a.Line - b.Line })
	for _, err := range []error{c.checkFilter(), c.checkMilters()} {
		if err != nil && !unchecked {
			return err
		}
	}
	return nil
}

// ErrorFor returns an error about a parameter that turned out unusable later, at the place where it was set.
func (c *Config) ErrorFor(name string, cause error) error {
	return c.errorf(name, "%s", reasonOf(cause))
}

func (c *Config) errorf(name, format string, args ...any) error {
	e := c.given[name]
	return &Error{File: e.file, Line: e.line, Param: name, Reason: oneLine(fmt.Sprintf(format, args...))}
}

// param returns the parameter called name, nil when there is none.
func (c *Config) param(name string) *Param {
	i, ok := slices.BinarySearchFunc(c.params, name, func(p Param, n string) int { return strings.Compare(p.Name, n) })
	if !ok {
		return nil
	}
	return &c.params[i]
}

// reasonOf drops the operation and the path that a file error repeats.
func reasonOf(err error) string {
	if os.IsNotExist(err) {
		return "no such file"
	}
	return oneLine(err.Error())
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
