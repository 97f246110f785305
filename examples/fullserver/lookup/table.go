package lookup

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// A Table answers one string with another.
type Table interface {
	// Find returns what the table has for key; found is false where it has nothing. With an error nothing is known: what depends on
	// the answer has to wait, and a mail server replies 4xx. Tables may be asked from many goroutines.
	Find(ctx context.Context, key string) (value string, found bool, err error)
}

// TableFunc makes a Table of a function.
type TableFunc func(ctx context.Context, key string) (value string, found bool, err error)

// Find calls f.
func (f TableFunc) Find(ctx context.Context, key string) (string, bool, error) { return f(ctx, key) }

// A Sequencer is a table whose entries can be listed; the keys are as they are compared, folded for most types.
type Sequencer interface {
	All(ctx context.Context) iter.Seq2[Entry, error]
}

// An Entry is a key with its value.
type Entry struct{ Key, Value string }

// A Problem is something wrong with a table's text: an error, or, given to Options.Warn, what was left out because of it.
type Problem = source.Problem

var (
	// ErrUnknownType says that there is no such type of table.
	ErrUnknownType = errors.New("unknown table type")
	// ErrNoSequence says that a table's entries can't be listed.
	ErrNoSequence = errors.New("this type of table can't be listed")
	// ErrLimit says that something is longer or more than Limits allow.
	ErrLimit = errors.New("limit exceeded")
)

// A TableError is what Find fails with: the table's name as it stands in main.cf, and why.
type TableError struct {
	Table string // "type:name"
	Err   error
}

func (e *TableError) Error() string { return fmt.Sprintf("%s: %v", e.Table, e.Err) }

func (e *TableError) Unwrap() error { return e.Err }

// Close ends what a table holds: connections, files. Tables that hold nothing needn't be closed.
func Close(t Table) error {
	if c, ok := t.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}

// IsPattern says whether a table matches its keys by patterns. Postfix asks such tables for whole addresses and names only, never for
// a parent domain or a user without domain (regexp_table(5), TABLE SEARCH ORDER).
func IsPattern(t Table) bool {
	p, ok := t.(interface{ Pattern() bool })
	return ok && p.Pattern()
}
