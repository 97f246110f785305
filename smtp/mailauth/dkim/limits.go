package dkim

import (
	"context"
	"time"
)

// Resolver is what is asked of the DNS. *net.Resolver is one, and what package mx takes. Errors are *net.DNSError, of which
// IsNotFound means that there is no such record, and anything else that trying later may help.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Limits bounds what a message can cost. The zero value is safe; a negative number is taken as zero.
type Limits struct {
	// HeaderBytes bounds the header. 0: 1 MiB.
	HeaderBytes int
	// Signatures bounds how many are checked, from the top; one more that is Policy stands for all others. 0: 8.
	Signatures int
	// KeyBits is the longest RSA key that is used. 0: 4096. Below 1024 none ever is (RFC 8301 section 3.2).
	KeyBits int
	// HeaderFields bounds the names in h=, which may name what isn't there. 0: 300.
	HeaderFields int
	// LookupTime bounds one lookup of a key. 0: 10 s.
	LookupTime time.Duration
	// Skew is how far a signature's time may lie in the future. 0: 5 minutes.
	Skew time.Duration
}

// WithDefaults returns the limits with each zero replaced.
func (l Limits) WithDefaults() Limits {
	l.HeaderBytes = or(l.HeaderBytes, 1<<20)
	l.Signatures = or(l.Signatures, 8)
	l.KeyBits = or(l.KeyBits, 4096)
	l.HeaderFields = or(l.HeaderFields, 300)
	l.LookupTime = or(l.LookupTime, 10*time.Second)
	l.Skew = or(l.Skew, 5*time.Minute)
	return l
}

func or[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
