package accounts_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/internal/peers"
)

// signers has a private key for each algorithm, the same for all tests.
var signers = sync.OnceValue(func() map[string]any {
	r, _ := rsa.GenerateKey(rand.Reader, 2048)
	e2, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e3, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	e5, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	secret := []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	return map[string]any{"RS256": r, "RS384": r, "RS512": r, "PS256": r, "PS384": r, "PS512": r, "HS256": secret, "HS384": secret, "HS512": secret, "ES256": e2, "ES384": e3, "ES512": e5, "EdDSA": ed}
})

// keyFile is a key as Dovecot's dictionary has it.
func keyFile(t testing.TB, key any) string {
	if secret, ok := key.([]byte); ok {
		return base64.StdEncoding.EncodeToString(secret)
	}
	b, err := x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

// signed is a JSON Web Token.
func signed(t testing.TB, alg string, key any, header, claims map[string]any) string {
	t.Helper()
	o := new(jose.SignerOptions).WithType("JWT")
	for n, v := range header {
		if v == nil {
			delete(o.ExtraHeaders, jose.HeaderKey(n))
			continue
		}
		o.WithHeader(jose.HeaderKey(n), v)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, o)
	require.NoError(t, err)
	b, err := json.Marshal(claims)
	require.NoError(t, err)
	out, err := s.Sign(b)
	require.NoError(t, err)
	text, err := out.CompactSerialize()
	require.NoError(t, err)
	return text
}

type object = map[string]any

// claims are good ones with some changed; nil takes one away.
func claims(change object) object {
	now := time.Now().Unix()
	c := object{"iss": "https://id.test", "sub": "7", "email": "alice@example.com", "aud": "mail", "scope": "openid mail", "iat": now - 10, "nbf": now - 10, "exp": now + 600}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// tokenCase is one login with a token.
type tokenCase struct {
	name, user, token string
	differs           string // why Dovecot says something else; "" where it doesn't
}

// compareTokens asks Dovecot and us.
func compareTokens(t *testing.T, d *peers.DovecotUsers, a *accounts.Accounts, cases []tokenCase) {
	t.Helper()
	type answer struct {
		ok  bool
		err error
	}
	theirs := make([]answer, len(cases))
	var wg sync.WaitGroup
	for i, c := range cases {
		wg.Go(func() { theirs[i].ok, theirs[i].err = d.Login(c.user, c.token, "") })
	}
	wg.Wait()
	good := 0
	tokens := a.Authenticator("oauthbearer").(mail.TokenAuthenticator)
	for i, c := range cases {
		id, err := tokens.AuthenticateToken(ctx, &mail.AuthRequest{Authorize: c.user, Mechanism: "OAUTHBEARER", Service: "imap"}, c.token)
		if err == nil {
			good++
			require.NotEmpty(t, id.Account)
		}
		unknown := err != nil && !errors.Is(err, mail.ErrAuthFailed)
		same := theirs[i].ok == (err == nil) && (theirs[i].err != nil) == unknown
		if same != (c.differs == "") {
			t.Errorf("%s: ours %v, Dovecot's %v %v", c.name, err, theirs[i].ok, theirs[i].err)
		}
	}
	require.Greater(t, good, 2)
	if t.Failed() {
		t.Log(d.Log())
	}
}

const oauthConf = `
auth_cache_size = 0
passdb {
  driver = passwd-file
  deny = yes
  args = %DIR%/deny
}
passdb {
  driver = oauth2
  args = %DIR%/oauth2.conf.ext
}
userdb {
  driver = passwd-file
  args = %DIR%/people
}
`

func oauthFiles(conf string) map[string]string {
	return map[string]string{"deny": "denied@example.com\n", "oauth2.conf.ext": conf,
		"people": "alice@example.com:::::/home/alice::\nbob@example.com:::::/home/bob::\ndenied@example.com:::::/home/denied::\n"}
}

func oauthChain(dir string) accounts.Options {
	return accounts.Options{Passdbs: strings.ReplaceAll("{ passwd-file:%D/deny deny=yes }, oauth2:%D/oauth2.conf.ext", "%D", dir), Userdbs: "passwd-file:" + dir + "/people"}
}

func TestJWTAgainstDovecot(t *testing.T) {
	const conf = "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=%DIR%/keys/\nusername_attribute = email\nissuers = https://id.test https://other.test\nscope = mail\nclient_id = mail\n"
	d := peers.DovecotAuth(t, oauthConf, oauthFiles(conf))
	for alg, key := range signers() {
		for _, name := range []string{"default/" + alg + "/default", "party/" + alg + "/kid%2fx"} {
			path := filepath.Join(d.Dir, "keys", name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(keyFile(t, key)), 0o644))
		}
	}
	a := open(t, oauthChain(d.Dir))
	s := func(alg string, header, change object) string {
		return signed(t, alg, signers()[alg], header, claims(change))
	}
	now := time.Now().Unix()
	good := s("RS256", nil, nil)
	parts := strings.Split(good, ".")
	spki, _ := x509.MarshalPKIXPublicKey(signers()["RS256"].(crypto.Signer).Public())
	header := func(h object) string {
		b, _ := json.Marshal(h)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	other, _ := rsa.GenerateKey(rand.Reader, 2048)
	const user = "alice@example.com"
	cases := []tokenCase{
		{"another user", "bob@example.com", good, ""},
		{"upper case", "ALICE@example.com", good, ""},
		{"without a domain", "alice", good, ""},
		{"denied", "denied@example.com", s("RS256", nil, object{"email": "denied@example.com"}), ""},
		{"nobody", "nobody@example.com", s("RS256", nil, object{"email": "nobody@example.com"}), "doveadm auth test asks passdb only; here userdb must know her"},
		{"email in upper case", user, s("RS256", nil, object{"email": "Alice@Example.com"}), ""},
		{"no email", user, s("RS256", nil, object{"email": nil}), "Dovecot takes it for a failure of its own"},
		{"several emails", user, s("RS256", nil, object{"email": []string{"alice@example.com", "bob@example.com"}}), ""},
		{"none", user, header(object{"alg": "none", "typ": "JWT"}) + "." + parts[1] + ".", ""},
		{"None", user, header(object{"alg": "None", "typ": "JWT"}) + "." + parts[1] + ".", ""},
		{"none, signed", user, header(object{"alg": "none", "typ": "JWT"}) + "." + parts[1] + "." + parts[2], ""},
		{"no signature", user, parts[0] + "." + parts[1] + ".", ""},
		{"another key", user, signed(t, "RS256", other, nil, claims(nil)), ""},
		{"public key as secret", user, signed(t, "HS256", spki, nil, claims(nil)), ""},
		{"public key in PEM as secret", user, signed(t, "HS256", []byte(keyFile(t, signers()["RS256"])), nil, claims(nil)), ""},
		{"claims of another", user, parts[0] + "." + strings.Split(s("RS256", nil, object{"email": "bob@example.com"}), ".")[1] + "." + parts[2], ""},
		{"kid and azp", user, s("RS256", object{"kid": "kid/x"}, object{"azp": "party"}), ""},
		{"unknown kid", user, s("RS256", object{"kid": "x"}, nil), ""},
		{"kid that is a path", user, s("RS256", object{"kid": "../../party/RS256/kid%2fx"}, nil), ""},
		{"kid ..", user, s("RS256", object{"kid": ".."}, nil), ""},
		{"azp ..", user, s("RS256", nil, object{"azp": ".."}), ""},
		{"azp that is a path", user, s("RS256", nil, object{"azp": "../keys/default"}), ""},
		{"unknown azp", user, s("RS256", nil, object{"azp": "x"}), ""},
		{"no type", user, s("RS256", object{"typ": nil}, nil), "typ is OPTIONAL (RFC 7519 section 5.1)"},
		{"at+jwt", user, s("RS256", object{"typ": "at+jwt"}, nil), "an access token has this type (RFC 9068 section 2.1)"},
		{"logout+jwt", user, s("RS256", object{"typ": "logout+jwt"}, nil), ""},
		{"exp", user, s("RS256", nil, object{"exp": now - 5}), ""},
		{"no exp", user, s("RS256", nil, object{"exp": nil}), ""},
		{"exp as text", user, s("RS256", nil, object{"exp": fmt.Sprint(now + 500)}), ""},
		{"negative exp", user, s("RS256", nil, object{"exp": -1}), ""},
		{"exp with a fraction", user, s("RS256", nil, object{"exp": float64(now) + 500.5}), "a NumericDate may have one (RFC 7519 section 2)"},
		{"nbf", user, s("RS256", nil, object{"nbf": now + 100}), ""},
		{"iat", user, s("RS256", nil, object{"iat": now + 100}), ""},
		{"no nbf and iat", user, s("RS256", nil, object{"nbf": nil, "iat": nil}), ""},
		{"no sub", user, s("RS256", nil, object{"sub": nil}), ""},
		{"no iss", user, s("RS256", nil, object{"iss": nil}), ""},
		{"wrong iss", user, s("RS256", nil, object{"iss": "https://id.test/"}), ""},
		{"second issuer", user, s("RS256", nil, object{"iss": "https://other.test"}), ""},
		{"no aud", user, s("RS256", nil, object{"aud": nil}), ""},
		{"wrong aud", user, s("RS256", nil, object{"aud": "other"}), ""},
		{"several aud", user, s("RS256", nil, object{"aud": []string{"other", "mail"}}), ""},
		{"wrong scope", user, s("RS256", nil, object{"scope": "openid email"}), ""},
		{"no scope", user, s("RS256", nil, object{"scope": nil}), ""},
		{"scope that begins so", user, s("RS256", nil, object{"scope": "mailbox"}), ""},
		{"email that isn't verified", user, s("RS256", nil, object{"email_verified": false}), "OpenID Connect Core 1.0 section 5.7"},
		{"bound to a key", user, s("RS256", nil, object{"cnf": object{"jkt": "x"}}), "RFC 9449 section 7.2"},
		{"lower case", user, header(object{"alg": "rs256", "typ": "JWT"}) + "." + parts[1] + "." + parts[2], ""},
		{"no token", user, "x", ""},
		{"opaque", user, "ya29.a0AfH6SMBx", ""},
		{"three parts", user, "a.b.c", ""},
		{"header that is no object", user, base64.RawURLEncoding.EncodeToString([]byte("[]")) + ".e30.e30", ""},
		{"four parts", user, good + ".x", ""},
		{"SQL", "' OR '1'='1", good, ""},
	}
	for alg := range signers() {
		cases = append(cases, tokenCase{alg, user, s(alg, nil, nil), map[string]string{"ES384": "Dovecot 2.3 takes P-256 only", "ES512": "Dovecot 2.3 takes P-256 only", "EdDSA": "Dovecot 2.3 has no EdDSA"}[alg]})
	}
	compareTokens(t, d, a, cases)
}

func TestIntrospectionAgainstDovecot(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		"good":     {200, `{"active": true, "email": "alice@example.com", "scope": "mail"}`},
		"bob":      {200, `{"active": true, "email": "bob@example.com", "scope": "mail"}`},
		"inactive": {200, `{"active": false, "email": "alice@example.com", "scope": "mail"}`},
		"text":     {200, `{"active": "true", "email": "alice@example.com", "scope": "mail"}`},
		"silent":   {200, `{"email": "alice@example.com", "scope": "mail"}`},
		"scope":    {200, `{"active": true, "email": "alice@example.com", "scope": "openid"}`},
		"no scope": {200, `{"active": true, "email": "alice@example.com"}`},
		"aud":      {200, `{"active": true, "email": "alice@example.com", "aud": "mail"}`},
		"more":     {200, `{"active": true, "email": "alice@example.com", "scope": "mail", "realm": {"roles": ["a", "b"]}, "n": 1.5, "x": null}`},
		"error":    {200, `{"active": true, "error": "invalid_token", "email": "alice@example.com", "scope": "mail"}`},
		"mac":      {200, `{"active": true, "email": "alice@example.com", "scope": "mail", "token_type": "mac"}`},
		"bearer":   {200, `{"active": true, "email": "alice@example.com", "scope": "mail", "token_type": "Bearer"}`},
		"no email": {200, `{"active": true, "scope": "mail"}`},
		"array":    {200, `[]`},
		"html":     {200, `<html>`},
		"empty":    {200, ``},
		"refused":  {401, `{"error": "invalid_token"}`},
		"broken":   {500, `{}`},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		token := r.PostForm.Get("token") + r.URL.Query().Get("access_token")
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && token == "" {
			token = bearer
		}
		a, ok := answers[token]
		if !ok {
			a.status, a.body = 401, `{"error": "invalid_token"}`
		}
		if r.URL.Path == "/userinfo" { // the rest of what tokeninfo says
			a.body = `{"email": "alice@example.com", "active": true, "scope": "mail"}`
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	}))
	defer s.Close()
	const (
		reason   = "the server says what is wrong with the token; Dovecot takes it for a failure, or doesn't look"
		inactive = "active_attribute isn't there, or not active (RFC 7662 section 2.2)"
		silence  = "no JSON says nothing"
	)
	for name, tt := range map[string]struct {
		conf    string
		differs map[string]string
	}{
		"auth": {"introspection_mode = auth\nintrospection_url = URL/me\n",
			map[string]string{"no email": reason, "refused": reason, "unknown": reason, "error": reason, "mac": reason, "silent": inactive}},
		"get": {"introspection_mode = get\nintrospection_url = URL/me?access_token=\n",
			map[string]string{"no email": reason, "refused": reason, "unknown": reason, "error": reason, "mac": reason, "silent": inactive}},
		"post":      {"introspection_mode = post\nintrospection_url = http://us:secret@HOST/introspect\n", map[string]string{"no email": reason, "error": reason, "mac": reason, "silent": inactive}},
		"tokeninfo": {"tokeninfo_url = URL/tokeninfo?access_token=\n", map[string]string{"no email": reason, "error": reason, "mac": reason, "silent": inactive}},
		"both":      {"tokeninfo_url = URL/tokeninfo?access_token=\nintrospection_url = URL/userinfo\nforce_introspection = yes\n", map[string]string{"error": reason, "mac": reason, "empty": silence}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := strings.NewReplacer("URL", s.URL, "HOST", strings.TrimPrefix(s.URL, "http://")).Replace(tt.conf) + "scope = mail\nactive_attribute = active\nactive_value = true\n"
			d := peers.DovecotAuth(t, oauthConf, oauthFiles(conf))
			a := open(t, oauthChain(d.Dir))
			var cases []tokenCase
			for token := range answers {
				cases = append(cases, tokenCase{token, "alice@example.com", token, tt.differs[token]})
			}
			cases = append(cases, tokenCase{"unknown", "alice@example.com", "unknown", tt.differs["unknown"]}, tokenCase{"another's", "bob@example.com", "good", ""}, tokenCase{"bob's", "bob@example.com", "bob", ""})
			compareTokens(t, d, a, cases)
		})
	}
}
