// Package tablecmd is postmap and postalias, with Postfix's flags and words. Tables are read from their text, so there is nothing to make of it:
// without -q or -s the commands check it and say what is wrong.
package tablecmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// Env is what the commands work with.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Known reports whether there is a command of that name.
func Known(name string) bool { return name == "postmap" || name == "postalias" }

// words are what the command line says.
type words struct {
	query  string // -q
	asked  bool
	list   bool // -s
	noFold bool // -f
	tables []string
}

var errUsage = errors.New("usage")

// flags are Postfix's. Those about how a file is made mean nothing here and are taken.
var flags = getopt.Flags{With: "cdq", Without: "NUfinoprsuvw"}

func parse(args []string) (*words, error) {
	opts, tables, err := flags.Parse(args)
	if err != nil {
		return nil, errUsage
	}
	w := &words{tables: tables}
	for _, o := range opts {
		switch o.Letter {
		case 'd':
			return nil, errors.New("-d: tables are read from their text: take the line out of the file")
		case 'f':
			w.noFold = true
		case 'q':
			w.query, w.asked = o.Value, true
		case 's':
			w.list = true
		}
	}
	if len(tables) == 0 || w.asked && w.list {
		return nil, errUsage
	}
	return w, nil
}

// Run runs postmap or postalias and returns its exit status: 1 where nothing was found, or something went wrong.
func (e *Env) Run(ctx context.Context, name string, args []string) int {
	f, err := parse(args)
	if errors.Is(err, errUsage) {
		fmt.Fprintf(e.Stderr, "%s: fatal: usage: %s [-fsv] [-c config_dir] [-q key] [map_type:]file...\n", name, name)
		return 1
	}
	found := false
	if err == nil {
		o := &lookup.Options{DefaultType: "hash", Aliases: name == "postalias", NoFold: f.noFold, Warn: func(err error) { fmt.Fprintf(e.Stderr, "%s: warning: %v\n", name, err) }}
		switch {
		case f.asked && f.query == "-":
			found, err = e.queries(ctx, f, o)
		case f.asked:
			var value string
			if value, found, err = query(ctx, f, o, f.query); found {
				fmt.Fprintln(e.Stdout, value)
			}
		case f.list:
			found, err = true, e.list(ctx, f, o)
		default:
			found, err = true, check(ctx, f, o)
		}
	}
	if err != nil {
		fmt.Fprintf(e.Stderr, "%s: fatal: %v\n", name, err)
		return 1
	}
	if !found {
		return 1
	}
	return 0
}

// query asks the tables one after the other.
func query(ctx context.Context, f *words, o *lookup.Options, key string) (value string, found bool, err error) {
	for _, t := range f.tables {
		if value, found, err = lookup.Query(ctx, t, key, o); found || err != nil {
			return value, found, err
		}
	}
	return "", false, nil
}

// maxKey is how long a line of keys may be.
const maxKey = 64 << 10

// queries answers keys, a line each, with lines of a key and its value.
func (e *Env) queries(ctx context.Context, f *words, o *lookup.Options) (found bool, err error) {
	tables, err := lookup.OpenList(ctx, strings.Join(f.tables, ", "), o)
	if err != nil {
		return false, err
	}
	defer lookup.Close(tables)
	lines := bufio.NewScanner(e.Stdin)
	lines.Buffer(nil, maxKey)
	w := bufio.NewWriter(e.Stdout)
	for lines.Scan() {
		value, ok, err := tables.Find(ctx, lines.Text())
		if err != nil {
			return false, errors.Join(err, w.Flush())
		}
		if ok {
			found = true
			fmt.Fprintf(w, "%s\t%s\n", lines.Text(), value)
		}
	}
	return found, errors.Join(lines.Err(), w.Flush())
}

func (e *Env) list(ctx context.Context, f *words, o *lookup.Options) error {
	w := bufio.NewWriter(e.Stdout)
	for _, t := range f.tables {
		for entry, err := range lookup.Sequence(ctx, t, o) {
			if err != nil {
				return errors.Join(err, w.Flush())
			}
			fmt.Fprintf(w, "%s\t%s\n", entry.Key, entry.Value)
		}
	}
	return w.Flush()
}

func check(ctx context.Context, f *words, o *lookup.Options) error {
	for _, t := range f.tables {
		problems, err := lookup.Check(ctx, t, o)
		for _, p := range problems {
			o.Warn(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
