package oauth2_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/oauth2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issuer publishes keys.
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	kids   map[string]string // key's ID, and its algorithm
	calls  atomic.Int32      // for the keys
	down   atomic.Bool
	change func(doc map[string]any)
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{kids: map[string]string{"one": "RS256"}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		if i.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		doc := map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}
		if i.change != nil {
			i.change(doc)
		}
		answer(w, doc)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		i.calls.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: public(keyring()["ES384"]), KeyID: "for encryption", Use: "enc"},
			{Key: []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), KeyID: "secret"},
		}}
		for kid, alg := range i.kids {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: public(keyring()[alg]), KeyID: kid, Algorithm: alg, Use: "sig"})
		}
		b, _ := json.Marshal(set)
		var doc map[string]any
		_ = json.Unmarshal(b, &doc)
		doc["keys"] = append(doc["keys"].([]any), map[string]any{"kty": "quantum", "kid": "new"})
		answer(w, doc)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(func() { i.Close(); http.DefaultClient.CloseIdleConnections() })
	return i
}

func (i *issuer) publish(kid, alg string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kids[kid] = alg
}

func TestProvider(t *testing.T) {
	i := newIssuer(t)
	var at atomic.Int64 // seconds since now
	p := &oauth2.Provider{Configuration: i.URL + "/.well-known/openid-configuration", Client: i.Client(), Now: func() time.Time { return now.Add(time.Duration(at.Load()) * time.Second) }}
	j := &oauth2.JWT{Keys: p, Now: func() time.Time { return now }}
	try := func(alg, kid, iss string) error {
		header := object{}
		if kid != "" {
			header["kid"] = kid
		}
		_, err := j.Verify(t.Context(), sign(t, alg, header, claims(object{"iss": iss})))
		return err
	}
	require.Zero(t, i.calls.Load(), "nothing is asked before it is needed")
	require.NoError(t, try("RS256", "one", i.URL))
	require.NoError(t, try("RS256", "", i.URL), "without a name any key may be meant")
	require.EqualValues(t, 1, i.calls.Load())
	for _, bad := range [][3]string{
		{"RS256", "one", "https://other.test"}, // its keys are for its own tokens
		{"RS512", "one", i.URL},                // the key says what it is for
		{"ES384", "for encryption", i.URL}, {"HS256", "secret", i.URL}, {"RS256", "nobody", i.URL}, {"PS256", "one", i.URL}, {"HS256", "one", i.URL},
	} {
		require.ErrorIs(t, try(bad[0], bad[1], bad[2]), mail.ErrAuthFailed, bad)
	}
	require.EqualValues(t, 1, i.calls.Load(), "a new name is asked for, but not at once")

	i.publish("two", "ES256")
	require.ErrorIs(t, try("ES256", "two", i.URL), mail.ErrAuthFailed)
	at.Store(31)
	require.NoError(t, try("ES256", "two", i.URL), "a key that was made since")
	require.EqualValues(t, 2, i.calls.Load())
	for range 50 {
		require.Error(t, try("ES256", "three", i.URL))
	}
	require.EqualValues(t, 2, i.calls.Load(), "guessing names of keys is no way to have the issuer asked again and again")

	// A key that is published no longer counts for an hour at most.
	i.mu.Lock()
	delete(i.kids, "one")
	i.mu.Unlock()
	require.NoError(t, try("RS256", "one", i.URL))
	at.Store(31 + 3600)
	require.ErrorIs(t, try("RS256", "one", i.URL), mail.ErrAuthFailed)
	require.EqualValues(t, 3, i.calls.Load())

	// While the issuer is down what was known counts, for a day.
	i.down.Store(true)
	at.Store(31 + 3*3600)
	require.NoError(t, try("ES256", "two", i.URL))
	at.Store(31 + 26*3600)
	err := try("ES256", "two", i.URL)
	require.Error(t, err)
	require.NotErrorIs(t, err, mail.ErrAuthFailed, "nobody knows")
	i.down.Store(false)
	at.Add(31)
	require.NoError(t, try("ES256", "two", i.URL))
}

