package imapserver

import (
	"context"
	"errors"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/sasl"
)

// handleLogin is LOGIN (RFC 9051 section 6.2.3).
func (c *Conn) handleLogin(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	user := d.AString()
	d.SP()
	password := d.AString()
	if err := d.CRLF(); err != nil {
		return err
	}
	id, err := c.sasl().Authenticate(ctx, "LOGIN", user, password)
	return c.finishLogin(ctx, cmd, id, user, "LOGIN", err)
}

// handleAuthenticate is AUTHENTICATE (RFC 9051 section 6.2.2, RFC 4959).
func (c *Conn) handleAuthenticate(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	mechanism := d.Keyword()
	initial := ""
	if d.TrySP() && d.Err() == nil {
		initial = string(d.Rest())
		if initial == "" {
			return imap.Bad("Initial response expected")
		}
		d.SkipLine()
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if c.enc.Trace != nil {
		c.enc.Trace = nil // challenges and responses are nobody's business
		defer func() { c.enc.Trace = c.traceSent }()
	}
	x, err := c.sasl().Start(ctx, mechanism)
	if err != nil {
		return c.finishLogin(ctx, cmd, nil, "", mechanism, err)
	}
	err = x.Run(initial, func(challenge string) ([]byte, error) {
		if err := c.enc.Raw("+ ").Raw(challenge).CRLF().Flush(); err != nil {
			return nil, err
		}
		line := append([]byte(nil), d.Rest()...)
		d.SkipLine()
		return line, d.CRLF()
	})
	return c.finishLogin(ctx, cmd, x.Identity(), x.Username(), mechanism, err)
}

// finishLogin gives the answer to both commands. Why somebody was refused is not told (RFC 9051 section 11.7).
func (c *Conn) finishLogin(ctx context.Context, cmd *command, id *mail.Identity, user, method string, err error) error {
	if err == nil {
		err = c.loggedInAs(ctx, id)
		if errors.Is(err, mail.ErrNoAccount) {
			err = &imap.Status{Type: imap.NO, Code: imap.CodeContactAdmin, Text: "Account has no mailbox.", Err: err}
		}
	}
	if h := c.srv.Hooks.Authenticated; h != nil {
		h(c, method, user, err)
	}
	if err == nil {
		c.authFailures = 0
		cmd.done = imap.Okay(imap.CodeCapability, c.capabilityString(), "Logged in")
		return nil
	}
	if fatal := c.dec.Err(); fatal != nil {
		return fatal
	}
	if s, ok := errors.AsType[*imap.Status](err); ok {
		return s
	}
	switch {
	case errors.Is(err, sasl.ErrNotSecured), c.mustStartTLS():
		return imap.No(imap.CodePrivacyRequired, "Plaintext authentication needs TLS.")
	case errors.Is(err, sasl.ErrNoMechanism):
		return imap.No("", "Unsupported authentication mechanism.")
	case errors.Is(err, sasl.ErrCancelled):
		return imap.Bad("Authentication cancelled.")
	case errors.Is(err, sasl.ErrMalformed):
		return imap.Bad("Invalid authentication data.")
	case errors.Is(err, mail.ErrTooManyAttempts):
		return &imap.Status{Type: imap.NO, Code: imap.CodeUnavailable, Text: "Too many failed logins, try again later.", Err: err}
	case !errors.Is(err, mail.ErrAuthFailed):
		c.srv.logError(ctx, "authentication", err, "user", user)
		return &imap.Status{Type: imap.NO, Code: imap.CodeUnavailable, Text: "Temporary authentication failure.", Err: err}
	}
	if c.authFailures++; c.authFailures >= c.srv.limits(false).AuthFailures {
		c.end.Cause, c.bye = CauseAuth, true
		c.enc.Status("*", &imap.Status{Type: imap.BYE, Text: "Too many authentication failures."})
	}
	return &imap.Status{Type: imap.NO, Code: imap.CodeAuthenticationFailed, Text: "Authentication failed.", Err: err}
}
