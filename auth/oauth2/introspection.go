package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Method is how a server is asked about a token.
type Method string

// The methods.
const (
	Post Method = "post" // RFC 7662: the token in the body of a POST
	Get  Method = "get"  // the token at the end of the URL, as Google's tokeninfo has it
	Auth Method = "auth" // the token as its own authorization, as OpenID Connect's userinfo has it
)

// Introspection is a [Verifier] that asks a server about tokens.
type Introspection struct {
	URL    string
	Method Method // "": Post
	// ClientID and ClientSecret are who asks: with Post as HTTP's Basic authentication, with Get in the query. A user name and password in URL are
	// the same.
	ClientID, ClientSecret string
	Client                 *http.Client // nil: one that waits ten seconds
	Now                    func() time.Time
}

// Verify implements [Verifier].
func (i *Introspection) Verify(ctx context.Context, token string) (*Token, error) {
	if token == "" || len(token) > MaxToken {
		return nil, ErrFormat
	}
	r, err := i.request(ctx, token)
	if err != nil {
		return nil, err
	}
	status, body, err := exchange(i.Client, r)
	if err != nil {
		return nil, err
	}
	switch post := i.method() == Post; {
	case status/100 == 2:
	case !post && (status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden):
		return nil, refused("%s answered %d", r.URL.Host, status) // RFC 6750 section 3.1
	default: // with Post 401 is about ourselves: "a properly formed and authorized query … is not considered an error" (RFC 7662 section 2.3)
		return nil, fmt.Errorf("%s: answered %d %s", r.URL.Host, status, http.StatusText(status))
	}
	t, err := parseToken(body)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer is %w", r.URL.Host, err)
	}
	return t, i.check(t)
}

// check looks at what the answer says about the token itself.
func (i *Introspection) check(t *Token) error {
	now := time.Now
	if i.Now != nil {
		now = i.Now
	}
	switch {
	case t.Has("error"):
		return refused("%s", excerpt(t.Get("error")))
	case t.Has("active") && t.Get("active") != "true", i.method() == Post && !t.Has("active"): // REQUIRED (RFC 7662 section 2.2)
		return refused("it isn't active")
	case t.Has("token_type") && !strings.EqualFold(t.Get("token_type"), "bearer"):
		return refused("it is a token of type %s", excerpt(t.Get("token_type")))
	case t.Has("expires_in") && strings.HasPrefix(t.Get("expires_in"), "-"), t.Get("expires_in") == "0":
		return refused("it has expired")
	}
	return t.checkTimes(now(), 0)
}

func (i *Introspection) method() Method {
	if i.Method == "" {
		return Post
	}
	return i.Method
}

func (i *Introspection) request(ctx context.Context, token string) (*http.Request, error) {
	address, method, body := i.URL, http.MethodGet, ""
	switch i.method() {
	case Post:
		method, body = http.MethodPost, url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	case Get:
		address += url.QueryEscape(token)
		for _, v := range [][2]string{{"client_id", i.ClientID}, {"client_secret", i.ClientSecret}} {
			if v[1] != "" {
				address += "&" + v[0] + "=" + url.QueryEscape(v[1])
			}
		}
	case Auth:
	default:
		return nil, fmt.Errorf("%q is no way to ask about tokens", string(i.Method))
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL to ask about tokens can't be used") // the error would have the token in it
	}
	switch i.method() {
	case Post:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if i.ClientID != "" && r.URL.User == nil {
			r.SetBasicAuth(url.QueryEscape(i.ClientID), url.QueryEscape(i.ClientSecret)) // RFC 6749 section 2.3.1
		}
	case Auth:
		if r.URL.User == nil {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	}
	return r, nil
}
