package queuecmd

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/queue"
)

const postqueueUsage = "postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site"

// postqueue is postqueue(1): -p lists, -j lists as JSON, -f has all tried now, -i one message, -s those for a domain.
func postqueue(ctx context.Context, e *Env, args []string) error {
	opts, rest, err := getopt.Flags{With: "cis", Without: "fjpv"}.Parse(args)
	ok := err == nil
	mode := getopt.Option{}
	for _, o := range opts {
		switch o.Letter {
		case 'c', 'v':
		default:
			ok = ok && mode.Letter == 0
			mode = o
		}
	}
	if !ok || len(rest) > 0 {
		return usage(postqueueUsage)
	}
	switch mode.Letter {
	case 'p':
		return e.list(ctx)
	case 'j':
		return queue.WriteJSON(e.Stdout, withoutCorrupt(e.Queue.List(ctx, queue.Filter{})))
	case 'f':
		_, err := e.Queue.Flush(ctx, queue.Filter{})
		return err
	case 'i':
		if !validID(mode.Value) {
			return unavailable("Cannot flush queue ID - invalid name: \"%s\"", oneLine(mode.Value))
		}
		f := queue.Filter{IDs: []string{mode.Value}}
		if n, err := e.Queue.Flush(ctx, f); err != nil || n > 0 {
			return err
		}
		for range e.Queue.List(ctx, f) {
			return nil // it is due already, or on hold
		}
		return unavailable("Cannot flush queue ID %s: it is not in the queue", mode.Value)
	case 's':
		if mode.Value == "" || mode.Value == "." {
			return unavailable("Cannot flush mail queue - invalid destination: \"%s\"", mode.Value)
		}
		_, err := e.Queue.Flush(ctx, queue.Filter{Destination: mode.Value})
		return err
	}
	return usage(postqueueUsage)
}

func withoutCorrupt(list iter.Seq2[queue.Entry, error]) iter.Seq2[queue.Entry, error] {
	return func(yield func(queue.Entry, error) bool) {
		for e, err := range list {
			if (err != nil || e.Message != nil) && !yield(e, err) {
				return
			}
		}
	}
}

// validID reports whether a word can be a queue ID at all.
func validID(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// readIDs reads a list of IDs, a line each, as "-" asks for.
func readIDs(r io.Reader) ([]string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxIDs))
	if err != nil {
		return nil, err
	}
	if len(b) == maxIDs {
		return nil, unavailable("more IDs on standard input than %d octets", maxIDs)
	}
	var out []string
	for id := range strings.FieldsSeq(string(b)) {
		if validID(id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// maxIDs is how long a list of IDs may be.
const maxIDs = 16 << 20
