package sasl

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/buuta/mail"
)

// ErrServerUnproved says that a server let the client in without proving that it knows the client's secret, though the
// mechanism demands it (RFC 5802 section 5): it may be somebody else's.
var ErrServerUnproved = errors.New("server did not prove that it knows the password")

// ClientConfig is what a client knows of the connection.
type ClientConfig struct {
	Credentials *mail.Credentials
	Offered     []string             // the mechanisms that the server announced
	TLS         *tls.ConnectionState // nil without TLS
	Secured     bool                 // plaintext mechanisms may be used: TLS with a checked certificate, or a local socket
	Host        string               // of the server, for OAUTHBEARER; may be ""
	Port        int                  // may be 0

	nonce func() string // for tests with an RFC's numbers
}

// ClientExchange is one authentication on the client's side, over base64 lines. It is used by one goroutine.
type ClientExchange struct {
	client    gosasl.Client
	mechanism string
	initial   []byte
	hasIR     bool
}

// Start chooses the best mechanism and begins: ErrNotSecured when only plaintext ones would do and they may not be used,
// ErrNoMechanism when there is none.
func (c *ClientConfig) Start() (*ClientExchange, error) {
	client, err := c.choose()
	if err != nil {
		return nil, err
	}
	return NewClientExchange(client)
}

// NewClientExchange wraps a mechanism of the caller's own.
func NewClientExchange(client gosasl.Client) (*ClientExchange, error) {
	name, ir, err := client.Start()
	if err != nil {
		return nil, err
	}
	return &ClientExchange{client: client, mechanism: name, initial: ir, hasIR: ir != nil}, nil
}

// Mechanism returns the name to send.
func (x *ClientExchange) Mechanism() string { return x.mechanism }

// Initial returns the initial response to send behind the mechanism's name, "=" for an empty one, and whether there is
// one. A protocol or server without room for it leaves it out: Answer then gives it to the first, empty challenge.
func (x *ClientExchange) Initial() (line string, ok bool) {
	if !x.hasIR {
		return "", false
	}
	x.hasIR = false
	return encodeLine(x.initial), true
}

// HasInitial reports whether Initial would return a response, without taking it.
func (x *ClientExchange) HasInitial() bool { return x.hasIR }

// Answer takes a challenge's base64 and returns the line to send back. After an error send "*", which cancels, and read
// the server's reply. A challenge that only says why a token is refused is answered too, so that the reply says no.
func (x *ClientExchange) Answer(challenge string) (line string, err error) {
	b, err := decode(challenge)
	if err != nil {
		return "", err
	}
	if x.hasIR {
		x.hasIR = false
		if len(b) > 0 {
			return "", gosasl.ErrUnexpectedServerChallenge
		}
		return base64.StdEncoding.EncodeToString(x.initial), nil
	}
	r, err := x.client.Next(b)
	if _, refused := errors.AsType[*gosasl.OAuthBearerError](err); refused {
		// "the client … sends a dummy client response … of a single %x01 character" (RFC 7628 section 3.2.3). Google's XOAUTH2 wants an
		// empty one.
		if x.mechanism == XOAuth2 {
			return "", nil
		}
		return "AQ==", nil
	}
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(r), nil
}

// Finish is called when the server has said yes. An error means that it must not be believed.
func (x *ClientExchange) Finish() error {
	if f, ok := x.client.(interface{ Proved() bool }); ok && !f.Proved() {
		return ErrServerUnproved
	}
	return nil
}

// clientMechanism is one row of what the client's side can do.
type clientMechanism struct {
	name      string
	plaintext bool
	able      func(c *ClientConfig) bool
	start     func(c *ClientConfig) gosasl.Client
}

// choose returns the best mechanism of those offered.
func (c *ClientConfig) choose() (gosasl.Client, error) {
	err := ErrNoMechanism
	if c.Credentials == nil {
		return nil, err
	}
	table := clientMechanisms()
	if own := c.Credentials.Mechanisms; len(own) > 0 {
		var chosen []clientMechanism
		for _, name := range own {
			for _, m := range table {
				if strings.EqualFold(m.name, name) {
					chosen = append(chosen, m)
				}
			}
		}
		table = chosen
	}
	for _, m := range table {
		if !c.offered(m.name) || !m.able(c) {
			continue
		}
		if m.plaintext && !c.Secured && !c.Credentials.AllowPlaintext {
			err = ErrNotSecured
			continue
		}
		return m.start(c), nil
	}
	return nil, err
}

func (c *ClientConfig) offered(name string) bool {
	return slices.ContainsFunc(c.Offered, func(o string) bool { return strings.EqualFold(o, name) })
}

// loginClient is the client of LOGIN. Servers write their prompts as they like ("User Name", "Username:", nothing), so
// the order decides.
type loginClient struct {
	username, password string
	step               int
}

func (l *loginClient) Start() (string, []byte, error) { return Login, nil, nil }

func (l *loginClient) Next([]byte) ([]byte, error) {
	l.step++
	switch l.step {
	case 1:
		return []byte(l.username), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, gosasl.ErrUnexpectedServerChallenge
}
