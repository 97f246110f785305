package sasl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	gosasl "github.com/emersion/go-sasl"

	"github.com/buuta/mail"
)

// Exchange is one authentication on the server's side. It is used by one goroutine.
type Exchange struct {
	ctx       context.Context
	cfg       *Config
	mechanism string
	server    gosasl.Server
	username  string
	identity  *mail.Identity
	own       IdentityFunc // of an extra mechanism
	failure   error        // why the Authenticator refused, while the mechanism still goes through the motions
	settled   func(error)  // tells the guard how it ended
	ended     bool
}

// Mechanism returns the mechanism's name.
func (e *Exchange) Mechanism() string { return e.mechanism }

// Username returns the user name that the client has given so far, for the log. Nothing proves it.
func (e *Exchange) Username() string { return e.username }

// Identity returns who the client is once Next has said done without an error, and nil before.
func (e *Exchange) Identity() *mail.Identity {
	if !e.ended {
		return nil
	}
	return e.identity
}

// Next takes the client's response, nil when it sent no initial one, and returns the next challenge or that the
// exchange is done. An error ends it: it wraps mail.ErrAuthFailed or ErrMalformed, or else is a temporary failure.
func (e *Exchange) Next(response []byte) (challenge []byte, done bool, err error) {
	if e.ended {
		return nil, false, ErrMalformed
	}
	limit := e.cfg.MaxResponse
	if limit == 0 {
		limit = MaxResponse
	}
	if len(response) > limit {
		e.ended = true
		return nil, false, fmt.Errorf("%w: longer than %d octets", ErrMalformed, limit)
	}
	challenge, done, err = e.server.Next(response)
	switch {
	case e.failure != nil && (err != nil || done):
		err = e.failure
	case err != nil && !known(err):
		err = fmt.Errorf("%w: %s", ErrMalformed, strings.TrimPrefix(err.Error(), "sasl: "))
	case err == nil && done && e.own != nil:
		if e.identity = e.own(); e.identity == nil {
			err = mail.ErrAuthFailed
		}
	}
	if err != nil {
		e.ended, e.identity = true, nil
		return nil, false, err
	}
	e.ended = done
	return challenge, done, nil
}

// known reports whether err is one that callers of Next can tell apart.
func known(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, mail.ErrAuthFailed)
}

// request is what the Authenticator is shown. A client that asks to act as itself asks for nothing.
func (e *Exchange) request(username, authorize, password string) *mail.AuthRequest {
	if authorize == username {
		authorize = ""
	}
	e.username = username
	if username == "" {
		e.username = authorize
	}
	return &mail.AuthRequest{
		Username: username, Authorize: authorize, Password: password, Mechanism: e.mechanism,
		Service: e.cfg.Service, Remote: e.cfg.Remote, Secured: e.cfg.Secured, TLS: e.cfg.TLS,
	}
}

// settle keeps the Authenticator's verdict and returns it. An identity that is not the one asked for is a refusal: an
// Authenticator that has not looked at Authorize has not allowed it.
func (e *Exchange) settle(a *mail.AuthRequest, id *mail.Identity, err error) error {
	if err == nil {
		err = CheckIdentity(a, id)
	}
	e.tellGuard(err)
	if err != nil {
		e.failure, e.identity = err, nil
		return err
	}
	e.identity = id
	return nil
}

// admit asks the guard whether the Authenticator may be asked; what it has against it ends the exchange.
func (e *Exchange) admit(a *mail.AuthRequest) error {
	if e.cfg.Guard == nil {
		return nil
	}
	settled, err := e.cfg.Guard.Admit(e.ctx, a)
	if err != nil {
		return e.settle(a, nil, err)
	}
	e.settled = settled
	return nil
}

// tellGuard tells the guard how the attempt that it admitted has ended.
func (e *Exchange) tellGuard(err error) {
	if e.settled != nil {
		e.settled(err)
		e.settled = nil
	}
}

// CheckIdentity refuses an identity that is not there or not the one that the client asked to act as.
func CheckIdentity(a *mail.AuthRequest, id *mail.Identity) error {
	if id == nil {
		return mail.ErrAuthFailed
	}
	if w := a.Authorize; w != "" && w != a.Username && !strings.EqualFold(w, id.Username) && !strings.EqualFold(w, id.AccountName()) {
		return fmt.Errorf("%w: may not act as another", mail.ErrAuthFailed)
	}
	return nil
}

// Authenticate checks a name and password for a protocol's own command (IMAP LOGIN, POP3 USER and PASS) with the same
// rules as the mechanisms have: ErrNotSecured, ErrMalformed, or the Authenticator's error.
func (c *Config) Authenticate(ctx context.Context, command, username, password string) (*mail.Identity, error) {
	if c.Authenticator == nil {
		return nil, ErrNoMechanism
	}
	if !c.Secured {
		return nil, ErrNotSecured
	}
	e := &Exchange{ctx: ctx, cfg: c, mechanism: command}
	if err := e.password("", username, password); err != nil {
		return nil, err
	}
	return e.identity, nil
}

// password is the check behind PLAIN, LOGIN and Authenticate. An empty password is never right and not even asked
// about: some directories take it for an anonymous login (RFC 4513 section 5.1.2).
func (e *Exchange) password(authorize, username, password string) error {
	if err := checkName(username); err != nil {
		return err
	}
	if authorize != "" {
		if err := checkName(authorize); err != nil {
			return err
		}
	}
	// RFC 4616 section 2 wants SASLprep. What was stored without it must be found too, so a password that it changes is tried
	// as it came first; that takes no longer for some users than for others.
	if prepared, err := Prep(username); err == nil {
		username = prepared
	}
	a := e.request(username, authorize, password)
	if err := e.admit(a); err != nil {
		return err
	}
	if password == "" {
		return e.settle(a, nil, mail.ErrAuthFailed)
	}
	id, err := e.cfg.Authenticator.Authenticate(e.ctx, a)
	if prepared, perr := Prep(password); errors.Is(err, mail.ErrAuthFailed) && perr == nil && prepared != password && prepared != "" {
		b := *a
		b.Password = prepared
		id, err = e.cfg.Authenticator.Authenticate(e.ctx, &b)
	}
	return e.settle(a, id, err)
}

// checkName refuses names that no user has and that would do harm in a log or a directory: empty, over 512 octets, not
// UTF-8, with control characters.
func checkName(name string) error {
	if name == "" || len(name) > 512 || !utf8.ValidString(name) {
		return fmt.Errorf("%w: bad user name", ErrMalformed)
	}
	for _, r := range name {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("%w: bad user name", ErrMalformed)
		}
	}
	return nil
}
