package imaptest

import (
	"context"
	"crypto/subtle"

	"github.com/buuta/mail"
)

// Users is a [mail.Authenticator] and [mail.PasswordStore] of user names and their passwords.
type Users map[string]string

// Authenticate implements [mail.Authenticator].
func (u Users) Authenticate(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	want, known := u[a.Username]
	same := subtle.ConstantTimeCompare([]byte(want), []byte(a.Password)) == 1
	if !known || !same || a.Authorize != "" && a.Authorize != a.Username {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: a.Username}, nil
}

// Password implements [mail.PasswordStore].
func (u Users) Password(_ context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	password, known := u[a.Username]
	if !known {
		return "", nil, mail.ErrAuthFailed
	}
	return password, &mail.Identity{Username: a.Username}, nil
}
