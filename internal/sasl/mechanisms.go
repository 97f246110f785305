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
		{SCRAMSHA256Plus, false, ableSCRAM(true), newSCRAM(scramSHA256, true)},
		{SCRAMSHA256, false, ableSCRAM(false), newSCRAM(scramSHA256, false)},
		{SCRAMSHA1Plus, false, ableSCRAM(true), newSCRAM(scramSHA1, true)},
		{SCRAMSHA1, false, ableSCRAM(false), newSCRAM(scramSHA1, false)},
		{External, false, hasCertificate, newExternal},
		{OAuthBearer, true, takesTokens, newBearer},
		{XOAuth2, true, takesTokens, newXOAuth},
		{CRAMMD5, false, hasPasswords, newCRAM},
		{Plain, true, always, newPlain},
		{Login, true, always, newLogin},
		{Anonymous, false, letsStrangersIn, newAnonymous},
	}
}

// clientMechanisms is the table of what the client's side can do, the best first.
func clientMechanisms() []clientMechanism {
	password := func(c *ClientConfig) bool {
		return c.Credentials.Username != "" && c.Credentials.Password != ""
	}
	own := func(c *ClientConfig) bool { return password(c) && c.Credentials.Authorize == "" }
	bound := func(c *ClientConfig) bool {
		_, _, ok := c.clientBinding()
		return ok && password(c)
	}
	token := func(c *ClientConfig) bool { return validToken(c.Credentials.Token) }
	return []clientMechanism{
		{External, false, func(c *ClientConfig) bool { return c.Credentials.Certificate && c.TLS != nil },
			func(c *ClientConfig) gosasl.Client { return gosasl.NewExternalClient(c.Credentials.Authorize) }},
		{SCRAMSHA256Plus, false, bound, newSCRAMClient(scramSHA256, true)},
		{SCRAMSHA1Plus, false, bound, newSCRAMClient(scramSHA1, true)},
		{SCRAMSHA256, false, password, newSCRAMClient(scramSHA256, false)},
		{SCRAMSHA1, false, password, newSCRAMClient(scramSHA1, false)},
		{OAuthBearer, true, token, newBearerClient},
		{XOAuth2, true, token, newXOAuthClient},
		{CRAMMD5, false, own, newCRAMClient},
		{Plain, true, password, func(c *ClientConfig) gosasl.Client {
			return gosasl.NewPlainClient(c.Credentials.Authorize, c.Credentials.Username, c.Credentials.Password)
		}},
		{Login, true, own, func(c *ClientConfig) gosasl.Client {
			return &loginClient{username: c.Credentials.Username, password: c.Credentials.Password}
		}},
		{Anonymous, false, func(c *ClientConfig) bool { return c.Credentials.Anonymous != nil },
			func(c *ClientConfig) gosasl.Client { return gosasl.NewAnonymousClient(*c.Credentials.Anonymous) }},
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
