package oauth2_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/oauth2"
)

func verifier() *oauth2.JWT {
	return &oauth2.JWT{Keys: keysFunc(ring), Issuers: []string{"https://id.test"}, Audience: []string{"mail"}, Now: func() time.Time { return now }}
}

func TestAlgorithms(t *testing.T) {
	for alg := range keyring() {
		token := sign(t, alg, nil, claims(nil))
		got, err := verifier().Verify(t.Context(), token)
		require.NoError(t, err, alg)
		require.Equal(t, "alice@example.org", got.Get("email"))
		require.Equal(t, []string{"mail", "other"}, got.Fields["aud"])
		require.Equal(t, "1800000060", got.Get("exp"), "numbers are as they were written")
		for n := range 3 { // each bit counts
			p := []byte(strings.Split(token, ".")[n])
			at := len(p) / 2
			p[at] ^= 1
			_, err = verifier().Verify(t.Context(), altered(token, n, string(p)))
			require.ErrorIs(t, err, mail.ErrAuthFailed, "%s, part %d", alg, n)
		}
		only := verifier()
		only.Algorithms = []string{"ES256"}
		_, err = only.Verify(t.Context(), token)
		require.Equal(t, alg == "ES256", err == nil, alg)
	}
}

func TestRefused(t *testing.T) {
	good := sign(t, "RS256", nil, claims(nil))
	_, err := verifier().Verify(t.Context(), good)
	require.NoError(t, err)
	c := func(name string, v any) string { return sign(t, "RS256", nil, claims(object{name: v})) }
	h := func(name string, v any) string { return sign(t, "RS256", object{name: v}, claims(nil)) }
	spki, err := x509.MarshalPKIXPublicKey(public(keyring()["RS256"]))
	require.NoError(t, err)
	// The public key as a secret: "if the recipient doesn't check … the attacker can use the RSA public key as HMAC secret" (RFC 8725 section 2.1).
	confused := func(secret []byte, kid string) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, new(jose.SignerOptions).WithHeader("kid", kid))
		require.NoError(t, err)
		b, _ := json.Marshal(claims(nil))
		o, err := s.Sign(b)
		require.NoError(t, err)
		token, err := o.CompactSerialize()
		require.NoError(t, err)
		return token
	}
	for name, tt := range map[string]struct{ token, want string }{
		"none (RFC 8725 section 3.2)":            {altered(altered(good, 0, part(object{"alg": "none"})), 2, ""), "algorithm"},
		"None":                                   {altered(altered(good, 0, part(object{"alg": "None"})), 2, ""), "algorithm"},
		"none with a signature":                  {altered(good, 0, part(object{"alg": "none"})), "algorithm"},
		"lower case":                             {altered(good, 0, part(object{"alg": "rs256"})), "algorithm"},
		"encryption":                             {altered(good, 0, part(object{"alg": "dir", "enc": "A128GCM"})), "algorithm"},
		"no signature":                           {altered(good, 2, ""), "signature"},
		"public key as secret":                   {confused(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "RS256"), "signature"},
		"public key as secret, DER":              {confused(spki, "RS256"), "signature"},
		"a key of another algorithm":             {altered(good, 0, part(object{"alg": "ES256"})), "signature"},
		"a curve of another algorithm":           {altered(good, 0, part(object{"alg": "ES256", "kid": "ES384"})), "signature"},
		"no such key":                            {h("kid", "other"), "no key"},
		"kid that is a path":                     {h("kid", "../../../../dev/null"), "no key"},
		"a key of its own (jwk)":                 {h("jwk", jose.JSONWebKey{Key: public(keyring()["ES256"])}), ""},
		"crit (RFC 7515 section 4.1.11)":         {altered(good, 0, part(object{"alg": "RS256", "crit": []string{"exp"}, "exp": 1})), "critical"},
		"empty crit":                             {altered(good, 0, part(object{"alg": "RS256", "crit": []string{}})), "critical"},
		"ID of a logout (RFC 8725 section 3.11)": {h("typ", "logout+jwt"), "access token"},
		"DPoP proof":                             {h("typ", "dpop+jwt"), "access token"},
		"no exp (RFC 9068 section 2.2)":          {c("exp", nil), `no "exp"`},
		"expired":                                {c("exp", now.Unix()), "expired"},
		"exp that is a text":                     {c("exp", "tomorrow"), "no date"},
		"negative exp":                           {c("exp", -1), "no date"},
		"huge exp":                               {c("exp", 1e300), "no date"},
		"several exp":                            {c("exp", []int64{now.Unix() + 5, now.Unix() + 6}), `no "exp"`},
		"not yet":                                {c("nbf", now.Unix()+1), "yet"},
		"issued in the future":                   {c("iat", now.Unix()+1), "future"},
		"no sub":                                 {c("sub", nil), `no "sub"`},
		"another issuer":                         {c("iss", "https://evil.test"), "issued by"},
		"no issuer":                              {c("iss", nil), "issued by"},
		"an issuer among others":                 {c("iss", []string{"https://evil.test", "https://id.test"}), "issued by"},
		"another audience":                       {c("aud", "other"), "it is for"},
		"no audience":                            {c("aud", nil), "it is for"},
		"an audience that begins so":             {c("aud", "mail2"), "it is for"},
		"bound to a key (RFC 9449)":              {c("cnf", object{"jkt": "x"}), "bound"},
		"claims that are a list":                 {sign(t, "RS256", nil, []int{1}), "claims"},
		"claims that are null":                   {sign(t, "RS256", nil, nil), "claims"},
		"white space":                            {good + " ", "kind"},
		"a line end":                             {altered(good, 2, strings.Split(good, ".")[2]+"\n"), "kind"},
		"padding":                                {altered(good, 2, strings.Split(good, ".")[2]+"=="), "kind"},
		"two parts":                              {good[:strings.LastIndexByte(good, '.')], "kind"},
		"four parts":                             {good + ".x", "kind"},
		"JSON serialisation":                     {`{"payload":"x","signatures":[]}`, "kind"},
		"empty":                                  {"", "kind"},
		"no header":                              {"..", "kind"},
		"too long":                               {good + strings.Repeat("A", oauth2.MaxToken), "kind"},
	} {
		got, err := verifier().Verify(t.Context(), tt.token)
		if name == "a key of its own (jwk)" { // the header's key is ignored; the token was signed by ours
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, mail.ErrAuthFailed, name)
		require.Nil(t, got, name)
		require.Contains(t, err.Error(), tt.want, name)
		require.Equal(t, tt.want == "kind", errors.Is(err, oauth2.ErrFormat), name)
		require.NotContains(t, err.Error(), "eyJ", "no token in a log")
	}
	late := verifier()
	late.Leeway = 5 * time.Second
	for _, token := range []string{c("exp", now.Unix()-4), c("nbf", now.Unix()+5), c("exp", float64(now.Unix())+0.5)} {
		_, err := late.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	// RFC 9068 section 2.1, RFC 7515 section 4.1.9.
	for _, typ := range []string{"JWT", "at+jwt", "application/at+jwt", "AT+JWT"} {
		_, err := verifier().Verify(t.Context(), h("typ", typ))
		require.NoError(t, err, typ)
	}
}

