package mx

import (
	"context"
	"net"
	"net/netip"
)

// Resolver is what is asked of the DNS. *net.Resolver is one. Errors are *net.DNSError, of which IsNotFound means that the
// name or its records don't exist, and anything else that trying later may help.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}
