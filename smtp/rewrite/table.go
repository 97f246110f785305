package rewrite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail"
)

// A Table answers one string with another. With an error nothing is known. It may be asked by many goroutines.
type Table interface {
	Find(ctx context.Context, key string) (value string, found bool, err error)
}

// A PartTable is a Table that is told when what it is asked for is a piece of an address, such as its domain: tables of patterns answer nothing then
// (regexp_table(5)).
type PartTable interface {
	Table
	FindPart(ctx context.Context, key string) (value string, found bool, err error)
}

// Map is a Table in memory. Its keys are in lower case.
type Map map[string]string

// Find implements Table.
func (m Map) Find(_ context.Context, key string) (string, bool, error) {
	value, ok := m[strings.ToLower(key)]
	return value, ok, nil
}

// A LookupError is a table that failed.
type LookupError struct {
	Table   string // the parameter that names it
	Address string
	Err     error
}

func (e *LookupError) Error() string {
	return fmt.Sprintf("%s: looking up %s: %v", e.Table, e.Address, e.Err)
}
func (e *LookupError) Unwrap() error { return e.Err }

// A LoopError is what tables lead to that have no end, or one that is too far away.
type LoopError struct {
	Table string   // the parameter that names it
	Chain []string // the addresses, from the first one to where it was given up; shortened when it is a long one
	Limit string   // the parameter whose limit was reached
}

func (e *LoopError) Error() string {
	return fmt.Sprintf("%s: %s has no end (%s): take one of these lines out of the table", e.Table, strings.Join(e.Chain, " -> "), e.Limit)
}

// ReplyOf returns what a client is told of an error of this package: 451, with Postfix's words.
func ReplyOf(address string, err error) *mail.Reply {
	if r, ok := errors.AsType[*mail.Reply](err); ok {
		return r
	}
	if _, ok := errors.AsType[*LoopError](err); ok {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 6, 0}, Text: "Alias expansion error", Err: err}
	}
	return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "<" + address + ">: Temporary lookup failure", Err: err}
}

// named is a table with the parameter that names it, for errors.
type named struct {
	Table
	name string
}

func (n named) find(ctx context.Context, key string, part bool) (string, bool, error) {
	if key == "" {
		return "", false, nil
	}
	var value string
	var found bool
	var err error
	if p, ok := n.Table.(PartTable); ok && part {
		value, found, err = p.FindPart(ctx, key)
	} else {
		value, found, err = n.Find(ctx, key)
	}
	if err != nil {
		return "", false, &LookupError{Table: n.name, Address: key, Err: err}
	}
	return value, found, nil
}
