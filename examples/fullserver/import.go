package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/buuta/mail/examples/fullserver/doveconf"
	"github.com/buuta/mail/examples/fullserver/takeover"
)

const importUsage = `usage: import postfix-dovecot [-config /etc/postfix] [-dovecot dovecot.conf] [-doveconf file|-] [-out /etc/fullserver] [-data /var/lib/fullserver]
                              [-set name=value]... [-without name]... [-check] [-all]
       import postfix-dovecot [the same] -take-over [-n] [-drain 1m] [-start command] [-stop command]
       import postfix-dovecot [the same] -give-back [-n] [-drain 1m] [-stop command]

Reads an installed Postfix and Dovecot, says what is the same, what will differ and what is in the way, and writes the configuration that
takes their place over the same mailboxes. Nothing of theirs is changed.

  -config     the folder of main.cf and master.cf
  -dovecot    Dovecot's configuration, where it isn't Dovecot's own
  -doveconf   what "doveconf -N -P" has printed, for a pair on another machine; -: standard input
  -out        the folder of the new main.cf
  -data       data_directory of the new main.cf
  -set        a parameter of the new main.cf, stronger than all others
  -without    a parameter that is left out of it
  -check      write nothing
  -all        list what is the same and what is carried over, too
  -take-over  drain the queue, stop the pair, move what is left of the queue, start the server; when a step fails all of it is taken back
  -give-back  drain the queue, stop the server, move what is left of the queue to Postfix, start the pair
  -n          only say what would be done
  -drain      how long to wait for mail in the queue to be delivered before the rest is moved
  -start      the command that starts the server; without it systemd does, and where there is none the program starts itself
  -stop       the command that stops it
Exit status: 0, or 1 when something is in the way or has failed.
`

// importCommand is "fullserver import".
func importCommand(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o takeover.Options
	var set, without names
	var file string
	c := takeover.Change{Said: stdout}
	var check, all, over, back bool
	fs := flag.NewFlagSet("import", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.Postfix, "config", "/etc/postfix", "")
	fs.StringVar(&o.Dovecot, "dovecot", "", "")
	fs.StringVar(&file, "doveconf", "", "")
	fs.StringVar(&o.Out, "out", "/etc/fullserver", "")
	fs.StringVar(&o.Data, "data", "/var/lib/fullserver", "")
	fs.Var(&set, "set", "")
	fs.Var(&without, "without", "")
	fs.BoolVar(&check, "check", false, "")
	fs.BoolVar(&all, "all", false, "")
	fs.BoolVar(&over, "take-over", false, "")
	fs.BoolVar(&back, "give-back", false, "")
	fs.BoolVar(&c.DryRun, "n", false, "")
	fs.DurationVar(&c.Drain, "drain", time.Minute, "")
	fs.StringVar(&c.Start, "start", "", "")
	fs.StringVar(&c.Stop, "stop", "", "")
	var err error
	if len(args) > 0 && args[0] == "postfix-dovecot" {
		err = fs.Parse(args[1:])
	} else if err = fs.Parse(args); err == nil {
		err = errors.New("say what is imported")
	}
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, importUsage)
		return 0
	} else if err != nil || fs.NArg() > 0 || over && back || (over || back) && (check || file != "") || c.DryRun && !over && !back {
		fmt.Fprint(stderr, importUsage)
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintf(stderr, "import: %v\n", err)
		return 1
	}
	for _, dir := range []*string{&o.Postfix, &o.Out, &o.Data} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return fail(err)
		}
		*dir = abs
	}
	o.Set, o.Without = set, without
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.Doveconf, err = dovecotOf(ctx, file, o.Dovecot, stdin); err != nil {
		return fail(err)
	}
	o.Installed = file == ""
	c.Options = o
	if back {
		return change(ctx, &c, false, fail)
	}
	if c.Plan, err = takeover.Make(ctx, o); err != nil {
		return fail(err)
	}
	if over {
		return change(ctx, &c, true, fail)
	}
	if err := c.Plan.Findings.Write(stdout, all); err != nil {
		return fail(err)
	}
	if c.Plan.Count(takeover.Blocks) > 0 {
		fmt.Fprintln(stdout, "\nNothing was written.")
		return 1
	}
	if check {
		return 0
	}
	files, err := c.Plan.Write()
	if err != nil {
		return fail(err)
	}
	fmt.Fprintln(stdout, "\nWritten:")
	for _, f := range files {
		fmt.Fprintln(stdout, "  "+f)
	}
	fmt.Fprintf(stdout, "\nThen:\n  fullserver -c %s check\n  fullserver import postfix-dovecot … -take-over -n\n", files[len(files)-1])
	return 0
}

// dovecotOf reads what doveconf prints, or has printed.
func dovecotOf(ctx context.Context, file, config string, stdin io.Reader) (*doveconf.File, error) {
	switch file {
	case "":
		return doveconf.Run(ctx, config)
	case "-":
		return doveconf.Parse("doveconf", stdin, doveconf.Limits{})
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return doveconf.Parse(file, f, doveconf.Limits{})
}

// change takes over, or gives back.
func change(ctx context.Context, c *takeover.Change, over bool, fail func(error) int) int {
	var err error
	if c.Program, err = os.Executable(); err != nil {
		return fail(err)
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		c.Systemd = true
	}
	if over {
		if err := c.Plan.Findings.Write(c.Said, false); err != nil {
			return fail(err)
		}
		err = c.TakeOver(ctx)
	} else {
		err = c.GiveBack(ctx)
	}
	if err != nil {
		return fail(err)
	}
	if !c.DryRun {
		fmt.Fprintln(c.Said, "done")
	}
	return 0
}
