package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/mastercf"
)

// NoMaster as Options.Master is for those who have no master.cf, whatever lies beside main.cf.
const NoMaster = "-"

// readMaster reads master.cf, which may be missing, and adds the parameters of its transports.
func (c *Config) readMaster(o Options) error {
	file := o.Master
	switch {
	case file == NoMaster || file == "" && o.File == "":
		return nil
	case file == "":
		file = filepath.Join(filepath.Dir(o.File), "master.cf")
	}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) && o.Master == "" {
		return nil
	}
	if err != nil {
		return &Error{File: file, Reason: reasonOf(err)}
	}
	defer f.Close()
	list, err := mastercf.Read(file, f)
	if e, ok := errors.AsType[*mastercf.Error](err); ok {
		return &Error{File: e.File, Line: e.Line, Reason: e.Reason}
	}
	if err != nil {
		return err
	}
	c.master, c.masterFile = list, file
	c.addTransports()
	return nil
}

// Transports are the names of the ways that mail can go: those that are always there, and master.cf's.
func (c *Config) Transports() []string {
	out := slices.Clone(builtin)
	for _, s := range c.master {
		if s.Agent() && !slices.Contains(out, s.Name) {
			out = append(out, s.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Services are master.cf's; there are none without it.
func (c *Config) Services() []*mastercf.Service { return c.master }

// MasterFile is the master.cf that Services are from, "" without one.
func (c *Config) MasterFile() string { return c.masterFile }

// Disabled reports whether master_service_disable turns a service off.
func (c *Config) Disabled(s *mastercf.Service) bool {
	for _, m := range c.Settings.ServicesOff { // "foo/inet", "inet" for all of the type, "!foo/inet"
		not := strings.HasPrefix(m, "!")
		m = strings.TrimPrefix(m, "!")
		if m == s.Key() || m == s.Type {
			return !not
		}
	}
	return false
}

// MasterNotes are what there is to be told of master.cf without being an error: parameters that don't exist, and those that change nothing.
func (c *Config) MasterNotes() []error {
	var notes []error
	for _, s := range c.master {
		if s.Inside() && len(s.Overrides) > 0 {
			notes = append(notes, c.ServiceError(s, "", errors.New("the parameters of "+s.Command+"'s own change nothing here: it is a part of the server, for which main.cf speaks")))
			continue
		}
		if own, err := c.For(s); err == nil {
			for _, w := range own.Warnings() {
				notes = append(notes, w)
			}
		}
	}
	return notes
}

// ServiceError is an error about a service, at its place in master.cf.
func (c *Config) ServiceError(s *mastercf.Service, param string, cause error) error {
	return &Error{File: c.masterFile, Line: s.Line, Param: param, Reason: oneLine(cause.Error())}
}

// For returns the parameters as a service has them: main.cf's, with those of its own above. An error names the line in master.cf. It is not for several
// goroutines at once.
func (c *Config) For(s *mastercf.Service) (*Config, error) {
	if own := c.services[s]; own != nil {
		return own, nil
	}
	own, err := c.forService(s)
	if err != nil {
		return nil, err
	}
	if c.services == nil {
		c.services = map[*mastercf.Service]*Config{}
	}
	c.services[s] = own
	return own, nil
}

func (c *Config) forService(s *mastercf.Service) (*Config, error) {
	own := &Config{params: Table(), given: maps.Clone(c.given), master: c.master, masterFile: c.masterFile, options: c.options}
	own.addTransports()
	own.given["service_name"] = entry{text: s.Name, file: c.masterFile, line: s.Line}
	for _, o := range s.Overrides {
		own.given[o.Name] = entry{text: o.Value, file: c.masterFile, line: s.Line}
	}
	if err := own.names(); err != nil {
		return nil, err
	}
	if err := own.expandAll(c.options); err != nil {
		return nil, err
	}
	own.warnings = slices.DeleteFunc(own.warnings, func(e *Error) bool { return e.File != c.masterFile || strings.Contains(e.Reason, ": service_name=") })
	return own, own.decode(c.options.Unchecked)
}

// references of master.cf are uses of main.cf's own names.
func (c *Config) masterReferences(used map[string]bool) {
	for _, s := range c.master {
		for _, o := range s.Overrides {
			for _, n := range references(o.Value) {
				used[n] = true
			}
		}
	}
}
