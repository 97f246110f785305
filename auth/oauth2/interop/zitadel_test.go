package interop

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/oauth2"
)

const callback = "http://localhost:9999/auth/callback"

// jwts is zitadel's store in memory, but the client "jwt" gets JSON Web Tokens, with the user's address.
type jwts struct{ *storage.Storage }

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

func (j jwts) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := j.Storage.GetClientByClientID(ctx, id)
	if id == "jwt" && err == nil {
		c = jwtClient{c}
	}
	return c, err
}

func (j jwts) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{"email": "test-user@zitadel.ch", "scope": "openid email"}, nil
}

// server is zitadel's OpenID provider.
func server(t *testing.T) *httptest.Server {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	storage.RegisterClients(storage.WebClient("web", "secret", callback), storage.WebClient("jwt", "secret", callback))
	var handler http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	store := jwts{storage.NewStorage(storage.NewUserStore(s.URL))}
	handler = exampleop.SetupServer(s.URL, store, nil, false, op.WithAllowInsecure())
	return s
}

// login goes through the pages as a browser does, and exchanges the code for tokens (RFC 6749 section 4.1).
func login(t *testing.T, s *httptest.Server, client string) (access, id string) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var code string
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			code = r.URL.Query().Get("code")
			return http.ErrUseLastResponse
		}
		return nil
	}}
	q := url.Values{"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"}}
	resp, err := browser.Get(authorize(t, s) + "?" + q.Encode())
	require.NoError(t, err)
	resp.Body.Close()
	request := resp.Request.URL.Query().Get("authRequestID")
	require.NotEmpty(t, request)
	resp, err = browser.PostForm(s.URL+"/login/username", url.Values{"id": {request}, "username": {"test-user@127.0.0.1"}, "password": {"verysecure"}})
	require.NoError(t, err)
	resp.Body.Close()
	require.NotEmpty(t, code)
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	post(t, s, client, "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}}, &tokens)
	require.NotEmpty(t, tokens.Access)
	return tokens.Access, tokens.ID
}

// authorize is where users are sent to.
func authorize(t *testing.T, s *httptest.Server) string {
	resp, err := http.Get(s.URL + "/.well-known/openid-configuration")
	require.NoError(t, err)
	defer resp.Body.Close()
	var doc struct {
		Authorize string `json:"authorization_endpoint"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&doc))
	return doc.Authorize
}

func post(t *testing.T, s *httptest.Server, client, path string, form url.Values, into any) {
	r, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(client, "secret")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", b)
	if into != nil {
		require.NoError(t, json.Unmarshal(b, into))
	}
}

func TestZitadel(t *testing.T) {
	s := server(t)
	provider := &oauth2.Provider{Configuration: s.URL + "/.well-known/openid-configuration"}
	meta, err := provider.Metadata(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.URL, meta.Issuer)
	ask := &oauth2.Introspection{URL: meta.IntrospectionEndpoint, ClientID: "web", ClientSecret: "secret"}
	info := &oauth2.Introspection{URL: s.URL + "/userinfo", Method: oauth2.Auth}
	known := &oauth2.JWT{Keys: provider, Issuers: []string{s.URL}, Audience: []string{"jwt"}, Scope: []string{"email"}}
	user := func(token string, v ...oauth2.Verifier) (string, error) {
		id, err := (&oauth2.Authenticator{Verifiers: v}).AuthenticateToken(t.Context(), new(mail.AuthRequest), token)
		if err != nil {
			return "", err
		}
		return id.Username, nil
	}
	refused := func(token string, v ...oauth2.Verifier) {
		t.Helper()
		_, err := user(token, v...)
		require.ErrorIs(t, err, mail.ErrAuthFailed)
	}

	t.Run("opaque", func(t *testing.T) {
		access, id := login(t, s, "web")
		for name, list := range map[string][]oauth2.Verifier{"introspection": {ask}, "userinfo": {info}, "after JSON Web Tokens": {known, ask}} {
			got, err := user(access, list...)
			require.NoError(t, err, name)
			require.Equal(t, "test-user@zitadel.ch", got)
		}
		refused(access, known)
		refused(access[:len(access)-4]+"AAAA", ask)
		refused(access[:len(access)-4]+"AAAA", info)
		refused(id, known) // it is for the client "web"
		stranger := *ask
		stranger.ClientSecret = "wrong"
		_, err := user(access, &stranger)
		require.Error(t, err)
		require.False(t, errors.Is(err, mail.ErrAuthFailed), "who asks isn't known: that says nothing about the token: %v", err)
		post(t, s, "web", "/revoke", url.Values{"token": {access}}, nil)
		refused(access, ask)
		refused(access, info)
	})
	t.Run("JSON Web Token", func(t *testing.T) {
		access, _ := login(t, s, "jwt")
		got, err := user(access, known)
		require.NoError(t, err)
		require.Equal(t, "test-user@zitadel.ch", got)
		parts := strings.Split(access, ".")
		refused(parts[0]+"."+parts[1]+".", known)
		for name, change := range map[string]func(j *oauth2.JWT){
			"audience": func(j *oauth2.JWT) { j.Audience = []string{"web"} },
			"issuer":   func(j *oauth2.JWT) { j.Issuers = []string{"https://id.test"} },
			"scope":    func(j *oauth2.JWT) { j.Scope = []string{"mail"} },
			"keys": func(j *oauth2.JWT) {
				j.Keys = &oauth2.Provider{Configuration: server(t).URL + "/.well-known/openid-configuration"}
			},
		} {
			other := *known
			change(&other)
			_, err := user(access, &other)
			require.ErrorIs(t, err, mail.ErrAuthFailed, name)
		}
	})
}
