package oauth2

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// Authenticator is a [mail.Authenticator] and [mail.TokenAuthenticator] that lets users in by their tokens.
type Authenticator struct {
	// Verifiers are asked in turn while they say [ErrFormat].
	Verifiers []Verifier
	// Username is the claim that has the user's name; "": "email".
	Username string
	// Scope are the words that a token's scope must have.
	Scope []string
	// Configuration is told to clients whose token isn't taken: where the issuer's OpenID configuration is.
	Configuration string
	// Identity returns who a token's user is; nil: the user of that name. It is how an account is looked for, ErrAuthFailed where there is none, and how one may
	// act as another.
	Identity func(ctx context.Context, a *mail.AuthRequest, t *Token, username string) (*mail.Identity, error)
	// Passwords checks passwords; nil: none is right.
	Passwords mail.Authenticator
}

// Authenticate implements [mail.Authenticator].
func (u *Authenticator) Authenticate(ctx context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	if u.Passwords == nil {
		return nil, mail.ErrAuthFailed
	}
	return u.Passwords.Authenticate(ctx, a)
}

// AuthenticateToken implements [mail.TokenAuthenticator]. A token that isn't taken is a [*mail.TokenError].
func (u *Authenticator) AuthenticateToken(ctx context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	id, err := u.authenticate(ctx, a, token)
	if errors.Is(err, mail.ErrAuthFailed) {
		e := &mail.TokenError{Err: err, Status: "invalid_token", Configuration: u.Configuration, Scope: strings.Join(u.Scope, " ")}
		if errors.Is(err, errScope) {
			e.Status = "insufficient_scope"
		}
		err = e
	}
	return id, err
}

func (u *Authenticator) authenticate(ctx context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	t, err := Verify(ctx, token, u.Verifiers...)
	if err != nil {
		return nil, err
	}
	if err := CheckScope(t, u.Scope); err != nil {
		return nil, err
	}
	claim := u.Username
	if claim == "" {
		claim = "email"
	}
	name := t.Get(claim)
	switch {
	case len(t.Fields[claim]) != 1 || name == "":
		return nil, refused("it has no %q", claim)
	case claim == "email" && t.Has("email_verified") && t.Get("email_verified") != "true":
		return nil, refused("its email address isn't verified") // OpenID Connect Core 1.0 section 5.7
	case u.Identity != nil:
		return u.Identity(ctx, a, t, name)
	}
	return &mail.Identity{Username: name}, nil
}

// Verify asks verifiers in turn while they say [ErrFormat].
func Verify(ctx context.Context, token string, verifiers ...Verifier) (*Token, error) {
	err := ErrFormat
	for _, v := range verifiers {
		t, verr := v.Verify(ctx, token)
		if verr == nil {
			return t, nil
		}
		if err = verr; !errors.Is(verr, ErrFormat) {
			break
		}
	}
	return nil, err
}

var errScope = refused("its scope isn't enough")

// CheckScope refuses a token whose "scope" lacks one of the words wanted.
func CheckScope(t *Token, wanted []string) error {
	has := t.Scopes()
	for _, w := range wanted {
		if !slices.Contains(has, w) {
			return errScope
		}
	}
	return nil
}