// Many who come at once wait for one answer; one who goes away doesn't take it from the others.
func TestProviderTogether(t *testing.T) {
	i := newIssuer(t)
	p := &oauth2.Provider{Configuration: i.URL + "/.well-known/openid-configuration", Client: i.Client()}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Keys(gone, oauth2.KeyUse{Algorithm: "RS256", ID: "one", Issuer: i.URL})
	if err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			keys, err := p.Keys(t.Context(), oauth2.KeyUse{Algorithm: "RS256", ID: "one", Issuer: i.URL})
			if err != nil || len(keys) != 1 {
				t.Errorf("%v %v", keys, err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, i.calls.Load())
}

func TestProviderRefuses(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer (RFC 8414 section 3.3)": func(d map[string]any) { d["issuer"] = "https://accounts.example.com" },
		"no issuer":                             func(d map[string]any) { delete(d, "issuer") },
		"no keys":                               func(d map[string]any) { delete(d, "jwks_uri") },
		"keys in a file":                        func(d map[string]any) { d["jwks_uri"] = "file:///etc/passwd" },
		"keys that are a number":                func(d map[string]any) { d["jwks_uri"] = 1 },
	} {
		i := newIssuer(t)
		i.change = change
		p := &oauth2.Provider{Configuration: i.URL + "/.well-known/openid-configuration", Client: i.Client()}
		_, err := p.Keys(t.Context(), oauth2.KeyUse{Algorithm: "RS256", ID: "one", Issuer: i.URL})
		require.Error(t, err, name)
		require.NotErrorIs(t, err, mail.ErrAuthFailed, name)
		require.Zero(t, i.calls.Load(), name)
	}
	for issuer, path := range map[string]string{"https://h/a": "https://h/a/.well-known/openid-configuration", "https://h/a/": "https://h/a/.well-known/openid-configuration",
		"https://h/b": "https://h/.well-known/oauth-authorization-server/b", "https://h": "https://h/.well-known/openid-configuration"} {
		require.True(t, oauth2.Issues(issuer, path), issuer)
		require.False(t, oauth2.Issues(issuer, "https://evil"+path[len("https://h"):]), issuer)
	}
}

func TestRedirections(t *testing.T) {
	i := newIssuer(t)
	elsewhere := httptest.NewServer(http.RedirectHandler(i.URL+"/.well-known/openid-configuration", http.StatusFound))
	defer elsewhere.Close()
	c := *i.Client()
	c.CheckRedirect = oauth2.CheckRedirect
	p := &oauth2.Provider{Configuration: elsewhere.URL + "/.well-known/openid-configuration", Issuer: i.URL, Client: &c}
	_, err := p.Metadata(t.Context())
	require.ErrorContains(t, err, "redirected to another server")
}

