package lookup

import (
	"context"
	"fmt"
	"iter"
	"unicode/utf8"
)

// guarded holds keys and values to what Postfix allows around every type of table.
type guarded struct {
	table      Table
	name       string
	key, value int
	bytes      bool
}

func (g *guarded) Find(ctx context.Context, key string) (string, bool, error) {
	// A key that is no UTF-8 is in no table, and not worth asking a server for.
	if len(key) > g.key || !g.bytes && !utf8.ValidString(key) {
		return "", false, nil
	}
	value, found, err := g.table.Find(ctx, key)
	switch {
	case err != nil:
		return "", false, &TableError{g.name, err}
	case !found:
		return "", false, nil
	case len(value) > g.value:
		return "", false, &TableError{g.name, fmt.Errorf("a value of %d octets: %w", len(value), ErrLimit)}
	case !g.bytes && !utf8.ValidString(value):
		return "", false, &TableError{g.name, fmt.Errorf("the value is not UTF-8")}
	}
	return value, true, nil
}

func (g *guarded) All(ctx context.Context) iter.Seq2[Entry, error] {
	if s, ok := g.table.(Sequencer); ok {
		return s.All(ctx)
	}
	return func(yield func(Entry, error) bool) { yield(Entry{}, &TableError{g.name, ErrNoSequence}) }
}

func (g *guarded) Pattern() bool { return IsPattern(g.table) }

func (g *guarded) Close() error { return Close(g.table) }

// String is the table's "type:name".
func (g *guarded) String() string { return g.name }
