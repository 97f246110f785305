package queuecmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/buuta/mail/queue"
)

const queueUsage = "queue pause domain... | queue resume domain... | queue paused | queue bounce queue_id..."

// queueSub is the command queue, which Postfix hasn't: "pause" stops attempts for recipients in domains, across restarts, while mail for
// them is accepted and waits; "resume" ends that and makes what waits due; "paused" lists the domains, one a line. "bounce" returns messages to their
// senders without a further attempt.
func queueSub(ctx context.Context, e *Env, args []string) error {
	if len(args) == 0 {
		return usage(queueUsage)
	}
	word, domains := args[0], args[1:]
	switch {
	case word == "paused" && len(domains) == 0:
		for _, d := range e.Queue.Paused() {
			fmt.Fprintln(e.Stdout, oneLine(d))
		}
		return nil
	case word == "bounce" && len(domains) > 0:
		return e.bounce(ctx, domains)
	case word != "pause" && word != "resume" || len(domains) == 0:
		return usage(queueUsage)
	}
	for _, d := range domains {
		if !validDomain(d) {
			return unavailable("\"%s\" is not a domain", oneLine(d))
		}
	}
	for _, d := range domains {
		d = strings.ToLower(d)
		was := slices.Contains(e.Queue.Paused(), d)
		if word == "pause" {
			if err := e.Queue.Pause(ctx, d); err != nil {
				return err
			}
			if !was {
				fmt.Fprintf(e.Stderr, "queue: %s: paused\n", d)
			}
			continue
		}
		n, err := e.Queue.Resume(ctx, d)
		if err != nil {
			return err
		}
		if was {
			fmt.Fprintf(e.Stderr, "queue: %s: resumed, %d message%s due\n", d, n, plural(n))
		}
	}
	return nil
}

// validDomain reports whether a word can be the domain of an address: the queue pauses by its exact spelling, in any case.
func validDomain(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsAny(s, "@/ <>\t\r\n\x00") && s[0] != '-' && s[0] != '.'
}

// Paused returns the domains that are paused, sorted; none when the list can't be read, which Pause and Resume tell.
func (s Stopped) Paused() []string {
	domains, err := s.Spool.Paused(context.Background())
	if err != nil {
		return nil
	}
	slices.Sort(domains)
	return domains
}

// Pause stops attempts for a domain once the server runs again.
func (s Stopped) Pause(ctx context.Context, domain string) error {
	return s.setPaused(ctx, func(all map[string]bool) { all[domain] = true })
}

// Resume ends a pause.
func (s Stopped) Resume(ctx context.Context, domain string) (int, error) {
	if err := s.setPaused(ctx, func(all map[string]bool) { delete(all, domain) }); err != nil {
		return 0, err
	}
	return s.Flush(ctx, queue.Filter{Destination: domain})
}

func (s Stopped) setPaused(ctx context.Context, change func(map[string]bool)) error {
	domains, err := s.Spool.Paused(ctx)
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, d := range domains {
		all[d] = true
	}
	change(all)
	return s.SetPaused(ctx, slices.Sorted(maps.Keys(all)))
}

func (e *Env) bounce(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if !validID(id) {
			return fmt.Errorf("invalid queue id: \"%s\"", oneLine(id))
		}
	}
	n, err := e.Queue.Bounce(ctx, queue.Filter{IDs: ids}, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "queue: Bounced: %d message%s\n", n, plural(n))
	return nil
}
