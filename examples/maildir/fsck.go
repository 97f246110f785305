package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

func fsck(flags *flag.FlagSet) func(context.Context, *output, []string) error {
	repair := flags.Bool("repair", false, "put right what can be; messages are kept")
	verbose := flags.Bool("v", false, "tell which mailbox is looked at")
	return func(ctx context.Context, out *output, args []string) error {
		found := 0
		opts := &maildir.CheckOptions{Repair: *repair, Found: func(f maildir.Fault) {
			found++
			fmt.Fprintln(out.out, f)
		}}
		if *verbose {
			opts.Mailbox = func(name string) { fmt.Fprintln(out.err, "looking at", name) }
		}
		left, err := store(args[0], true).Check(ctx, theOnly, opts)
		if errors.Is(err, mail.ErrNoAccount) {
			return fmt.Errorf("there is no folder %s", args[0])
		}
		if err != nil {
			return err
		}
		switch {
		case found == 0:
			fmt.Fprintln(out.out, "no faults")
		case left == 0:
			fmt.Fprintf(out.out, "%d faults, all repaired\n", found)
		default:
			fmt.Fprintf(out.out, "%d faults, %d not repaired\n", found, left)
			return errFaults
		}
		return nil
	}
}
