package sasl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/buuta/mail"
)

func takesTokens(c *Config) bool {
	_, ok := c.Authenticator.(mail.TokenAuthenticator)
	return ok
}

// token asks the Authenticator about a bearer token.
func (e *Exchange) token(user, token string) error {
	ta, ok := e.cfg.Authenticator.(mail.TokenAuthenticator)
	if !ok {
		return ErrNoMechanism
	}
	if user != "" {
		if err := checkName(user); err != nil {
			return err
		}
	}
	a := e.request("", user, "")
	shown := *a
	shown.Password = token // the guard takes one that comes again and again for one mistake
	if err := e.admit(&shown); err != nil {
		return err
	}
	if !validToken(token) {
		return e.settle(a, nil, mail.ErrAuthFailed)
	}
	id, err := ta.AuthenticateToken(e.ctx, a, token)
	return e.settle(a, id, err)
}

// tokenFailure is what the client is told about its token: JSON, whose names are those of RFC 7628 section 3.2.2. XOAUTH2's "status" is one of HTTP's.
func tokenFailure(err error, status string) []byte {
	doc := struct {
		Status        string `json:"status"`
		Schemes       string `json:"schemes"`
		Scope         string `json:"scope,omitempty"`
		Configuration string `json:"openid-configuration,omitempty"`
	}{Status: status, Schemes: "bearer"}
	if e, ok := errors.AsType[*mail.TokenError](err); ok {
		doc.Scope, doc.Configuration = e.Scope, e.Configuration
		if status == "invalid_token" && e.Status != "" {
			doc.Status = e.Status
		}
	}
	b, _ := json.Marshal(doc) // strings always can be
	return b
}

// validToken checks a b64token (RFC 6750 section 2.1), a little wider: printable ASCII without space.
func validToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// bearerServer is the server of OAUTHBEARER (RFC 7628): go-sasl's, with the rest of the GS2 header read, unknown keys
// ignored as section 3.1 wants, and an end to the exchange whatever the client answers to the error.
type bearerServer struct {
	e      *Exchange
	inner  gosasl.Server
	failed error
}

func newBearer(e *Exchange) gosasl.Server {
	s := &bearerServer{e: e}
	s.inner = gosasl.NewOAuthBearerServer(func(o gosasl.OAuthBearerOptions) *gosasl.OAuthBearerError {
		if s.failed = e.token(o.Username, o.Token); s.failed != nil {
			return &gosasl.OAuthBearerError{Status: "invalid_token", Schemes: "bearer"}
		}
		return nil
	})
	return s
}

func (s *bearerServer) Next(response []byte) ([]byte, bool, error) {
	if s.failed != nil {
		return nil, false, s.failed // after section 3.2.3's dummy response
	}
	if response == nil {
		return s.inner.Next(nil)
	}
	header, rest, err := parseGS2(string(response))
	if err != nil {
		return nil, false, err
	}
	if header.flag == 'p' {
		return nil, false, fmt.Errorf("%w: OAUTHBEARER has no channel binding", ErrMalformed)
	}
	// go-sasl reads "n" only, takes the name as it stands, and knows three keys.
	msg := "n,"
	if header.authzid != "" {
		if strings.Contains(header.authzid, ",") {
			return nil, false, fmt.Errorf("%w: bad user name", ErrMalformed)
		}
		msg += "a=" + header.authzid
	}
	msg += ","
	pairs := strings.Split(rest, "\x01")
	if len(pairs) < 3 || pairs[0] != "" || pairs[len(pairs)-1] != "" || pairs[len(pairs)-2] != "" {
		return nil, false, fmt.Errorf("%w: OAUTHBEARER response", ErrMalformed)
	}
	auths := 0
	for _, p := range pairs[1 : len(pairs)-2] {
		key, _, ok := strings.Cut(p, "=")
		if !ok || key == "" {
			return nil, false, fmt.Errorf("%w: OAUTHBEARER response", ErrMalformed)
		}
		switch key {
		case "auth":
			auths++
			msg += "\x01" + p
		case "host", "port":
			msg += "\x01" + p
		}
	}
	if auths != 1 {
		return nil, false, fmt.Errorf("%w: OAUTHBEARER needs one auth", ErrMalformed)
	}
	challenge, done, err := s.inner.Next([]byte(msg + "\x01\x01"))
	switch {
	case s.failed != nil && !errors.Is(s.failed, mail.ErrAuthFailed):
		return nil, false, s.failed // nothing is wrong with the token
	case err == nil && !done && s.failed == nil:
		s.failed = fmt.Errorf("%w: OAUTHBEARER response", ErrMalformed)
	case s.failed != nil:
		challenge = tokenFailure(s.failed, "invalid_token")
	}
	return challenge, done, err
}

// xoauthServer is the server of XOAUTH2, what OAUTHBEARER was before it was a standard: "user=" name ^A "auth=Bearer "
// token ^A ^A.
type xoauthServer struct {
	e      *Exchange
	failed error
}

func newXOAuth(e *Exchange) gosasl.Server { return &xoauthServer{e: e} }

func (s *xoauthServer) Next(response []byte) ([]byte, bool, error) {
	if s.failed != nil {
		return nil, false, s.failed
	}
	if response == nil {
		return []byte{}, false, nil
	}
	malformed := fmt.Errorf("%w: XOAUTH2 response", ErrMalformed)
	body, ok := bytes.CutSuffix(response, []byte("\x01\x01"))
	parts := strings.Split(string(body), "\x01")
	if !ok || len(parts) != 2 {
		return nil, false, malformed
	}
	user, ok1 := strings.CutPrefix(parts[0], "user=")
	value, ok2 := strings.CutPrefix(parts[1], "auth=")
	scheme, token, ok3 := strings.Cut(value, " ")
	if !ok1 || !ok2 || !ok3 || !strings.EqualFold(scheme, "Bearer") {
		return nil, false, malformed
	}
	err := s.e.token(user, token)
	if errors.Is(err, mail.ErrAuthFailed) {
		s.failed = err
		return tokenFailure(err, "401"), false, nil
	}
	return nil, err == nil, err
}

// newBearerClient is go-sasl's client, given the name as GS2 quotes it.
func newBearerClient(c *ClientConfig) gosasl.Client {
	name := c.Credentials.Authorize
	if name == "" {
		name = c.Credentials.Username
	}
	return gosasl.NewOAuthBearerClient(&gosasl.OAuthBearerOptions{
		Username: encodeName(name), Token: c.Credentials.Token, Host: c.Host, Port: c.Port,
	})
}

// xoauthClient is the client of XOAUTH2.
type xoauthClient struct{ username, token string }

func newXOAuthClient(c *ClientConfig) gosasl.Client {
	return &xoauthClient{c.Credentials.Username, c.Credentials.Token}
}

func (x *xoauthClient) Start() (string, []byte, error) {
	return XOAuth2, []byte("user=" + x.username + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next gets a challenge only when the server refuses, and then says why.
func (x *xoauthClient) Next(challenge []byte) ([]byte, error) {
	e := new(gosasl.OAuthBearerError)
	if err := json.Unmarshal(challenge, e); err != nil {
		return nil, gosasl.ErrUnexpectedServerChallenge
	}
	return nil, e
}
