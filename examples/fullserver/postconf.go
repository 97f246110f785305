package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/examples/fullserver/mastercf"
)

// postconf prints parameters, with Postfix's flags. Without a file and overrides it prints the demo's, if there is one.
func postconf(file string, over overrides, args []string, stdout, stderr io.Writer) error {
	flags := getopt.Flags{Without: "dFhHMnPvx"}
	opts, names, err := flags.Parse(args)
	if err != nil {
		return fmt.Errorf("postconf: %w; usage: postconf [-dhHnx] [name...] | -M|-F|-P [service/type...]", err)
	}
	var o config.PrintOptions
	var master byte
	for _, opt := range opts {
		switch opt.Letter {
		case 'd':
			o.Defaults = true
		case 'h':
			o.ValuesOnly = true
		case 'H':
			o.NamesOnly = true
		case 'n':
			o.OnlyGiven = true
		case 'x':
			o.Expanded = true
		case 'M', 'F', 'P':
			master = opt.Letter
		}
	}
	if o.Defaults && o.OnlyGiven {
		return errors.New("postconf: specify one of -d -n")
	}
	if file == "" && len(over) == 0 {
		file = demoConfig()
	}
	c, err := config.Load(config.Options{File: file, Overrides: over, Unchecked: true})
	if err != nil {
		return err
	}
	if master != 0 {
		return printMaster(c, master, names, stdout)
	}
	unknown, err := c.Print(stdout, o, names...)
	for _, w := range c.Warnings() {
		fmt.Fprintf(stderr, "postconf: warning: %v\n", w)
	}
	for _, u := range unknown {
		fmt.Fprintf(stderr, "postconf: warning: %s\n", u)
	}
	return err
}

// printMaster prints master.cf: its entries (-M), their fields (-F), or the parameters that services have of their own (-P).
func printMaster(c *config.Config, what byte, names []string, w io.Writer) error {
	services := c.Services()
	for _, n := range names {
		if !slices.ContainsFunc(services, func(s *mastercf.Service) bool { return named(s, n) }) {
			return fmt.Errorf("postconf: there is no service %q", n)
		}
	}
	for _, s := range services {
		if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return named(s, n) }) {
			continue
		}
		switch what {
		case 'M':
			fmt.Fprintln(w, s)
		case 'F':
			for _, f := range s.Fields() {
				fmt.Fprintf(w, "%s/%s = %s\n", s.Key(), f[0], f[1])
			}
		case 'P':
			own := slices.Clone(s.Overrides)
			slices.SortStableFunc(own, func(a, b mastercf.Override) int { return strings.Compare(a.Name, b.Name) })
			for _, o := range own {
				fmt.Fprintln(w, strings.TrimRight(s.Key()+"/"+o.Name+" = "+strings.Join(strings.Fields(o.Value), " "), " "))
			}
		}
	}
	return nil
}

// named reports whether "smtp/inet", or "smtp" alone, is a service.
func named(s *mastercf.Service, name string) bool { return s.Key() == name || s.Name == name }
