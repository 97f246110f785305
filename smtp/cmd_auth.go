package smtp

import (
	"errors"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// authenticator returns who checks this client, or nil.
func (c *Conn) authenticator() mail.Authenticator {
	if a, ok := ability[Authorizer](c.session); ok {
		return a.Authenticator()
	}
	return c.srv.Authenticator
}

func (c *Conn) saslConfig() *sasl.Config {
	s := c.srv
	cfg := &sasl.Config{
		Authenticator: c.authenticator(),
		Guard:         s.Guard,
		Service:       s.Service,
		Hostname:      s.host(),
		Remote:        c.remote,
		TLS:           c.tls,
		Secured:       c.tls != nil || s.AllowPlaintext != nil && s.AllowPlaintext(c),
		Allow:         s.Mechanisms,
	}
	if cfg.Service == "" {
		cfg.Service = "smtp"
	}
	if c.shown != nil {
		cfg.Certificate = c.shown.DER()
	}
	return cfg
}

// cmdAuth authenticates the client (RFC 4954 section 4).
func (c *Conn) cmdAuth(args string) *Reply {
	switch {
	case c.authenticator() == nil || c.srv.Without.Has(Auth):
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: authentication not enabled")
	case c.identity != nil:
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: already authenticated")
	case !c.Extended():
		return replyHelloFirst
	case c.tx != nil:
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: MAIL transaction in progress")
	}
	mechanism, initial, _ := strings.Cut(args, " ")
	if mechanism == "" || strings.Contains(initial, " ") {
		return syntaxReply("AUTH mechanism")
	}
	if r := c.tooMuch(EventAuth); r != nil {
		return r
	}
	mechanism = strings.ToUpper(mechanism)
	x, err := c.saslConfig().Start(c.ctx, mechanism)
	if err == nil {
		c.phase = phaseAuth
		c.work()
		err = x.Run(initial, c.challenge)
		c.rest()
		c.phase = phaseCommand
	}
	username := ""
	if x != nil {
		username = x.Username()
	}
	if c.end != nil {
		return nil
	}
	if err == nil {
		err = c.authenticated(x.Identity(), mechanism)
	}
	if c.srv.Hooks.Authenticated != nil {
		c.srv.Hooks.Authenticated(c, mechanism, username, err)
	}
	r := authReply(err)
	if r.Code == 535 {
		c.authFailures++
		if c.authFailures >= limit(c.srv.Limits.AuthFailures, 5) {
			c.count(verbAUTH, r)
			c.farewell(421, EnhancedCode{4, 7, 0}, "Error: too many errors")
			c.finish(CauseErrors, nil)
			return nil
		}
	}
	return r
}

// challenge sends a challenge and returns what the client says to it.
func (c *Conn) challenge(text string) ([]byte, error) {
	c.rest()
	defer c.work()
	if c.r.Buffered() > 0 {
		c.reply(replySync)
		c.finish(CauseSync, nil)
		return nil, errEnded
	}
	c.tarpit()
	c.writeRaw("334 " + text)
	line, err := c.readLine(limit(c.srv.Limits.AuthLine, 12288))
	if err != nil {
		if r := c.lineError(err); r != nil {
			return nil, r
		}
		return nil, errEnded
	}
	if c.srv.Trace != nil {
		c.srv.Trace(c, false, "***")
	}
	return line, nil
}

func (c *Conn) authenticated(id *mail.Identity, mechanism string) error {
	c.identity, c.mechanism = id, mechanism
	if s, ok := ability[AuthSession](c.session); ok {
		c.work()
		err := s.Authenticated(c.ctx, id)
		c.rest()
		if err != nil {
			c.identity, c.mechanism = nil, ""
			return err
		}
	}
	c.extensionsChanged()
	return nil
}

// authReply says how AUTH ended, with the codes of RFC 4954 section 4 and 6.
func authReply(err error) *Reply {
	if r, ok := errors.AsType[*Reply](err); ok {
		return r
	}
	switch {
	case err == nil:
		return replyAuthOK
	case errors.Is(err, mail.ErrAuthFailed):
		return &Reply{Code: 535, Enhanced: EnhancedCode{5, 7, 8}, Text: "Error: authentication failed", Err: err}
	case errors.Is(err, sasl.ErrNoMechanism):
		return &Reply{Code: 504, Enhanced: EnhancedCode{5, 5, 4}, Text: "Error: unrecognized authentication mechanism", Err: err}
	case errors.Is(err, sasl.ErrNotSecured):
		return &Reply{Code: 538, Enhanced: EnhancedCode{5, 7, 11}, Text: "Encryption required for requested authentication mechanism", Err: err}
	case errors.Is(err, sasl.ErrCancelled):
		return &Reply{Code: 501, Enhanced: EnhancedCode{5, 7, 0}, Text: "Authentication aborted", Err: err}
	case errors.Is(err, sasl.ErrMalformed):
		return &Reply{Code: 501, Enhanced: EnhancedCode{5, 5, 2}, Text: "Error: malformed authentication response", Err: err}
	}
	text := "Temporary authentication failure"
	if errors.Is(err, mail.ErrTooManyAttempts) {
		text = "Too many failed logins, try again later"
	}
	return &Reply{Code: 454, Enhanced: EnhancedCode{4, 7, 0}, Text: text, Err: err}
}
