package sasl

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	gosasl "github.com/emersion/go-sasl"

	"github.com/buuta/mail"
)

// cramServer is the server of CRAM-MD5 (RFC 2195).
type cramServer struct {
	e         *Exchange
	challenge string
}

func newCRAM(e *Exchange) gosasl.Server { return &cramServer{e: e} }

func hasPasswords(c *Config) bool {
	_, ok := c.Authenticator.(mail.PasswordStore)
	return ok
}

func (s *cramServer) Next(response []byte) ([]byte, bool, error) {
	if s.challenge == "" {
		if response != nil {
			return nil, false, fmt.Errorf("%w: CRAM-MD5 has no initial response", ErrMalformed)
		}
		s.challenge = s.e.cfg.Challenge()
		return []byte(s.challenge), false, nil
	}
	// The name may have spaces; the digest has none.
	i := strings.LastIndexByte(string(response), ' ')
	if i < 0 || len(response)-i-1 != 2*md5.Size {
		return nil, false, fmt.Errorf("%w: CRAM-MD5 response", ErrMalformed)
	}
	username, digest := string(response[:i]), string(response[i+1:])
	err := s.e.shared(username, digest, func(password string) string { return cramDigest(password, s.challenge) })
	return nil, err == nil, err
}

func cramDigest(password, challenge string) string {
	m := hmac.New(md5.New, []byte(password))
	m.Write([]byte(challenge))
	return hex.EncodeToString(m.Sum(nil))
}

// Challenge returns a string in the form of a message-id that has not been used before (RFC 2195 section 2, RFC 1939
// section 7).
func (c *Config) Challenge() string {
	if c.nonce != nil {
		return c.nonce()
	}
	host := c.Hostname
	if host == "" {
		host = "localhost"
	}
	return "<" + rand.Text() + "@" + host + ">"
}

// shared checks a digest that the client has made of a password both sides know. One for an unknown user is compared
// with the digest of a password that nobody has.
func (e *Exchange) shared(username, got string, digest func(password string) string) error {
	if err := checkName(username); err != nil {
		return err
	}
	a := e.request(username, "", "")
	ps, ok := e.cfg.Authenticator.(mail.PasswordStore)
	if !ok {
		return ErrNoMechanism
	}
	if err := e.admit(a); err != nil {
		return err
	}
	password, id, err := ps.Password(e.ctx, a)
	if err == nil && password == "" {
		err = mail.ErrAuthFailed
	}
	if err != nil {
		password = rand.Text()
	}
	// RFC 6856 section 2.2 wants SASLprep; clients older than it take the password as it was typed.
	prepared, perr := Prep(password)
	if perr != nil {
		prepared = password
	}
	got = strings.ToLower(got)
	right := hmac.Equal([]byte(digest(prepared)), []byte(got))
	if prepared != password && hmac.Equal([]byte(digest(password)), []byte(got)) {
		right = true
	}
	switch {
	case err != nil && !errors.Is(err, mail.ErrAuthFailed):
	case err != nil || !right:
		err = mail.ErrAuthFailed
	}
	return e.settle(a, id, err)
}

// APOP checks POP3's APOP command, the digest of a timestamp and a shared secret (RFC 1939 section 7). timestamp is what
// [Config.Challenge] gave for the greeting. The errors are those of [Exchange.Next], and ErrNoMechanism.
func (c *Config) APOP(ctx context.Context, timestamp, username, digest string) (*mail.Identity, error) {
	if !c.OffersAPOP() {
		return nil, ErrNoMechanism
	}
	e := &Exchange{ctx: ctx, cfg: c, mechanism: "APOP"}
	err := e.shared(username, digest, func(password string) string {
		sum := md5.Sum([]byte(timestamp + password))
		return hex.EncodeToString(sum[:])
	})
	if err != nil {
		return nil, err
	}
	return e.identity, nil
}

// OffersAPOP reports whether APOP may be used: the Authenticator has passwords and [Config.Allow] doesn't leave it out.
func (c *Config) OffersAPOP() bool { return hasPasswords(c) && c.allowed("APOP") }

// cramClient is the client of CRAM-MD5.
type cramClient struct {
	username, password string
	done               bool
}

func newCRAMClient(c *ClientConfig) gosasl.Client {
	password := c.Credentials.Password
	if prepared, err := Prep(password); err == nil {
		password = prepared
	}
	return &cramClient{username: c.Credentials.Username, password: password}
}

func (c *cramClient) Start() (string, []byte, error) { return CRAMMD5, nil, nil }

func (c *cramClient) Next(challenge []byte) ([]byte, error) {
	if c.done {
		return nil, gosasl.ErrUnexpectedServerChallenge
	}
	c.done = true
	return []byte(c.username + " " + cramDigest(c.password, string(challenge))), nil
}
