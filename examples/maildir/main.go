// Command maildir looks after the mail of an account that lies in a folder as Dovecot keeps it:
//
//	maildir list /home/an/Maildir
//	maildir fsck [-repair] /home/an/Maildir
//	maildir import [-format auto|mbox|maildir|eml] [-into Old] [-token T] /home/an/Maildir old.mbox
//	maildir export [-format mbox|maildir|eml] [-mailbox Lists] [-token T] /home/an/Maildir folder
//
// import and export tell every batch what is done, and on Ctrl-C, or when something fails, with which token to go on. The exit code is 0 when
// all is well, 1 when fsck leaves faults or something failed, 2 for a wrong command line, 130 after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes.
const (
	allWell     = 0
	failed      = 1
	wrongUsage  = 2
	interrupted = 130
)

// command is one of the program's.
type command struct {
	args, about string
	n           int // how many arguments
	setup       func(*flag.FlagSet) func(ctx context.Context, out *output, args []string) error
}

var commands = map[string]command{
	"list":   {"maildir", "Lists the mailboxes with their messages, those unseen, and their size.", 1, list},
	"fsck":   {"maildir", "Tells what is wrong with the files, a line each. Changes nothing without -repair.", 1, fsck},
	"import": {"maildir source", "Brings an mbox file, a folder of mbox files, a Maildir tree or a folder of .eml files into the account.", 2, importMail},
	"export": {"maildir folder", "Writes the account's mail as mbox files, a Maildir tree or .eml files into a folder.", 2, exportMail},
}

// output is where a command writes.
type output struct{ out, err io.Writer }

// errFaults says that fsck has left something.
var errFaults = errors.New("there are faults")

// errUsage is a wrong command line.
var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		usage(stderr)
		if len(args) == 0 {
			return wrongUsage
		}
		return allWell
	}
	c, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "maildir: there is no command %q\n", args[0])
		usage(stderr)
		return wrongUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: maildir %s [flags] %s\n%s\n", args[0], c.args, c.about)
		flags.PrintDefaults()
	}
	do := c.setup(flags)
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return allWell
	case err != nil:
		return wrongUsage
	}
	if flags.NArg() != c.n {
		flags.Usage()
		return wrongUsage
	}
	err := do(ctx, &output{stdout, stderr}, flags.Args())
	switch {
	case err == nil:
		return allWell
	case errors.Is(err, errFaults):
		return failed
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		fmt.Fprintf(stderr, "maildir: interrupted\n")
		return interrupted
	}
	fmt.Fprintf(stderr, "maildir: %v\n", err)
	if errors.Is(err, errUsage) {
		return wrongUsage
	}
	return failed
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: maildir command [flags] arguments; maildir command -h tells more")
	for _, name := range []string{"list", "fsck", "import", "export"} {
		fmt.Fprintf(w, "  %-8s %s\n           %s\n", name, commands[name].args, commands[name].about)
	}
}

// theOnly is the name of the account in a store of one.
const theOnly = "account"

// codecs read compressed messages, besides gzip and bzip2.
var codecs = []compress.Codec{zstd.Codec(0)}

// store is a store whose one account lies in a folder.
func store(dir string, must bool) *maildir.Store {
	return &maildir.Store{PathFunc: func(string) (string, error) { return dir, nil }, MustExist: must, Poll: -1, Codecs: codecs}
}

func open(ctx context.Context, dir string, must bool) (mail.Account, error) {
	a, err := store(dir, must).Account(ctx, theOnly)
	if errors.Is(err, mail.ErrNoAccount) {
		err = fmt.Errorf("there is no folder %s", dir)
	}
	return a, err
}