// A token signed by a key that it brings along.
func TestEmbeddedKey(t *testing.T) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: own}, &jose.SignerOptions{EmbedJWK: true})
	require.NoError(t, err)
	b, _ := json.Marshal(claims(nil))
	o, err := s.Sign(b)
	require.NoError(t, err)
	token, err := o.CompactSerialize()
	require.NoError(t, err)
	_, err = verifier().Verify(t.Context(), token)
	require.ErrorIs(t, err, mail.ErrAuthFailed)
}

func TestKeyDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		p := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(text), 0o644))
	}
	pemOf := func(alg string) string {
		b, err := x509.MarshalPKIXPublicKey(public(keyring()[alg]))
		require.NoError(t, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
	}
	write("keys/default/RS256/default", pemOf("RS256"))
	write("keys/default/EdDSA/default", pemOf("EdDSA"))
	write("keys/party/ES256/a%2fb", pemOf("ES256"))
	write("keys/default/HS256/default", base64.StdEncoding.EncodeToString(keyring()["HS256"].([]byte)))
	write("keys/default/HS512/short", "c2hvcnQ=")
	write("keys/default/PS256/private", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
	write("evil/RS256/x", pemOf("RS256"))
	write("evil.pem", pemOf("RS256"))
	require.NoError(t, os.Symlink("../../../evil.pem", filepath.Join(dir, "keys/default/RS256/link")))
	j := verifier()
	j.Keys = &oauth2.KeyDir{Dir: filepath.Join(dir, "keys")}
	for name, tt := range map[string]struct{ token, want string }{
		"default":            {sign(t, "RS256", nil, claims(nil)), ""},
		"EdDSA":              {sign(t, "EdDSA", nil, claims(nil)), ""},
		"secret":             {sign(t, "HS256", nil, claims(nil)), ""},
		"azp and kid":        {sign(t, "ES256", object{"kid": "a/b"}, claims(object{"azp": "party"})), ""},
		"another azp":        {sign(t, "ES256", object{"kid": "a/b"}, claims(nil)), "no key"},
		"kid that goes up":   {sign(t, "RS256", object{"kid": ".."}, claims(nil)), "no key"},
		"kid that is a path": {sign(t, "RS256", object{"kid": "../../../evil.pem"}, claims(nil)), "no key"},
		"azp that goes up":   {sign(t, "RS256", object{"kid": "x"}, claims(object{"azp": "../evil"})), "no key"},
		"azp that is \"..\"": {sign(t, "RS256", object{"kid": "x"}, claims(object{"azp": ".."})), "no key"},
		"a folder":           {sign(t, "RS256", object{"kid": "."}, claims(nil)), "no key"},
		"NUL":                {sign(t, "RS256", object{"kid": "default\x00x"}, claims(nil)), "no key"},
		"long":               {sign(t, "RS256", object{"kid": strings.Repeat("x", 256)}, claims(nil)), "no key"},
		"out of the folder":  {sign(t, "RS256", object{"kid": "link"}, claims(nil)), "escapes"},
		"too short a secret": {sign(t, "HS512", object{"kid": "short"}, claims(nil)), "too short"},
		"a private key":      {sign(t, "PS256", object{"kid": "private"}, claims(nil)), "no public key"},
	} {
		_, err := j.Verify(t.Context(), tt.token)
		if tt.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, tt.want, name)
		require.Equal(t, tt.want == "no key", errors.Is(err, mail.ErrAuthFailed), "%s: %v", name, err)
	}
}

func FuzzJWT(f *testing.F) {
	good := sign(f, "ES256", nil, claims(nil))
	f.Add(good)
	f.Add(altered(good, 0, part(object{"alg": "none"})))
	f.Add("e30.e30.")
	f.Add(sign(f, "HS256", object{"kid": "x", "typ": "at+jwt"}, claims(object{"a": object{"b": []any{1, nil, true, object{"c": 1.5}}}})))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := verifier().Verify(t.Context(), token)
		if err == nil && (token != good && got.Get("iss") != "https://id.test") || (err == nil) != (got != nil) {
			t.Fatalf("%q: %v", token, err)
		}
		if err != nil && !errors.Is(err, mail.ErrAuthFailed) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
