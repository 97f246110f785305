package signed

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// TXT looks up text records.
type TXT interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Temporary is an error that trying later may help.
type Temporary struct{ Err error }

func (t *Temporary) Error() string { return t.Err.Error() }

// Unwrap returns the cause.
func (t *Temporary) Unwrap() error { return t.Err }

// NotFound reports whether a lookup's error means that there is no such record.
func NotFound(err error) bool {
	var d *net.DNSError
	return errors.As(err, &d) && d.IsNotFound
}

// Key is a key record (RFC 6376 section 3.6.1).
type Key struct {
	Public  crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey
	Type    string           // k=: "rsa", "ed25519"
	Hashes  []string         // h=; nil: all
	Testing bool             // t=y
	Strict  bool             // t=s: i= has just the domain of d=
	Bits    int              // of an RSA key
}

// The reasons why a key record can't be used.
var (
	ErrNoKey    = errors.New("no key for signature")
	ErrRevoked  = errors.New("key revoked")
	ErrBadKey   = errors.New("key syntax error")
	ErrService  = errors.New("key is not for mail")
	ErrKeyType  = errors.New("key of an unknown type")
	ErrShortKey = errors.New("key too short")
	ErrLongKey  = errors.New("key too long")
)

// ParseKey reads a key record. maxBits bounds an RSA key; fewer than 1024 bits are never good (RFC 8301 section 3.2).
func ParseKey(record string, maxBits int) (*Key, error) {
	t, err := ParseTags(record)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	if v, ok := t["v"]; ok {
		first, _, _ := strings.Cut(record, "=")
		if v != "DKIM1" || strings.Trim(first, fws) != "v" {
			return nil, fmt.Errorf("%w: v= is not DKIM1, or not first", ErrBadKey)
		}
	}
	k := &Key{Type: "rsa"}
	if s, ok := t["k"]; ok {
		k.Type = s
	}
	if s, ok := t["h"]; ok {
		k.Hashes = append([]string{}, List(s)...) // an empty one allows none (RFC 6376 section 3.2)
	}
	if s, ok := t["s"]; ok {
		if list := List(s); !slices.Contains(list, "*") && !slices.Contains(list, "email") {
			return nil, ErrService
		}
	}
	for _, f := range List(t["t"]) {
		k.Testing = k.Testing || f == "y"
		k.Strict = k.Strict || f == "s"
	}
	p, ok := t["p"]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: no p=", ErrBadKey)
	case p == "":
		return nil, ErrRevoked
	}
	der, err := base64.StdEncoding.DecodeString(NoSpace(p))
	if err != nil {
		return nil, fmt.Errorf("%w: p= is no base64", ErrBadKey)
	}
	return k, k.set(der, maxBits)
}

func (k *Key) set(der []byte, maxBits int) error {
	switch k.Type {
	case "rsa":
		var pub *rsa.PublicKey
		if any, err := x509.ParsePKIXPublicKey(der); err == nil {
			pub, _ = any.(*rsa.PublicKey)
		} else if pub, err = x509.ParsePKCS1PublicKey(der); err != nil { // as RFC 6376 section 3.6.1 says, and few do
			return fmt.Errorf("%w: p= is no RSA key", ErrBadKey)
		}
		if pub == nil {
			return fmt.Errorf("%w: p= is no RSA key", ErrBadKey)
		}
		k.Public, k.Bits = pub, pub.N.BitLen()
		if k.Bits < 1024 {
			return ErrShortKey
		}
		if k.Bits > maxBits {
			return ErrLongKey
		}
	case "ed25519":
		if len(der) != ed25519.PublicKeySize { // RFC 8463 section 4.2: the key itself, no wrapping
			return fmt.Errorf("%w: p= has not the length of an Ed25519 key", ErrBadKey)
		}
		k.Public = ed25519.PublicKey(der)
	default:
		return ErrKeyType
	}
	return nil
}

// Check verifies a signature over a hash.
func (k *Key) Check(hash, sig []byte) bool {
	switch pub := k.Public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, hash, sig) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(pub, hash, sig) // RFC 8463 section 3: PureEdDSA over the SHA-256
	}
	return false
}

// LookupKeys gets the keys of a selector, at most three: some domains publish more than one record, and RFC 6376 section
// 6.1.2 lets us try them. An error that isn't *Temporary is permanent.
func LookupKeys(ctx context.Context, r TXT, selector, domain string, maxBits int) ([]*Key, error) {
	name, err := ASCIIName(selector + "._domainkey." + domain)
	if err != nil {
		return nil, ErrNoKey
	}
	list, err := r.LookupTXT(ctx, name+".") // from the root, not below our own domain
	switch {
	case NotFound(err):
		return nil, ErrNoKey
	case err != nil:
		return nil, &Temporary{err}
	}
	var keys []*Key
	bad := ErrNoKey
	for _, rec := range list[:min(len(list), 3)] {
		k, err := ParseKey(rec, maxBits)
		if err != nil {
			bad = err
			continue
		}
		keys = append(keys, k)
	}
	if keys == nil {
		return nil, bad
	}
	return keys, nil
}

// Algorithm returns a= for a key.
func Algorithm(key crypto.Signer) (string, error) {
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		if pub.N.BitLen() < 1024 {
			return "", ErrShortKey
		}
		return "rsa-sha256", nil
	case ed25519.PublicKey:
		return "ed25519-sha256", nil
	}
	return "", ErrKeyType
}

// Sign signs a hash.
func Sign(key crypto.Signer, hash []byte) ([]byte, error) {
	if _, ok := key.Public().(ed25519.PublicKey); ok {
		return key.Sign(rand.Reader, hash, crypto.Hash(0))
	}
	return key.Sign(rand.Reader, hash, crypto.SHA256)
}
