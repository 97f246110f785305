// Package sasl is the Simple Authentication and Security Layer (RFC 4422) for every protocol of the house: both sides of
// each mechanism, which of them may be announced, and the base64 lines that SMTP, IMAP, POP3 and ManageSieve wrap
// around them. Mechanisms have the shape of github.com/emersion/go-sasl, whose own are used where it has them.
package sasl

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/buuta/mail"
)

// The mechanisms' names.
const (
	Plain           = "PLAIN"
	Login           = "LOGIN"
	CRAMMD5         = "CRAM-MD5"
	SCRAMSHA1       = "SCRAM-SHA-1"
	SCRAMSHA1Plus   = "SCRAM-SHA-1-PLUS"
	SCRAMSHA256     = "SCRAM-SHA-256"
	SCRAMSHA256Plus = "SCRAM-SHA-256-PLUS"
	OAuthBearer     = "OAUTHBEARER"
	XOAuth2         = "XOAUTH2"
	External        = "EXTERNAL"
	Anonymous       = "ANONYMOUS"
)

// How an exchange can end besides success, a failure wrapping [mail.ErrAuthFailed], and any other error, which is the
// Authenticator's own trouble and temporary.
var (
	ErrNoMechanism = errors.New("no such SASL mechanism here")
	ErrNotSecured  = errors.New("mechanism needs a secured connection")
	ErrMalformed   = errors.New("malformed SASL response") // the client broke the mechanism's syntax
	ErrCancelled   = errors.New("authentication cancelled by the client")
)

// MaxResponse is the default limit for a decoded response, in octets: what fits the 12288 octets that RFC 4954 section 4
// wants a base64 line to have room for.
const MaxResponse = 9216

// Config is what a server knows when a client wants to authenticate. It is made anew for each connection, and again
// after STARTTLS; it must not change while an exchange runs.
type Config struct {
	Authenticator mail.Authenticator
	Guard         mail.AuthGuard // nil: every attempt is looked at
	Service       string         // "smtp", "submission", "imap", "pop3", "sieve", "http": for the Authenticator
	Hostname      string         // of this server, for CRAM-MD5's challenge; "" means "localhost"
	Remote        net.Addr       // the client's address
	Secured       bool           // plaintext mechanisms are allowed: TLS, or from this machine, or by policy

	// TLS is the connection's state, nil without TLS. It makes EXTERNAL and channel binding possible.
	TLS *tls.ConnectionState
	// Certificate is the leaf that this server has shown, in DER, for the channel binding tls-server-end-point. nil: only
	// tls-exporter. [RecordCertificate] finds it out.
	Certificate []byte

	// Allow narrows the mechanisms to those named; empty allows all.
	Allow []string
	// MaxResponse limits a decoded response; 0 means [MaxResponse].
	MaxResponse int
	// Extra are mechanisms of the server's own, by upper-case name. They are announced always and last.
	Extra map[string]func(ctx context.Context, c *Config) (gosasl.Server, IdentityFunc)

	nonce func() string // for tests with an RFC's numbers
}

// IdentityFunc tells who has been authenticated, once a server of [Config.Extra] is done.
type IdentityFunc func() *mail.Identity

// mechanism is one row of the table of mechanisms.
type mechanism struct {
	name      string
	plaintext bool // shows the secret to whoever reads the connection
	able      func(c *Config) bool
	start     func(e *Exchange) gosasl.Server
}

// Mechanisms returns the mechanisms that may be announced now, the strongest first.
func (c *Config) Mechanisms() []string {
	var out []string
	if c.Authenticator == nil {
		return nil
	}
	for _, m := range serverMechanisms() {
		if c.allowed(m.name) && (!m.plaintext || c.Secured) && m.able(c) {
			out = append(out, m.name)
		}
	}
	return append(out, c.extraNames()...)
}

// Offers reports whether the named mechanism may be used now.
func (c *Config) Offers(name string) bool {
	_, err := c.find(name)
	return err == nil
}

func (c *Config) find(name string) (*mechanism, error) {
	if c.Authenticator == nil || !c.allowed(name) {
		return nil, ErrNoMechanism
	}
	for _, m := range serverMechanisms() {
		if !strings.EqualFold(m.name, name) || !m.able(c) {
			continue
		}
		if m.plaintext && !c.Secured {
			return nil, ErrNotSecured
		}
		return &m, nil
	}
	if m := c.extra(name); m != nil {
		return m, nil
	}
	return nil, ErrNoMechanism
}

func (c *Config) allowed(name string) bool {
	if len(c.Allow) == 0 {
		return true
	}
	for _, a := range c.Allow {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}

// Start begins an exchange: ErrNoMechanism, or ErrNotSecured for one that would show a secret to the network. ctx is
// for the whole exchange.
func (c *Config) Start(ctx context.Context, name string) (*Exchange, error) {
	m, err := c.find(name)
	if err != nil {
		return nil, err
	}
	e := &Exchange{ctx: ctx, cfg: c, mechanism: m.name}
	e.server = m.start(e)
	return e, nil
}