func TestIntrospection(t *testing.T) {
	type answer struct {
		status int
		body   string
	}
	answers := map[string]answer{
		"good":      {200, `{"active": true, "email": "alice@example.org", "scope": "mail"}`},
		"inactive":  {200, `{"active": false}`},
		"text":      {200, `{"active": "false", "email": "alice@example.org"}`},
		"silent":    {200, `{"email": "alice@example.org"}`},
		"expired":   {200, `{"active": true, "exp": 1}`},
		"late":      {200, `{"active": true, "expires_in": 0}`},
		"mac":       {200, `{"active": true, "token_type": "mac"}`},
		"error":     {200, `{"active": true, "error": "invalid_token"}`},
		"no object": {200, `[1]`},
		"no json":   {200, `<html>`},
		"nothing":   {200, ``},
		"deep":      {200, `{"active": true, "a": {"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a": 1}}}}}}}}}}}}}}`},
		"refused":   {401, `{}`},
		"forbidden": {403, `{}`},
		"lost":      {404, `{}`},
		"busy":      {429, `{}`},
		"broken":    {500, `{}`},
	}
	var seen *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		seen = r
		token := r.PostForm.Get("token")
		if r.Method == http.MethodGet {
			if token = r.URL.Query().Get("access_token"); token == "" {
				token = r.Header.Get("Authorization")[len("Bearer "):]
			}
		}
		a := answers[token]
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	}))
	defer s.Close()
	verdicts := func(i *oauth2.Introspection) map[string]string {
		out := map[string]string{}
		for token := range answers {
			_, err := i.Verify(t.Context(), token)
			switch {
			case err == nil:
				out[token] = "yes"
			case errors.Is(err, mail.ErrAuthFailed):
				out[token] = "no"
			default:
				out[token] = "?"
			}
		}
		return out
	}
	post := map[string]string{"good": "yes", "inactive": "no", "text": "no", "silent": "no", "expired": "no", "late": "no", "mac": "no", "error": "no", "no object": "?", "no json": "?", "nothing": "?",
		"deep": "?", "refused": "?", "forbidden": "?", "lost": "?", "busy": "?", "broken": "?"}
	i := &oauth2.Introspection{URL: s.URL, ClientID: "mail server", ClientSecret: "s:t", Client: s.Client()}
	require.Equal(t, post, verdicts(i))
	id, secret, _ := seen.BasicAuth()
	require.Equal(t, [2]string{"mail+server", "s%3At"}, [2]string{id, secret}, "RFC 6749 section 2.3.1")
	require.Equal(t, "access_token", seen.PostForm.Get("token_type_hint"))
	post["silent"], post["refused"], post["forbidden"] = "yes", "no", "no"
	require.Equal(t, post, verdicts(&oauth2.Introspection{URL: s.URL, Method: oauth2.Auth, Client: s.Client()}))
	require.Equal(t, post, verdicts(&oauth2.Introspection{URL: s.URL + "?access_token=", Method: oauth2.Get, ClientID: "c", Client: s.Client()}))
	require.Equal(t, "c", seen.URL.Query().Get("client_id"))
	s.Close()
	_, err := i.Verify(t.Context(), "good")
	require.NotErrorIs(t, err, mail.ErrAuthFailed)
	_, err = (&oauth2.Introspection{URL: s.URL + "?access_token=", Method: oauth2.Get}).Verify(t.Context(), "secret-token")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret-token")
}

func TestAuthenticator(t *testing.T) {
	u := &oauth2.Authenticator{Verifiers: []oauth2.Verifier{verifier()}, Scope: []string{"mail"}, Configuration: "https://id.test/.well-known/openid-configuration"}
	try := func(c object) (*mail.Identity, error) {
		return u.AuthenticateToken(t.Context(), new(mail.AuthRequest), sign(t, "ES256", nil, claims(c)))
	}
	id, err := try(nil)
	require.NoError(t, err)
	require.Equal(t, "alice@example.org", id.Username)
	for status, changes := range map[string][]object{
		"insufficient_scope": {{"scope": "openid"}, {"scope": "mailbox"}, {"scope": nil}},
		"invalid_token":      {{"email": nil}, {"email": ""}, {"email": []string{"a@b", "c@d"}}, {"email_verified": false}, {"exp": 1}},
	} {
		for _, c := range changes {
			_, err := try(c)
			require.ErrorIs(t, err, mail.ErrAuthFailed)
			te, ok := errors.AsType[*mail.TokenError](err)
			require.True(t, ok)
			require.Equal(t, status, te.Status, "%v: %v", c, err)
			require.Equal(t, u.Configuration, te.Configuration)
		}
	}
	_, err = u.Authenticate(t.Context(), &mail.AuthRequest{Username: "alice@example.org", Password: "x"})
	require.ErrorIs(t, err, mail.ErrAuthFailed)
}
