package oauth2

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"
)

// Keys knows the keys that tokens are signed with. It may be used by many goroutines at once.
type Keys interface {
	// Keys returns the keys that may have made a signature; none where there is no such key. An error says that nobody knows now.
	Keys(ctx context.Context, use KeyUse) ([]Key, error)
}

// KeyUse is what a token says of its key. Nothing proves it yet.
type KeyUse struct {
	Algorithm string // "RS256"
	ID        string // "kid", "" when there is none
	Issuer    string // "iss"
	Party     string // "azp", the client that the token was made for
}

// Key is one key.
type Key struct {
	// Algorithm is the only one that it is for; "": all of its kind.
	Algorithm string
	// Public is an *rsa.PublicKey of at least 2048 bits, *ecdsa.PublicKey or ed25519.PublicKey, or for HS… the secret as []byte, at least as
	// long as the hash (RFC 7518 section 3.2).
	Public any
}

// curves are those of the algorithms (RFC 7518 section 3.4).
var curves = map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

// hashes are the lengths of HS…'s.
var hashes = map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}

// fits says why a key can't be used with an algorithm, nil when it can: a public key is never taken for a secret (RFC 8725 section 3.1).
func (k *Key) fits(alg string) error {
	if k.Algorithm != "" && k.Algorithm != alg {
		return fmt.Errorf("the key is for %s", k.Algorithm)
	}
	ok := false
	switch key := k.Public.(type) {
	case *rsa.PublicKey:
		if ok = strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS"); ok && key.N.BitLen() < 2048 { // RFC 7518 section 3.3
			return fmt.Errorf("an RSA key of %d bits is too short", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		ok = curves[alg] != "" && key.Curve.Params().Name == curves[alg]
	case ed25519.PublicKey:
		ok = alg == "EdDSA"
	case []byte:
		if ok = hashes[alg] > 0; ok && len(key) < hashes[alg] {
			return fmt.Errorf("a secret of %d octets is too short for %s", len(key), alg)
		}
	}
	if !ok {
		return fmt.Errorf("the key is none for %s", alg)
	}
	return nil
}

// AnyKeys asks several in turn until one has keys. A failure counts where no other one has them.
type AnyKeys []Keys

// Keys implements [Keys].
func (a AnyKeys) Keys(ctx context.Context, use KeyUse) ([]Key, error) {
	var failed error
	for _, k := range a {
		keys, err := k.Keys(ctx, use)
		if len(keys) > 0 {
			return keys, nil
		}
		if err != nil {
			failed = err
		}
	}
	return nil, failed
}
