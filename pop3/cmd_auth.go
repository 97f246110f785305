package pop3

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// mayLogIn refuses logins before TLS where TLS is demanded.
func (c *Conn) mayLogIn(command string) bool {
	if c.srv.RequireSecure && c.tls == nil {
		c.fail(command, "AUTH", nil, "use STLS first")
		return false
	}
	return true
}

// offersUser reports whether USER and PASS may be used.
func (c *Conn) offersUser() bool {
	if c.srv.Authenticator == nil || !c.secured() || c.srv.RequireSecure && c.tls == nil {
		return false
	}
	if len(c.srv.Mechanisms) == 0 {
		return true
	}
	for _, m := range c.srv.Mechanisms {
		if strings.EqualFold(m, "USER") {
			return true
		}
	}
	return false
}

// userName is USER (RFC 1939 section 7). It gives nothing away about who exists.
func (c *Conn) userName(arg string) {
	switch {
	case !c.mayLogIn("USER"):
	case arg == "":
		c.fail("USER", "", nil, "USER needs a name")
	case !c.offersUser():
		c.fail("USER", "AUTH", sasl.ErrNotSecured, "plaintext authentication is not allowed here without TLS")
	default:
		name, err := sasl.Prep(arg) // RFC 6856 section 2.2
		if err != nil || name == "" {
			c.fail("USER", "", err, "invalid characters")
			return
		}
		c.user = name
		c.ok("send PASS")
	}
}

// pass is PASS. Spaces belong to the password (RFC 1939 section 7).
func (c *Conn) pass(arg string) {
	user := c.user
	c.user = ""
	if user == "" {
		c.fail("PASS", "", nil, "USER comes first")
		return
	}
	if _, err := sasl.Prep(arg); err != nil { // RFC 6856 section 2.2
		c.fail("PASS", "", err, "invalid characters")
		return
	}
	id, err := c.sasl().Authenticate(c.ctx, "USER", user, arg)
	c.login("PASS", "USER", user, id, err)
}

// apop is APOP (RFC 1939 section 7).
func (c *Conn) apop(arg string) {
	if !c.mayLogIn("APOP") {
		return
	}
	i := strings.LastIndexByte(arg, ' ')
	if i < 1 || c.timestamp == "" {
		if c.timestamp == "" {
			c.fail("APOP", "", nil, "APOP is not offered")
		} else {
			c.fail("APOP", "", nil, "APOP needs a name and a digest")
		}
		return
	}
	user, err := sasl.Prep(arg[:i])
	if err != nil {
		c.fail("APOP", "", err, "invalid characters")
		return
	}
	id, err := c.sasl().APOP(c.ctx, c.timestamp, user, arg[i+1:])
	c.login("APOP", "APOP", user, id, err)
}

// auth is AUTH (RFC 5034). Without a mechanism it lists them, as clients older than CAPA expect.
func (c *Conn) auth(arg string) {
	if !c.mayLogIn("AUTH") {
		return
	}
	cfg := c.sasl()
	if arg == "" {
		c.ok("mechanisms follow")
		for _, m := range cfg.Mechanisms() {
			c.line(m)
		}
		c.line(".")
		return
	}
	mechanism, initial, _ := strings.Cut(arg, " ")
	e, err := cfg.Start(c.ctx, mechanism)
	switch {
	case errors.Is(err, sasl.ErrNotSecured):
		c.fail("AUTH", "AUTH", err, "plaintext authentication is not allowed here without TLS")
		return
	case err != nil:
		c.fail("AUTH", "", err, "unknown authentication mechanism")
		return
	}
	c.phase = phaseAuth
	err = e.Run(initial, c.ask)
	c.phase = phaseCommand
	if c.end != nil {
		return
	}
	c.login("AUTH", e.Mechanism(), e.Username(), e.Identity(), err)
}

