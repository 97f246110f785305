package sasl

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// tokenFunc takes tokens.
type tokenFunc func(token string) (*mail.Identity, error)

func (tokenFunc) Authenticate(context.Context, *mail.AuthRequest) (*mail.Identity, error) {
	return nil, mail.ErrAuthFailed
}

func (f tokenFunc) AuthenticateToken(_ context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	if a.Password != "" {
		return nil, errors.New("the Authenticator is shown a password that is none")
	}
	return f(token)
}

// "If the server fails to verify the token … it sends an error response", a JSON object with status (REQUIRED), scope and openid-configuration (OPTIONAL) (RFC
// 7628 section 3.2.2).
func TestTokenFailure(t *testing.T) {
	failures := map[string]error{
		"plain": mail.ErrAuthFailed,
		"told":  &mail.TokenError{Err: fmt.Errorf("%w: expired", mail.ErrAuthFailed), Status: "insufficient_scope", Scope: "mail \"x\"", Configuration: "https://id.test/.well-known/openid-configuration"},
		"bare":  &mail.TokenError{Err: mail.ErrAuthFailed},
		"down":  errors.New("the issuer is down"),
	}
	c := &Config{Secured: true, Authenticator: tokenFunc(func(token string) (*mail.Identity, error) { return nil, failures[token] })}
	run := func(mechanism, token string) (challenge string, err error) {
		e, err := c.Start(t.Context(), mechanism)
		require.NoError(t, err)
		initial := "n,a=user,\x01auth=Bearer " + token + "\x01\x01"
		if mechanism == XOAuth2 {
			initial = "user=user\x01auth=Bearer " + token + "\x01\x01"
		}
		err = e.Run(base64.StdEncoding.EncodeToString([]byte(initial)), func(ch string) ([]byte, error) {
			b, _ := base64.StdEncoding.DecodeString(ch)
			challenge += string(b)
			return []byte("AQ=="), nil
		})
		return challenge, err
	}
	const more = `"schemes":"bearer","scope":"mail \"x\"","openid-configuration":"https://id.test/.well-known/openid-configuration"}`
	for _, tt := range []struct{ mechanism, token, want string }{
		{OAuthBearer, "plain", `{"status":"invalid_token","schemes":"bearer"}`},
		{OAuthBearer, "bare", `{"status":"invalid_token","schemes":"bearer"}`},
		{OAuthBearer, "told", `{"status":"insufficient_scope",` + more},
		{XOAuth2, "plain", `{"status":"401","schemes":"bearer"}`},
		{XOAuth2, "told", `{"status":"401",` + more},
		{OAuthBearer, "down", ""}, {XOAuth2, "down", ""}, // nothing is said about the token
	} {
		challenge, err := run(tt.mechanism, tt.token)
		require.Equal(t, tt.want, challenge, tt.mechanism+" "+tt.token)
		require.ErrorIs(t, err, failures[tt.token])
		require.Equal(t, tt.token != "down", errors.Is(err, mail.ErrAuthFailed))
	}
}

// admitted notes what a guard is shown.
type admitted []mail.AuthRequest

func (g *admitted) Admit(_ context.Context, a *mail.AuthRequest) (func(error), error) {
	*g = append(*g, *a)
	return func(error) {}, nil
}

// A telephone with an old token tries it again and again: the guard sees that it is the same one.
func TestGuardSeesTokens(t *testing.T) {
	g := new(admitted)
	c := &Config{Secured: true, Guard: g, Authenticator: tokenFunc(func(string) (*mail.Identity, error) { return nil, mail.ErrAuthFailed })}
	e, err := c.Start(t.Context(), OAuthBearer)
	require.NoError(t, err)
	_, _, err = e.Next([]byte("n,a=user,\x01auth=Bearer old\x01\x01"))
	require.NoError(t, err)
	require.Len(t, *g, 1)
	require.Equal(t, "user", (*g)[0].Authorize)
	require.Equal(t, "old", (*g)[0].Password)
}
