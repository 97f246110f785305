package sasl_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

var errDown = errors.New("database is down")

// users is an Authenticator with passwords only: what every site has.
type users struct {
	passwords map[string]string
	masters   map[string]bool // may act as anybody
	last      *mail.AuthRequest
	down      bool
}

func newUsers() *users {
	return &users{
		passwords: map[string]string{"user": "pencil", "tim": "tanstaaftanstaaf", "alice@example.test": "secret", "bùi": "mật khẩu", "admin": "root"},
		masters:   map[string]bool{"admin": true},
	}
}

func (u *users) identity(a *mail.AuthRequest) *mail.Identity {
	if u.masters[a.Username] && a.Authorize != "" {
		return &mail.Identity{Username: a.Authorize}
	}
	return &mail.Identity{Username: a.Username}
}

func (u *users) Authenticate(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	u.last = a
	if u.down {
		return nil, errDown
	}
	if p, ok := u.passwords[a.Username]; !ok || p != a.Password {
		return nil, mail.ErrAuthFailed
	}
	return u.identity(a), nil
}

// rich can do everything.
type rich struct{ *users }

func (r *rich) Password(_ context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	r.last = a
	if r.down {
		return "", nil, errDown
	}
	p, ok := r.passwords[a.Username]
	if !ok {
		return "", nil, mail.ErrAuthFailed
	}
	return p, r.identity(a), nil
}

func (r *rich) AuthenticateToken(_ context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	r.last = a
	if r.down {
		return nil, errDown
	}
	if token != "good-token" {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: "user"}, nil
}

func (r *rich) AuthenticateCertificate(_ context.Context, a *mail.AuthRequest, state *tls.ConnectionState) (*mail.Identity, error) {
	r.last = a
	return &mail.Identity{Username: state.VerifiedChains[0][0].Subject.CommonName}, nil
}

func (r *rich) AuthenticateAnonymous(_ context.Context, a *mail.AuthRequest, trace string) (*mail.Identity, error) {
	r.last = a
	return &mail.Identity{Username: "anonymous"}, nil
}

// keys keeps only salted keys.
type keys struct {
	*users
	shape *mail.SCRAMCredentials // for unknown users
}

func (k *keys) SCRAM(_ context.Context, a *mail.AuthRequest, hash string) (*mail.SCRAMCredentials, *mail.Identity, error) {
	p, ok := k.passwords[a.Username]
	if !ok {
		return k.shape, nil, mail.ErrAuthFailed
	}
	salt := []byte("W[m:\xaatD\x9d\x12")
	c, err := sasl.DeriveSCRAM(hash, p, salt, 5000)
	return c, k.identity(a), err
}

// talk drives a client and a server against each other and returns both ends' results.
func talk(x *sasl.ClientExchange, e *sasl.Exchange) (serverErr, clientErr error) {
	initial, _ := x.Initial()
	serverErr = e.Run(initial, func(challenge string) ([]byte, error) {
		line, err := x.Answer(challenge)
		if err != nil {
			clientErr = err
			return []byte("*"), nil
		}
		return []byte(line), nil
	})
	if serverErr == nil {
		clientErr = x.Finish()
	}
	return serverErr, clientErr
}

// login runs the named mechanism.
func login(t *testing.T, server *sasl.Config, client *sasl.ClientConfig, mechanism string) (*mail.Identity, error, error) {
	t.Helper()
	client.Offered = server.Mechanisms()
	creds := *client.Credentials
	creds.Mechanisms = []string{mechanism}
	c := *client
	c.Credentials = &creds
	x, err := c.Start()
	require.NoError(t, err)
	require.Equal(t, mechanism, x.Mechanism())
	e, err := server.Start(context.Background(), mechanism)
	require.NoError(t, err)
	serverErr, clientErr := talk(x, e)
	return e.Identity(), serverErr, clientErr
}
