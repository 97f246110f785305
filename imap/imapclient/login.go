package imapclient

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/sasl"
)

// Login logs in, as Options.Auth does when the connection is opened. An error that wraps [mail.ErrAuthFailed] means that the
// credentials are wrong.
func (c *Client) Login(ctx context.Context, cred *mail.Credentials) error {
	if err := c.authenticate(ctx, cred); err != nil {
		return err
	}
	return c.settle(ctx)
}

func (c *Client) login(ctx context.Context) error {
	if c.opts.Auth == nil || c.State() != StateNotAuthenticated {
		return nil
	}
	return c.authenticate(ctx, c.opts.Auth)
}

// secured reports whether a password may be shown: to a server whose certificate was checked, or on this machine.
func (c *Client) secured() bool {
	t := c.TLS()
	return c.local || t != nil && (len(t.VerifiedChains) > 0 || c.opts.TLSConfig != nil)
}

func (c *Client) authenticate(ctx context.Context, cred *mail.Credentials) error {
	if err := c.askCapabilities(ctx); err != nil {
		return err
	}
	cfg := sasl.ClientConfig{Credentials: cred, Offered: c.Capabilities().Values("AUTH"), TLS: c.TLS(), Secured: c.secured(), Host: c.host,
		Port: c.port}
	x, err := cfg.Start()
	switch {
	case err == nil:
		err = c.exchange(ctx, x, cred)
	case c.mayLogin(cred):
		err = c.plainLogin(ctx, cred)
	default:
		return &Error{Command: "AUTHENTICATE", Host: c.host, Err: fmt.Errorf("%w: %w", ErrInsecure, err)}
	}
	if err != nil {
		if CodeOf(err) == imap.CodeAuthenticationFailed || CodeOf(err) == "" && Refused(err) {
			err.(*Error).Err = fmt.Errorf("%w: %w", mail.ErrAuthFailed, err.(*Error).Err)
		}
		return err
	}
	c.mu.Lock()
	c.state = StateAuthenticated
	c.mu.Unlock()
	return c.askCapabilities(ctx)
}

// mayLogin reports whether the LOGIN command is a way (RFC 9051 section 6.2.3).
func (c *Client) mayLogin(cred *mail.Credentials) bool {
	return !c.Has(imap.CapLoginDisabled) && cred.Username != "" && cred.Password != "" && cred.Authorize == "" && len(cred.Mechanisms) == 0 &&
		(c.secured() || cred.AllowPlaintext)
}

// hide keeps what is sent from the trace until the returned function is called, and the secrets themselves from what comes back.
func (c *Client) hide(cred *mail.Credentials) func() {
	set := func(s *mail.Credentials) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.secret = s
	}
	set(cred)
	return func() { set(nil) }
}

func (c *Client) plainLogin(ctx context.Context, cred *mail.Credentials) error {
	c.forgetCapabilities()
	defer c.hide(cred)()
	return c.run(ctx, &command{name: "LOGIN", rule: rule{alone: true}, code: c.capabilityCode}, func(e *imap.Encoder) {
		e.SP().AString(cred.Username).SP().AString(cred.Password)
	})
}

// capabilityCode takes capabilities that come with the answer to a login.
func (c *Client) capabilityCode(s *imap.Status) {
	if s.Code == imap.CodeCapability {
		c.setCapabilities(capabilitiesOf(s.Arg))
	}
}

// exchange is the dialogue of AUTHENTICATE (RFC 9051 section 6.2.2).
func (c *Client) exchange(ctx context.Context, x *sasl.ClientExchange, cred *mail.Credentials) error {
	c.forgetCapabilities()
	defer c.hide(cred)()
	cmd := &command{name: "AUTHENTICATE", rule: rule{alone: true}, code: c.capabilityCode}
	c.enterWaiting()
	defer c.leaveWaiting()
	if err := c.takeTurn(ctx); err != nil {
		return c.failed(cmd, err)
	}
	defer c.passTurn(ctx)
	if err := c.admit(ctx, cmd); err != nil {
		return c.failed(cmd, err)
	}
	err := c.send(ctx, cmd, func(e *imap.Encoder) {
		e.SP().Raw(x.Mechanism())
		if c.Has(imap.CapSASLIR) {
			if ir, ok := x.Initial(); ok {
				e.SP().Raw(ir)
			}
		}
	})
	for err == nil {
		var challenge, line string
		if challenge, err = c.awaitContinuation(ctx, cmd); err == errRefused {
			if err = c.result(cmd); err == nil {
				break // that was its OK
			}
			return err
		} else if err != nil {
			break
		}
		var wrong error
		if line, wrong = x.Answer(strings.TrimSpace(challenge)); wrong != nil {
			line = "*"
		}
		if err = c.enc.Raw(line).CRLF().Flush(); err == nil && wrong != nil {
			_ = c.wait(ctx, cmd)
			return c.failed(cmd, wrong)
		}
	}
	if err != nil {
		c.fail(err) // in the middle of an exchange
		return c.failed(cmd, err)
	}
	if err := x.Finish(); err != nil {
		c.fail(err)
		return c.failed(cmd, err)
	}
	return nil
}
