package lookup

import (
	"context"
	"fmt"
	"iter"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// Query asks a table as "postmap -q key type:name" does: an empty answer is found, and o.Warn is told of it. postmap exits with
// status 1 where found is false.
func Query(ctx context.Context, spec, key string, o *Options) (value string, found bool, err error) {
	t, err := Open(ctx, spec, o)
	if err != nil {
		return "", false, err
	}
	defer Close(t)
	value, found, err = t.Find(ctx, key)
	if found && value == "" {
		o.WithDefaults().Warn(fmt.Errorf("%v: the result for %s is empty; a table must have no entry instead", t, source.Quote(key)))
	}
	return value, found, err
}

// Sequence lists a table as "postmap -s type:name" does, in the order of the text. Tables of patterns and those that a server has can't be
// listed: the error is ErrNoSequence.
func Sequence(ctx context.Context, spec string, o *Options) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		t, err := Open(ctx, spec, o)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer Close(t)
		for e, err := range t.(Sequencer).All(ctx) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// Check does what postmap, or postalias with o.Aliases, does when it makes a table: it reads the table and returns everything that is
// wrong with its text, in the order of the text, and last whether a database or directory doesn't answer. The error is why the table can't be used at all.
func Check(ctx context.Context, spec string, o *Options) ([]error, error) {
	inner := o.WithDefaults()
	var problems []error
	inner.Warn = func(err error) { problems = append(problems, err) }
	t, err := Open(ctx, spec, inner)
	if err != nil {
		return problems, err
	}
	if err := Ping(ctx, t); err != nil {
		problems = append(problems, err)
	}
	return problems, Close(t)
}