// ask sends a challenge and reads the client's answer (RFC 5034 section 4): "+" SP base64.
func (c *Conn) ask(challenge string) ([]byte, error) {
	if c.srv.Trace != nil {
		c.srv.Trace(c, true, "+ ***")
	}
	c.writeString("+ " + challenge + "\r\n")
	line, err := c.readLine(limit(c.srv.Limits.AuthLine, 12288))
	if err == nil {
		if c.srv.Trace != nil {
			c.srv.Trace(c, false, "***")
		}
		return line, nil
	}
	if isLineError(err) {
		return nil, sasl.ErrMalformed // the line has been read to its end, and its error is the command's
	}
	c.lost(err)
	return nil, err
}

// login opens the maildrop of a client that has been found to be who it says, or tells it what is wrong.
func (c *Conn) login(command, mechanism, username string, id *mail.Identity, err error) {
	var d *maildrop
	if err == nil {
		err = c.srv.checkDelay(id.AccountName())
	}
	if err == nil {
		d, err = c.srv.openMaildrop(c.ctx, id)
	}
	if err == nil {
		c.drop, c.identity, c.method = d, id, mechanism
		c.stats.Messages, c.stats.Size = d.count, d.size
		c.srv.noteLogin(id.AccountName())
	}
	if c.srv.Hooks.Authenticated != nil && !errors.Is(err, sasl.ErrCancelled) {
		c.srv.Hooks.Authenticated(c, mechanism, username, err)
	}
	switch {
	case err == nil:
		c.ok("maildrop has %d messages (%d octets)", d.count, d.size)
	case errors.Is(err, mail.ErrAuthFailed):
		c.authFailed(command, err)
	case errors.Is(err, sasl.ErrNotSecured):
		c.fail(command, "AUTH", err, "plaintext authentication is not allowed here without TLS")
	case errors.Is(err, sasl.ErrCancelled):
		c.fail(command, "", err, "authentication cancelled")
	case errors.Is(err, sasl.ErrMalformed):
		c.fail(command, "", err, "malformed authentication data")
	case errors.Is(err, sasl.ErrNoMechanism):
		c.fail(command, "", err, "unknown authentication mechanism")
	case errors.Is(err, mail.ErrTooManyAttempts):
		c.fail(command, "SYS/TEMP", err, "too many failed logins, try again later")
	case errors.Is(err, errLoginDelay):
		c.fail(command, "LOGIN-DELAY", err, "minimum time between logins is %d seconds", c.srv.delaySeconds())
	case errors.Is(err, ErrInUse):
		c.fail(command, "IN-USE", err, "maildrop is locked by another session")
	case errors.Is(err, mail.ErrNoAccount), errors.Is(err, mail.ErrNoMailbox):
		c.srv.log(c.ctx, slog.LevelError, "no maildrop", "user", username, "error", err)
		c.fail(command, "SYS/PERM", err, "there is no maildrop")
	default:
		c.srv.log(c.ctx, slog.LevelError, "login", "user", username, "error", err)
		c.fail(command, "SYS/TEMP", err, "internal error, try again later")
	}
}

// authFailed answers wrong credentials, all in the same way and after the same time.
func (c *Conn) authFailed(command string, err error) {
	c.authFailures++
	c.pause()
	c.fail(command, "AUTH", err, "authentication failed")
	if c.authFailures >= limit(c.srv.Limits.AuthFailures, 5) {
		c.finish(CauseAuth, err)
	}
}

// stls is STLS (RFC 2595 section 4).
func (c *Conn) stls(arg string) {
	switch {
	case !c.noArg("STLS", arg):
	case c.tls != nil:
		c.fail("STLS", "", nil, "command not permitted when TLS active")
	case c.srv.TLSConfig == nil:
		c.fail("STLS", "", nil, "STLS is not offered")
	case c.utf8:
		c.fail("STLS", "", nil, "STLS comes before UTF8") // RFC 6856 section 2.1
	default:
		c.ok("begin TLS negotiation")
		if err := c.flush(); err != nil {
			c.lost(err)
			return
		}
		if c.handshake(tls.Server(c.nc, c.srv.tlsServerConfig())) {
			_ = c.nc.SetDeadline(time.Time{})
			c.lang = english // what was learned before TLS is forgotten (RFC 2595 section 4)
		}
	}
}

// context for the UPDATE state: a client may say QUIT and hang up, and a server that is closing finishes what it has
// promised.
func (c *Conn) updateContext() context.Context { return context.WithoutCancel(c.ctx) }
