package oauth2

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// JWT is a [Verifier] of JSON Web Tokens that are signed (RFC 7519, RFC 7515), as access tokens by RFC 9068 are. A token must have "sub" and
// "exp".
type JWT struct {
	Keys Keys
	// Issuers are those whose tokens count, as "iss" says; empty: any whose key is among Keys.
	Issuers []string
	// Audience is what "aud" must have one of, as a rule the name under which the issuer knows this server (RFC 8725 section 3.9); empty:
	// whatever it has. Without it a token that was meant for another server counts here too.
	Audience []string
	// Scope are words that "scope" must have, all of them (RFC 9068 section 2.2.3).
	Scope []string
	// Algorithms are those taken; empty: HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA.
	Algorithms []string
	// Types are what the header's "typ" may be, in lower case (RFC 8725 section 3.11); empty: "jwt" and "at+jwt", or none at all.
	Types []string
	// Leeway is how far the issuer's clock may be off; 0: not at all.
	Leeway time.Duration
	// Now is the time; nil: time.Now.
	Now func() time.Time
}

// algorithms are all that may be taken. There is no "none" among them.
var algorithms = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384,
	jose.ES512, jose.EdDSA}

// header is what is read of a token's header (RFC 7515 section 4.1).
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Type      string          `json:"typ"`
	Critical  json.RawMessage `json:"crit"`
}

// Verify implements [Verifier].
func (j *JWT) Verify(ctx context.Context, token string) (*Token, error) {
	if len(token) > MaxToken || strings.Count(token, ".") != 2 || strings.ContainsFunc(token, foreign) {
		return nil, ErrFormat
	}
	parts := strings.Split(token, ".")
	h, err := parseHeader(parts[0])
	if err != nil {
		return nil, err
	}
	if err := j.checkHeader(h); err != nil {
		return nil, err
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.Algorithm)})
	if err != nil {
		return nil, refused("%s", excerpt(err.Error()))
	}
	t, err := parseToken(parsed.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, refused("its claims are %v", err)
	}
	// What needs no key comes first, so that nobody is asked for the key of a token that is of no use.
	if err := j.checkClaims(t); err != nil {
		return nil, err
	}
	use := KeyUse{Algorithm: h.Algorithm, ID: h.KeyID, Issuer: t.Get("iss"), Party: t.Get("azp")}
	keys, err := j.Keys.Keys(ctx, use)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.fits(h.Algorithm) != nil {
			continue
		}
		if _, err := parsed.Verify(k.Public); err == nil {
			return t, nil
		}
	}
	if len(keys) == 0 {
		return nil, refused("there is no key %s for %s of %s", excerpt(use.ID), h.Algorithm, excerpt(use.Issuer))
	}
	return nil, refused("its signature is wrong")
}

// foreign reports whether a letter is neither of base64url nor a dot: "no line breaks, whitespace, or other additional characters" (RFC 7515
// section 2).
func foreign(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// parseHeader reads the first part. What is no JSON object with an "alg" is no JSON Web Token.
func parseHeader(part string) (*header, error) {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, ErrFormat
	}
	h := new(header)
	if err := json.Unmarshal(b, h); err != nil || h.Algorithm == "" {
		return nil, ErrFormat
	}
	return h, nil
}

func (j *JWT) checkHeader(h *header) error {
	alg := jose.SignatureAlgorithm(h.Algorithm)
	if !slices.Contains(algorithms, alg) || len(j.Algorithms) > 0 && !slices.Contains(j.Algorithms, h.Algorithm) {
		return refused("the algorithm %s is not taken", excerpt(h.Algorithm))
	}
	// "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS is invalid" (RFC 7515
	// section 4.1.11); none is.
	if h.Critical != nil {
		return refused("it has a critical extension")
	}
	// "omit [application/] when no other '/' appears" (RFC 7515 section 4.1.9), in any case.
	typ := strings.TrimPrefix(strings.ToLower(h.Type), "application/")
	types := j.Types
	if len(types) == 0 {
		types = []string{"", "jwt", "at+jwt"}
	}
	if !slices.Contains(types, typ) {
		return refused("it is a %s, no access token", excerpt(h.Type))
	}
	return nil
}

func (j *JWT) checkClaims(t *Token) error {
	now := time.Now
	if j.Now != nil {
		now = j.Now
	}
	for _, name := range []string{"sub", "exp"} {
		if len(t.Fields[name]) != 1 {
			return refused("it has no %q", name)
		}
	}
	if err := t.checkTimes(now(), j.Leeway); err != nil {
		return err
	}
	// "the protected resource MUST reject" a bound token whose key isn't shown (RFC 8705 section 3, RFC 9449 section 7.1).
	for name := range t.Fields {
		if name == "cnf" || strings.HasPrefix(name, "cnf_") {
			return refused("it is bound to a key of the client's")
		}
	}
	if iss := t.Fields["iss"]; len(j.Issuers) > 0 && (len(iss) != 1 || !slices.Contains(j.Issuers, iss[0])) {
		return refused("it was issued by %s", excerpt(t.Get("iss")))
	}
	if len(j.Audience) > 0 && !slices.ContainsFunc(t.Fields["aud"], func(a string) bool { return slices.Contains(j.Audience, a) }) {
		return refused("it is for %s", excerpt(strings.Join(t.Fields["aud"], " ")))
	}
	return CheckScope(t, j.Scope)
}
