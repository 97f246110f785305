package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// A List is some tables that are asked in turn.
type List struct {
	tables []Table
}

// NewList makes a List of tables.
func NewList(tables ...Table) *List { return &List{tables} }

// OpenList opens a list as it stands in main.cf: "hash:/etc/postfix/a, inline:{ a=b, c=d } cidr:/etc/postfix/c", with commas or white space
// between the tables and none outside of braces within them. An empty list finds nothing.
func OpenList(ctx context.Context, list string, o *Options) (*List, error) {
	tables, err := openAll(ctx, source.Fields(list), o.WithDefaults())
	return &List{tables}, err
}

// openAll opens all tables or none.
func openAll(ctx context.Context, specs []string, o *Options) ([]Table, error) {
	var tables []Table
	for _, spec := range specs {
		inner := *o // each counts its depth
		t, err := open(ctx, spec, &inner)
		if err != nil {
			closeAll(tables)
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// Find returns the answer of the first table that has one. A table that fails ends the search: what it would have said is not known. An
// empty answer is an error too, as in Postfix: "not found" is what has to be said by having no entry.
func (l *List) Find(ctx context.Context, key string) (string, bool, error) {
	if key == "" {
		return "", false, nil
	}
	return l.find(ctx, key, false)
}

// FindPart is Find for a part of a name, such as its domain: tables of patterns are passed over.
func (l *List) FindPart(ctx context.Context, key string) (string, bool, error) {
	if key == "" {
		return "", false, nil
	}
	return l.find(ctx, key, true)
}

func (l *List) find(ctx context.Context, key string, part bool) (string, bool, error) {
	for _, t := range l.tables {
		if part && IsPattern(t) {
			continue
		}
		value, found, err := t.Find(ctx, key)
		if err != nil {
			return "", false, err
		}
		if found && value == "" {
			return "", false, fmt.Errorf("%v: the result for %s is empty; a table must have no entry instead", t, source.Quote(key))
		}
		if found {
			return value, true, nil
		}
	}
	return "", false, nil
}

// Tables are the list's members.
func (l *List) Tables() []Table { return l.tables }

// Close closes all tables.
func (l *List) Close() error { return closeAll(l.tables) }

func closeAll(tables []Table) error {
	var errs []error
	for _, t := range tables {
		errs = append(errs, Close(t))
	}
	return errors.Join(errs...)
}
