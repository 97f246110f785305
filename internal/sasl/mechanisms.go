package sasl

import (
	"context"
	"maps"
	"slices"
	"strings"

	gosasl "github.com/emersion/go-sasl"
)

// serverMechanisms is the table of what the server's side can do, the strongest first.
func serverMechanisms() []mechanism {
	always := func(*Config) bool { return true }
	return []mechanism{
		{Plain, true, always, newPlain},
		{Login, true, always, newLogin},
	}
}

// extraNames returns the names of the server's own mechanisms in a fixed order.
func (c *Config) extraNames() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.Extra)), func(n string) bool { return !c.allowed(n) })
}

func (c *Config) extra(name string) *mechanism {
	name = strings.ToUpper(name)
	f, ok := c.Extra[name]
	if !ok {
		return nil
	}
	return &mechanism{name: name, start: func(e *Exchange) gosasl.Server {
		return extraServer(e.ctx, e, f)
	}}
}

func extraServer(ctx context.Context, e *Exchange, f func(context.Context, *Config) (gosasl.Server, IdentityFunc)) gosasl.Server {
	s, own := f(ctx, e.cfg)
	e.own = own
	return s
}
