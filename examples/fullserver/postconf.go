package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/internal/getopt"
)

// postconf prints parameters, with Postfix's flags. Without a file and overrides it prints the demo's, if there is one.
func postconf(file string, over overrides, args []string, stdout, stderr io.Writer) error {
	flags := getopt.Flags{Without: "dhHnvx"}
	opts, names, err := flags.Parse(args)
	if err != nil {
		return fmt.Errorf("postconf: %w; usage: postconf [-dhHnx] [name...]", err)
	}
	var o config.PrintOptions
	for _, f := range opts {
		switch f.Letter {
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
	unknown, err := c.Print(stdout, o, names...)
	for _, w := range c.Warnings() {
		fmt.Fprintf(stderr, "postconf: warning: %v\n", w)
	}
	for _, u := range unknown {
		fmt.Fprintf(stderr, "postconf: warning: %s\n", u)
	}
	return err
}
