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

// Policy says how much TLS a next hop gets.
type Policy struct {
	Level Level
}

// Level is a level of TLS, in the terms of Postfix's smtp_tls_security_level.
type Level int

// The levels.
const (
	LevelMay     Level = iota // opportunistic: STARTTLS when offered, any certificate; without TLS when that fails
	LevelNone                 // never TLS
	LevelEncrypt              // TLS or no delivery, any certificate
	LevelVerify               // TLS with a certificate for the mail exchanger's name
	LevelDANE                 // DANE (RFC 7672) where there are TLSA records, else LevelMay
)
