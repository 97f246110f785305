package lookup

import (
	"context"
	"strings"
)

// combined is what unionmap and pipemap have in common.
type combined struct {
	tables []Table
}

func openCombined(ctx context.Context, kind, name string, o *Options) (combined, error) {
	members, err := memberList(kind, name)
	if err != nil {
		return combined{}, err
	}
	tables, err := openAll(ctx, members, o)
	return combined{tables}, err
}

func (c combined) Close() error { return closeAll(c.tables) }

// Pattern: one table of patterns makes the whole one.
func (c combined) Pattern() bool {
	for _, t := range c.tables {
		if IsPattern(t) {
			return true
		}
	}
	return false
}

// openUnion opens unionmap:{ type:name, type:name }: the results of all that have one, with commas between them.
func openUnion(ctx context.Context, name string, o *Options) (Table, error) {
	c, err := openCombined(ctx, "unionmap", name, o)
	if err != nil {
		return nil, err
	}
	return union{c}, nil
}

type union struct{ combined }

func (u union) Find(ctx context.Context, key string) (string, bool, error) {
	var all []string
	for _, t := range u.tables {
		value, found, err := t.Find(ctx, key)
		if err != nil {
			return "", false, err
		}
		if found && value != "" {
			all = append(all, value)
		}
	}
	return strings.Join(all, ","), len(all) > 0, nil
}

// openPipe opens pipemap:{ type:name, type:name }: the first is asked for the key, each other for the result of the one before it.
func openPipe(ctx context.Context, name string, o *Options) (Table, error) {
	c, err := openCombined(ctx, "pipemap", name, o)
	if err != nil {
		return nil, err
	}
	return pipe{c}, nil
}

type pipe struct{ combined }

func (p pipe) Find(ctx context.Context, key string) (string, bool, error) {
	for _, t := range p.tables {
		value, found, err := t.Find(ctx, key)
		if err != nil || !found {
			return "", false, err
		}
		key = value
	}
	return key, true, nil
}
