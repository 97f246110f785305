package spf

import (
	"context"
	"net"
	"net/netip"
)

// The names that are asked for end in a dot: else a resolver may try them below its own domain (RFC 7208 section 4.3: domains
// "are implicitly qualified relative to the root").

func (e *eval) lookupTXT(ctx context.Context, name string) ([]string, error) {
	return e.c.Resolver.LookupTXT(ctx, name+".")
}

func (e *eval) lookupIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	return e.c.Resolver.LookupNetIP(ctx, network, name+".")
}

// lookupMX takes what is good of an answer: *net.Resolver returns an error beside the other records where one has a name that
// can't be a host's.
func (e *eval) lookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	list, err := e.c.Resolver.LookupMX(ctx, name+".")
	if len(list) > 0 {
		err = nil
	}
	return list, err
}

func (e *eval) lookupNames(ctx context.Context) ([]string, error) {
	list, err := e.c.Resolver.LookupAddr(ctx, e.ip.String())
	if len(list) > 0 {
		err = nil
	}
	return list, err
}
