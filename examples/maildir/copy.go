package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail/maildir/archive"
)

// transfer is what import and export have in common.
type transfer struct {
	format, token string
	skip, quiet   bool
}

func (t *transfer) flags(flags *flag.FlagSet, formats, format string) {
	flags.StringVar(&t.format, "format", format, "`format`: "+formats)
	flags.StringVar(&t.token, "token", "", "go on from `token`, which an earlier run has told")
	flags.BoolVar(&t.skip, "skip", false, "leave out messages that can't be read or taken, and tell which")
	flags.BoolVar(&t.quiet, "q", false, "tell no progress")
}

func (t *transfer) run(ctx context.Context, out *output, dst archive.Target, src archive.Source, rename func(string) (string, bool)) error {
	opts := &archive.Options{Token: t.token, Rename: rename}
	if !t.quiet {
		opts.Progress = func(p archive.Progress) {
			fmt.Fprintf(out.err, "%d messages, %d octets, %s\n", p.Messages, p.Bytes, p.Mailbox)
		}
	}
	if t.skip {
		opts.Skip = func(e *archive.MessageError) error {
			fmt.Fprintln(out.err, "left out:", e)
			return nil
		}
	}
	p, err := archive.Copy(ctx, dst, src, opts)
	fmt.Fprintf(out.out, "%d messages copied, %d left out\n", p.Messages, p.Skipped)
	if err != nil && p.Token != "" {
		fmt.Fprintf(out.out, "go on with -token %s\n", p.Token)
	}
	return err
}

func importMail(flags *flag.FlagSet) func(context.Context, *output, []string) error {
	var t transfer
	t.flags(flags, "auto, mbox (with mboxrd, mboxo or mboxcl2 to say which), maildir or eml", "auto")
	into := flags.String("into", "", "put everything below `mailbox`")
	return func(ctx context.Context, out *output, args []string) error {
		src, err := source(args[1], t.format, *into)
		if err != nil {
			return err
		}
		defer src.Close()
		a, err := open(ctx, args[0], false)
		if err != nil {
			return err
		}
		defer a.Close()
		path, err := filepath.Abs(args[1])
		if err != nil {
			return err
		}
		dst := &archive.Account{Account: a, Origin: path}
		defer dst.Close()
		return t.run(ctx, out, dst, src, nil)
	}
}

// source opens what is to be imported.
func source(name, format, into string) (archive.Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	dir, file := name, "."
	if !info.IsDir() {
		dir, file = filepath.Split(name)
		if dir == "" {
			dir = "."
		}
	}
	files := os.DirFS(dir)
	if format == "auto" {
		format = guess(name, info.IsDir())
	}
	switch format {
	case "mbox":
		return archive.OpenMbox(files, file, into, archive.MboxAuto)
	case "mboxrd":
		return archive.OpenMbox(files, file, into, archive.MboxRD)
	case "mboxo":
		return archive.OpenMbox(files, file, into, archive.MboxO)
	case "mboxcl2":
		return archive.OpenMbox(files, file, into, archive.MboxCL2)
	case "maildir":
		m, err := archive.OpenMaildir(files, file, into)
		if err != nil {
			return nil, err
		}
		m.Codecs = codecs
		return m, nil
	case "eml":
		return archive.OpenEML(files, file, into)
	}
	return nil, fmt.Errorf("%w: there is no format %q", errUsage, format)
}

func guess(name string, dir bool) string {
	if !dir {
		return "mbox"
	}
	if _, err := os.Stat(filepath.Join(name, "cur")); err == nil {
		return "maildir"
	}
	format := "mbox"
	filepath.WalkDir(name, func(p string, _ os.DirEntry, err error) error { // what can't be read is told of later
		if err == nil && strings.EqualFold(filepath.Ext(p), ".eml") {
			format = "eml"
			return filepath.SkipAll
		}
		return nil
	})
	return format
}

func exportMail(flags *flag.FlagSet) func(context.Context, *output, []string) error {
	var t transfer
	t.flags(flags, "mbox, maildir or eml", "mbox")
	only := flags.String("mailbox", "", "only this `mailbox` and those below it")
	return func(ctx context.Context, out *output, args []string) error {
		a, err := open(ctx, args[0], true)
		if err != nil {
			return err
		}
		defer a.Close()
		dst, err := target(ctx, args[1], t.format, args[0])
		if err != nil {
			return err
		}
		src := &archive.Account{Account: a}
		defer src.Close()
		err = t.run(ctx, out, dst, src, func(name string) (string, bool) {
			return name, *only == "" || name == *only || strings.HasPrefix(name, *only+"/")
		})
		if cerr := dst.Close(); err == nil {
			err = cerr
		}
		return err
	}
}

// target makes the folder that is exported to.
func target(ctx context.Context, name, format, origin string) (archive.Target, error) {
	switch format {
	case "mbox", "eml", "maildir":
	default:
		return nil, fmt.Errorf("%w: there is no format %q", errUsage, format)
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	switch format {
	case "mbox":
		return archive.CreateMbox(name)
	case "eml":
		return archive.CreateEML(name)
	}
	a, err := open(ctx, name, false)
	if err != nil {
		return nil, err
	}
	return &closing{archive.Account{Account: a, Origin: origin}}, nil
}

// closing is an account that is closed with its copy.
type closing struct{ archive.Account }

func (c *closing) Close() error {
	err := c.Account.Close()
	if cerr := c.Account.Account.Close(); err == nil {
		err = cerr
	}
	return err
}
