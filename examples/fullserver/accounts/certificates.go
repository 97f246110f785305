package accounts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/buuta/mail"
)

// Voucher is what can say whether somebody whom another vouches for may log in: *Accounts and File are.
type Voucher interface {
	// Vouched returns the identity of a user whose name has been proved otherwise than by a password: mail.ErrAuthFailed where there is no such user or he
	// may not log in from there.
	Vouched(ctx context.Context, a *mail.AuthRequest, name string) (*mail.Identity, error)
}

// CertificateOptions say what clients' certificates are for.
type CertificateOptions struct {
	// Required refuses whoever has none that an authority vouches for: auth_ssl_require_client_cert.
	Required bool
	// Name, if not nil, is who a certificate's user is, whatever name the client gives, and makes EXTERNAL possible: auth_ssl_username_from_cert.
	Name func(c *x509.Certificate) (string, error)
}

// Certified returns next with its users' certificates taken into account. It implements all interfaces of package mail that next does, and
// [mail.CertificateAuthenticator] where there is a Name; what it can't do fails: a server must be told which mechanisms to offer.
func Certified(next mail.Authenticator, users Voucher, o CertificateOptions) mail.Authenticator {
	c := certified{next: next, users: users, o: o}
	if o.Name == nil {
		return c
	}
	return external{c}
}

type certified struct {
	next  mail.Authenticator
	users Voucher
	o     CertificateOptions
}

// heed returns the request with the name that the certificate has.
func (c certified) heed(a *mail.AuthRequest) (*mail.AuthRequest, error) {
	if a.TLS == nil || len(a.TLS.VerifiedChains) == 0 {
		if c.o.Required {
			return nil, fmt.Errorf("%w: no certificate that an authority vouches for", mail.ErrAuthFailed)
		}
		return a, nil
	}
	if c.o.Name == nil {
		return a, nil
	}
	name, err := c.o.Name(a.TLS.PeerCertificates[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", mail.ErrAuthFailed, err)
	}
	own := *a
	own.Username = name
	return &own, nil
}

// Authenticate implements mail.Authenticator.
func (c certified) Authenticate(ctx context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	own, err := c.heed(a)
	if err != nil {
		return nil, err
	}
	return c.next.Authenticate(ctx, own)
}

// Password implements mail.PasswordStore.
func (c certified) Password(ctx context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	store, ok := c.next.(mail.PasswordStore)
	if !ok {
		return "", nil, mail.ErrAuthFailed
	}
	own, err := c.heed(a)
	if err != nil {
		return "", nil, err
	}
	return store.Password(ctx, own)
}

// SCRAM implements mail.SCRAMStore.
func (c certified) SCRAM(ctx context.Context, a *mail.AuthRequest, hash string) (*mail.SCRAMCredentials, *mail.Identity, error) {
	store, ok := c.next.(mail.SCRAMStore)
	if !ok {
		return nil, nil, mail.ErrAuthFailed
	}
	own, err := c.heed(a)
	if err != nil {
		return nil, nil, err
	}
	return store.SCRAM(ctx, own, hash)
}

// AuthenticateToken implements mail.TokenAuthenticator. A certificate's user has to be the token's, too.
func (c certified) AuthenticateToken(ctx context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	store, ok := c.next.(mail.TokenAuthenticator)
	if !ok {
		return nil, mail.ErrAuthFailed
	}
	own, err := c.heed(a)
	if err != nil {
		return nil, err
	}
	if own != a {
		own.Username, own.Authorize = "", own.Username
	}
	return store.AuthenticateToken(ctx, own, token)
}

// external implements mail.CertificateAuthenticator too.
type external struct{ certified }

// AuthenticateCertificate implements mail.CertificateAuthenticator.
func (c external) AuthenticateCertificate(ctx context.Context, a *mail.AuthRequest, state *tls.ConnectionState) (*mail.Identity, error) {
	name, err := c.o.Name(state.PeerCertificates[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", mail.ErrAuthFailed, err)
	}
	return c.users.Vouched(ctx, a, name)
}

// Vouched implements Voucher.
func (a *Accounts) Vouched(ctx context.Context, q *mail.AuthRequest, name string) (*mail.Identity, error) {
	named := *q
	named.Username, named.Authorize = name, ""
	r, login, ok := a.request(&named)
	if !ok || login != "" { // a master user's name is no user's
		return nil, a.delay(ctx, mail.ErrAuthFailed)
	}
	t := &attempt{a: a, r: r, verify: func(context.Context, *record) (bool, error) { return true, nil }}
	user, err := t.through(ctx, a.passdbs)
	if err != nil {
		return nil, a.delay(ctx, err)
	}
	return a.identity(user, q), nil
}

// Vouched implements Voucher.
func (f File) Vouched(ctx context.Context, q *mail.AuthRequest, name string) (*mail.Identity, error) {
	return f.F.Vouched(ctx, q, name)
}
