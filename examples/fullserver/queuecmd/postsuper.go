package queuecmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/queue"
)

const postsuperUsage = "postsuper [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] [-h queue_id (hold)]" +
	" [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] [-v (verbose)] [queue...]"

// action is what postsuper can do to messages.
type action struct {
	did    string // said of each message that was named
	total  string // of all together
	states []queue.State
	do     func(Queue, context.Context, queue.Filter) (int, error)
}

var (
	anywhere = []queue.State{queue.Incoming, queue.Active, queue.Deferred, queue.Held}
	unheld   = []queue.State{queue.Incoming, queue.Active, queue.Deferred}

	actions = map[byte]action{
		'd': {"removed", "Deleted", anywhere, Queue.Delete},
		'e': {"expired", "Force-expired", anywhere, Queue.Expire},
		'h': {"placed on hold", "Placed on hold", unheld, Queue.Hold},
		'H': {"released from hold", "Released from hold", []queue.State{queue.Held}, Queue.Release},
		'r': {"requeued", "Requeued", anywhere, Queue.Requeue},
	}
)

// postsuper is postsuper(1). There is nothing to purge or mend by -p and -s: the queue sees to that when it is opened.
func postsuper(ctx context.Context, e *Env, args []string) error {
	opts, rest, err := getopt.Flags{With: "cdefhHr", Without: "psSv"}.Parse(args)
	if err != nil {
		return usage(postsuperUsage)
	}
	var states []queue.State
	for _, s := range rest {
		if !slices.Contains(anywhere, queue.State(s)) {
			return fmt.Errorf("there is no queue %q; there are incoming, active, deferred and hold", oneLine(s))
		}
		states = append(states, queue.State(s))
	}
	for _, o := range opts {
		letters := []byte{o.Letter}
		if o.Letter == 'f' { // expire, and take from hold what is there
			letters = []byte("eH")
		}
		for _, l := range letters {
			if a, ok := actions[l]; ok {
				if err := e.super(ctx, a, o.Value, states); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// super does something to one message, to those whose IDs stand on standard input ("-"), or to ALL.
func (e *Env) super(ctx context.Context, a action, which string, states []queue.State) error {
	f := queue.Filter{States: a.states}
	if states != nil {
		f.States = slices.DeleteFunc(slices.Clone(states), func(s queue.State) bool { return !slices.Contains(a.states, s) })
	}
	n := 0
	var err error
	switch {
	case len(f.States) == 0:
	case which == "ALL":
		n, err = a.do(e.Queue, ctx, f)
	case which == "-":
		var ids []string
		if ids, err = readIDs(e.Stdin); err == nil {
			n, err = e.each(ctx, a, f, ids)
		}
	case !validID(which):
		return fmt.Errorf("invalid queue id: \"%s\"; an ID, ALL or - is wanted", oneLine(which))
	default:
		n, err = e.each(ctx, a, f, []string{which})
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stderr, "postsuper: %s: %d message%s\n", a.total, n, plural(n))
	return nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func (e *Env) each(ctx context.Context, a action, f queue.Filter, ids []string) (total int, err error) {
	for _, id := range ids {
		f.IDs = []string{id}
		n, err := a.do(e.Queue, ctx, f)
		if err != nil {
			return total, err
		}
		if n > 0 {
			fmt.Fprintf(e.Stderr, "postsuper: %s: %s\n", id, a.did)
			total += n
		}
	}
	return total, nil
}
