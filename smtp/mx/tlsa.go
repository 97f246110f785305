package mx

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
)

// TLSA is a TLSA record (RFC 6698 section 2.1).
type TLSA struct {
	Usage        uint8 // 2 DANE-TA, 3 DANE-EE; the others can't be used for SMTP (RFC 7672 section 3.1.3)
	Selector     uint8 // 0 the certificate, 1 its public key
	MatchingType uint8 // 0 as it is, 1 SHA-256, 2 SHA-512
	Data         []byte
}

// SecureResolver is a [Resolver] that can tell which answers DNSSEC vouches for, so that DANE is possible (RFC 7672). secure
// must be false unless the answer, or that there is none, was validated: by the resolver itself, or by one it trusts, over
// a channel that nobody else can write to. An answer that fails validation is an error that is not IsNotFound.
//
// smtp/mx/dnssec has one.
type SecureResolver interface {
	Resolver
	LookupMXSecure(ctx context.Context, name string) (records []*net.MX, secure bool, err error)
	LookupNetIPSecure(ctx context.Context, network, host string) (addrs []netip.Addr, secure bool, err error)
	LookupTLSASecure(ctx context.Context, name string) (records []TLSA, secure bool, err error)
}

// usable reports whether a record can be used for SMTP, and is one that this package understands.
func (r TLSA) usable() bool {
	if r.Usage != 2 && r.Usage != 3 || r.Selector > 1 {
		return false
	}
	switch r.MatchingType {
	case 0:
		// A bare key of a trust anchor is of no use when the server doesn't send its certificate.
		return len(r.Data) > 0 && (r.Usage == 3 || r.Selector == 0)
	case 1:
		return len(r.Data) == sha256.Size
	case 2:
		return len(r.Data) == sha512.Size
	}
	return false
}

// matches reports whether the record stands for a certificate.
func (r TLSA) matches(c *x509.Certificate) bool {
	data := c.Raw
	if r.Selector == 1 {
		data = c.RawSubjectPublicKeyInfo
	}
	switch r.MatchingType {
	case 1:
		h := sha256.Sum256(data)
		data = h[:]
	case 2:
		h := sha512.Sum512(data)
		data = h[:]
	}
	return slices.Equal(data, r.Data)
}

var errDANE = errors.New("certificate does not match the TLSA records")

// verifyDANE checks a server's certificates against usable TLSA records (RFC 7672 section 3.1 and 3.2). For DANE-EE neither
// names nor dates count; for DANE-TA the chain must lead to the trust anchor and the certificate be for one of names.
func verifyDANE(state tls.ConnectionState, records []TLSA, names []string) error {
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return errDANE
	}
	roots, some := x509.NewCertPool(), false
	for _, r := range records {
		if !r.usable() {
			continue
		}
		if r.Usage == 3 {
			if r.matches(chain[0]) {
				return nil
			}
			continue
		}
		if r.MatchingType == 0 {
			if c, err := x509.ParseCertificate(r.Data); err == nil {
				roots.AddCert(c)
				some = true
			}
			continue
		}
		for _, c := range chain {
			if r.matches(c) {
				roots.AddCert(c)
				some = true
			}
		}
	}
	if !some {
		return errDANE
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	err := errDANE
	for _, name := range names {
		if _, err = chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: intermediates}); err == nil {
			return nil
		}
	}
	return errors.Join(errDANE, err)
}
