package main

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
)

func list(*flag.FlagSet) func(context.Context, *output, []string) error {
	return func(ctx context.Context, out *output, args []string) error {
		a, err := open(ctx, args[0], true)
		if err != nil {
			return err
		}
		defer a.Close()
		w := tabwriter.NewWriter(out.out, 0, 8, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "messages\tunseen\toctets\t  mailbox")
		for info, err := range a.Mailboxes(ctx) {
			if err != nil {
				return err
			}
			if info.NoSelect || info.NonExistent {
				continue
			}
			st, err := a.Status(ctx, info.Name)
			if err != nil {
				return fmt.Errorf("%s: %w", info.Name, err)
			}
			fmt.Fprintf(w, "%d\t%d\t%d\t  %s\n", st.Messages, st.Unseen, st.Size, info.Name)
		}
		return w.Flush()
	}
}
