package mail

import (
	"context"
	"crypto/tls"
)

// An [Authenticator] that can do more than compare a password shows it by implementing one or more of the interfaces
// below; the SASL mechanisms that need them are then announced. What the Authenticator's own method says about equal time
// and equal errors for unknown users holds for all of them, and so does this: an [Identity] that isn't the client's own
// is given only to somebody who may act as it. When the client asked for one ([AuthRequest.Authorize]), the exchange
// fails unless the Identity returned has it as Username or Account.

// PasswordStore is an Authenticator that can look up passwords in the clear. It makes CRAM-MD5 (RFC 2195), APOP
// (RFC 1939 section 7) and, where no [SCRAMStore] is better, SCRAM possible.
type PasswordStore interface {
	// Password returns the password of a.Username and who that is: ErrAuthFailed when there is no such user or no
	// such password. a.Password is empty. The identity is used only after the client has proved that it knows it.
	Password(ctx context.Context, a *AuthRequest) (string, *Identity, error)
}

// SCRAMStore is an Authenticator that keeps salted keys for SCRAM (RFC 5802).
type SCRAMStore interface {
	// SCRAM returns the keys of a.Username for hash, "SHA-1" or "SHA-256", and who that is: ErrAuthFailed when there is
	// no such user or no such key. Credentials returned together with ErrAuthFailed lend their Salt and Iterations
	// to the exchange that will fail, so that it looks like any other; the same should come for the same name each
	// time, also after a restart. Without them both are invented, the same for as long as the process lives.
	SCRAM(ctx context.Context, a *AuthRequest, hash string) (*SCRAMCredentials, *Identity, error)
}

// SCRAMCredentials are what a server keeps of a password for SCRAM (RFC 5802 section 3). Whoever steals them can still
// not log in, but can try passwords at the cost of Iterations each.
type SCRAMCredentials struct {
	Salt       []byte
	Iterations int // at least 4096 (RFC 7677 section 4)
	StoredKey  []byte
	ServerKey  []byte
}

// TokenAuthenticator is an Authenticator that takes OAuth 2.0 bearer tokens: OAUTHBEARER (RFC 7628) and XOAUTH2.
type TokenAuthenticator interface {
	// AuthenticateToken checks a token. a.Username and a.Password are empty; a.Authorize is the user that the client
	// says it is, "" for whom the token names. ErrAuthFailed when the token is not good or is another's, which may be a [*TokenError].
	AuthenticateToken(ctx context.Context, a *AuthRequest, token string) (*Identity, error)
}

// TokenError is [ErrAuthFailed] with what a client is told about a token that isn't taken (RFC 7628 section 3.2.2).
type TokenError struct {
	Err           error  // why, for the log; it wraps ErrAuthFailed
	Status        string // an error code of RFC 6750 section 3.1; "": "invalid_token"
	Scope         string // what a token needs, words with spaces between; may be ""
	Configuration string // URL of the issuer's OpenID configuration; may be ""
}

// Error implements error.
func (e *TokenError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *TokenError) Unwrap() error { return e.Err }

// CertificateAuthenticator is an Authenticator that knows users by their TLS certificates: EXTERNAL (RFC 4422 appendix A).
type CertificateAuthenticator interface {
	// AuthenticateCertificate finds the user of a client certificate. It is asked only when state.VerifiedChains is not
	// empty: the TLS configuration has checked the certificate against its ClientCAs. a.Authorize is who the
	// client wants to be, "" for whom the certificate names.
	AuthenticateCertificate(ctx context.Context, a *AuthRequest, state *tls.ConnectionState) (*Identity, error)
}

// AnonymousAuthenticator is an Authenticator that lets strangers in: ANONYMOUS (RFC 4505).
type AnonymousAuthenticator interface {
	// AuthenticateAnonymous returns what strangers may use. trace is what the client says about itself, perhaps an
	// email address; it proves nothing.
	AuthenticateAnonymous(ctx context.Context, a *AuthRequest, trace string) (*Identity, error)
}

// Credentials are what a client proves itself with. The clients of all protocols take them and use the best mechanism
// that server, credentials and connection allow: EXTERNAL, SCRAM with channel binding, SCRAM, OAUTHBEARER, XOAUTH2, CRAM-MD5, and
// PLAIN or LOGIN only where the connection is secured.
type Credentials struct {
	Username  string
	Authorize string // act as somebody else; "" for oneself
	Password  string
	Token     string // OAuth 2.0 bearer token

	// Certificate says that the TLS certificate shown by the client stands for the user (EXTERNAL).
	Certificate bool
	// Anonymous asks for ANONYMOUS with this trace when it is not nil and there is nothing better.
	Anonymous *string

	// Mechanisms, if not empty, are the only ones to use, the best first.
	Mechanisms []string
	// AllowPlaintext lets passwords and tokens cross a connection that is not secured.
	AllowPlaintext bool
}
