package imapserver

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/sasl"
)

// handleStartTLS is STARTTLS (RFC 9051 section 6.2.1). What the client sent behind the command in the clear is dropped, so
// that nobody on the way can put commands into the encrypted session.
func (c *Conn) handleStartTLS(ctx context.Context, cmd *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	switch {
	case c.tls != nil:
		return imap.Bad("TLS is active already.")
	case c.srv.TLSConfig == nil:
		return imap.Bad("TLS is not available.")
	}
	c.enc.Status(cmd.tag, imap.Okay("", "", "Begin TLS negotiation now."))
	if err := c.enc.Flush(); err != nil {
		return err
	}
	c.setLanguage("")     // it was asked for in the clear (RFC 5255 section 7)
	c.dec.Reset(c.stream) // nothing that is buffered may survive
	if err := c.startTLS(ctx); err != nil {
		return &sessionOver{err}
	}
	cmd.answered = true
	return nil
}

// startTLS does the handshake.
func (c *Conn) startTLS(ctx context.Context) error {
	t := tls.Server(c.stream.raw, c.srv.tlsServerConfig())
	c.stream.setReadDeadline(time.Now().Add(wait(c.srv.Timeouts.Handshake, 30*time.Second)))
	ctx, c.shown = sasl.WithShownCertificate(ctx)
	err := t.HandshakeContext(ctx)
	state := t.ConnectionState()
	sasl.TrustClient(c.srv.TLSConfig, &state)
	if h := c.srv.Hooks.Secured; h != nil {
		h(c, &state, err)
	}
	if err != nil {
		return &tlsFailed{err}
	}
	c.stream.nc, c.tls = t, &state
	return nil
}

// tlsFailed ends the session: after a failed handshake there is nobody to talk to.
type tlsFailed struct{ err error }

func (e *tlsFailed) Error() string { return "TLS handshake failed: " + e.err.Error() }
func (e *tlsFailed) Unwrap() error { return e.err }
