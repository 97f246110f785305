package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// openStatic opens static:value or static:{ value with spaces }: the same answer to every key.
func openStatic(_ context.Context, name string, _ *Options) (Table, error) {
	if name != "" && name[0] == '{' {
		inner, err := source.Braced(name)
		if err != nil {
			return nil, err
		}
		name = inner
	}
	return TableFunc(func(context.Context, string) (string, bool, error) { return name, true, nil }), nil
}

var errFail = errors.New("this table always fails")

// openFail opens fail:name, which always fails: for tests.
func openFail(context.Context, string, *Options) (Table, error) {
	return pattern{TableFunc(func(context.Context, string) (string, bool, error) { return "", false, errFail })}, nil
}

// openRandom opens randmap:{ one, two }: one of them, chosen anew each time. Braces within it are not taken off.
func openRandom(_ context.Context, name string, o *Options) (Table, error) {
	members, err := memberList("randmap", name)
	if err != nil {
		return nil, err
	}
	return pattern{TableFunc(func(context.Context, string) (string, bool, error) { return members[o.IntN(len(members))], true, nil })}, nil
}

// openEnviron opens environ:, the process' environment.
func openEnviron(_ context.Context, _ string, o *Options) (Table, error) {
	return TableFunc(func(_ context.Context, key string) (string, bool, error) {
		if !o.NoFold {
			key = fold(key, o.NoUTF8)
		}
		value, found := o.Getenv(key)
		return value, found, nil
	}), nil
}

// pattern marks a table that answers by more than the key's text.
type pattern struct{ Table }

func (pattern) Pattern() bool { return true }

// memberList reads "{ member, member }".
func memberList(kind, name string) ([]string, error) {
	list, err := source.Braced(name)
	if err != nil {
		return nil, fmt.Errorf("%w; need %s:{member, member}", err, kind)
	}
	members := source.Fields(list)
	if len(members) == 0 {
		return nil, fmt.Errorf("nothing between the braces; need %s:{member, member}", kind)
	}
	return members, nil
}
