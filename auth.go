package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// Authenticator checks who somebody is. One serves every protocol. It must take the same time and return the same
// error, [ErrAuthFailed], for a user it doesn't know and a password that is wrong; a failure of its own (a database
// that is down) is any other error, which protocols report as temporary. It may be used by many goroutines at once.
type Authenticator interface {
	Authenticate(ctx context.Context, a *AuthRequest) (*Identity, error)
}

// AuthenticatorFunc is a function that is an [Authenticator].
type AuthenticatorFunc func(ctx context.Context, a *AuthRequest) (*Identity, error)

// Authenticate implements [Authenticator].
func (f AuthenticatorFunc) Authenticate(ctx context.Context, a *AuthRequest) (*Identity, error) {
	return f(ctx, a)
}

// AuthRequest is what a client has shown of itself.
type AuthRequest struct {
	Username  string // authentication identity, as the client wrote it
	Authorize string // authorization identity it wants to act as; "" for its own
	Password  string
	Mechanism string   // SASL mechanism, or "USER" and "LOGIN" for POP3's and IMAP's own commands
	Service   string   // "smtp", "submission", "imap", "pop3", "sieve", "http"
	Remote    net.Addr // the client's address, nil when there is none
	Secured   bool     // over TLS, or from this machine
	// TLS is the connection's state, nil without TLS. Its VerifiedChains are there only when the client has shown a certificate of an authority that the
	// server's configuration names.
	TLS *tls.ConnectionState
}

// Identity is an authenticated user.
type Identity struct {
	Username string // canonical name, for the log
	Account  string // what [Store.Account] is asked for; "" means Username
}

// AccountName returns the account that the identity reads.
func (i *Identity) AccountName() string {
	if i.Account != "" {
		return i.Account
	}
	return i.Username
}

// ErrAuthFailed says that the credentials are not right, and no more than that.
var ErrAuthFailed = errors.New("authentication failed")
