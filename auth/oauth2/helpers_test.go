package oauth2_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/auth/oauth2"
)

var now = time.Unix(1_800_000_000, 0)

// keyring has a private key for each algorithm, the same for all tests.
var keyring = sync.OnceValue(func() map[string]any {
	must := func(k any, err error) any {
		if err != nil {
			panic(err)
		}
		return k
	}
	r := must(rsa.GenerateKey(rand.Reader, 2048))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	secret := []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	return map[string]any{
		"RS256": r, "RS384": r, "RS512": r, "PS256": r, "PS384": r, "PS512": r, "HS256": secret, "HS384": secret, "HS512": secret, "EdDSA": must(ed, err),
		"ES256": must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), "ES384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"ES512": must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
	}
})

func public(k any) any {
	switch k := k.(type) {
	case *rsa.PrivateKey:
		return &k.PublicKey
	case *ecdsa.PrivateKey:
		return &k.PublicKey
	case ed25519.PrivateKey:
		return k.Public()
	}
	return k
}

// ring is the keyring as [oauth2.Keys]: the key's ID is the algorithm.
func ring(_ context.Context, use oauth2.KeyUse) ([]oauth2.Key, error) {
	if use.ID == "" {
		use.ID = use.Algorithm
	}
	if k := keyring()[use.ID]; k != nil {
		return []oauth2.Key{{Public: public(k)}}, nil
	}
	return nil, nil
}

type keysFunc func(context.Context, oauth2.KeyUse) ([]oauth2.Key, error)

func (f keysFunc) Keys(ctx context.Context, use oauth2.KeyUse) ([]oauth2.Key, error) {
	return f(ctx, use)
}

type object = map[string]any

// claims are good ones with some changed; nil takes one away.
func claims(change object) object {
	c := object{"iss": "https://id.test", "sub": "7", "email": "alice@example.org", "aud": []string{"mail", "other"}, "scope": "openid mail",
		"iat": now.Unix() - 10, "nbf": now.Unix() - 10, "exp": now.Unix() + 60}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign makes a token; header is added to what it needs.
func sign(t testing.TB, alg string, header object, c any) string {
	t.Helper()
	o := new(jose.SignerOptions)
	for n, v := range header {
		o.WithHeader(jose.HeaderKey(n), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: keyring()[alg]}, o)
	require.NoError(t, err)
	b, err := json.Marshal(c)
	require.NoError(t, err)
	signed, err := s.Sign(b)
	require.NoError(t, err)
	out, err := signed.CompactSerialize()
	require.NoError(t, err)
	return out
}

func part(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// altered changes a part of a token.
func altered(token string, n int, to string) string {
	p := strings.Split(token, ".")
	p[n] = to
	return strings.Join(p, ".")
}
