package lookup

import (
	"context"
	"fmt"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openInline opens inline:{ key=value, { key = text with spaces } }: a table that stands in main.cf itself. Of a key that comes twice the
// last value holds.
func openInline(_ context.Context, name string, o *Options) (Table, error) {
	list, err := source.Braced(name)
	if err != nil {
		return nil, fmt.Errorf("%w; need inline:{name=value…}", err)
	}
	entries := map[string]string{}
	var order []string
	for _, member := range source.Fields(list) {
		if member[0] == '{' {
			if member, err = source.Braced(member); err != nil {
				return nil, err
			}
		}
		key, value, err := source.NameValue(member)
		if err != nil {
			return nil, fmt.Errorf("%w; need inline:{name=value…}, with { name = value } where the value has spaces or commas", err)
		}
		if !o.NoFold {
			key = fold(key, o.NoUTF8)
		}
		if _, ok := entries[key]; !ok {
			order = append(order, key)
		}
		entries[key] = value
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("no entries between the braces; need inline:{name=value…}")
	}
	b := newArena(len(name))
	for _, key := range order {
		if _, err := b.add(key, entries[key]); err != nil {
			return nil, err
		}
	}
	return &textTable{entries: b.done(), noFold: o.NoFold, octets: o.NoUTF8}, nil
}
