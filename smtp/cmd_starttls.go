package smtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/buuta/mail/internal/sasl"
)

// tlsConn is a connection of crypto/tls.
type tlsConn interface {
	net.Conn
	HandshakeContext(ctx context.Context) error
	ConnectionState() tls.ConnectionState
}

// cmdStartTLS begins TLS (RFC 3207 section 4).
func (c *Conn) cmdStartTLS(args string) *Reply {
	switch {
	case strings.TrimSpace(args) != "":
		return NewReply(501, EnhancedCode{5, 5, 4}, "Syntax error (no parameters allowed)")
	case c.tls != nil:
		return NewReply(554, EnhancedCode{5, 5, 1}, "Error: TLS already active")
	case !c.exts.Has(StartTLS):
		return NewReply(502, EnhancedCode{5, 5, 1}, "Error: command not implemented")
	}
	if r := c.tooMuch(EventStartTLS); r != nil {
		return r
	}
	// What came with STARTTLS came unprotected: it must not be taken for something said under TLS.
	c.r.Discard()
	c.abort()
	c.count(verbSTARTTLS, replyReadyTLS)
	if c.end == nil && c.flush() == nil {
		c.handshake(c.tlsServer())
	}
	return nil
}

// tlsServer makes the server's side of TLS on the connection.
func (c *Conn) tlsServer() tlsConn {
	return tls.Server(c.nc, c.srv.recordingTLS())
}

// recordingTLS returns the TLS configuration in a form that tells which certificate it has shown, for channel binding.
func (s *Server) recordingTLS() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tlsConfig == nil {
		s.tlsConfig = sasl.RecordCertificate(s.TLSConfig)
	}
	return s.tlsConfig
}

// handshake makes the connection secure, and forgets what was known before (RFC 3207 section 4.2).
func (c *Conn) handshake(tc tlsConn) bool {
	ctx, shown := sasl.WithShownCertificate(c.ctx)
	if d := wait(c.srv.Timeouts.Handshake, 30*time.Second); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	_ = c.nc.SetDeadline(time.Time{})
	err := shakeHands(ctx, tc)
	if err != nil {
		if c.srv.Hooks.Secured != nil {
			c.srv.Hooks.Secured(c, nil, err)
		}
		c.finish(CauseTLS, err)
		c.writeErr = err // nothing can be said any more
		return false
	}
	state := tc.ConnectionState()
	sasl.TrustClient(c.srv.TLSConfig, &state)
	c.in.reset()
	c.stream, c.tls, c.shown = tc, &state, shown
	c.hello, c.helloVerb, c.identity, c.mechanism = "", 0, nil, ""
	c.extensionsChanged()
	if c.srv.Hooks.Secured != nil {
		c.srv.Hooks.Secured(c, &state, nil)
	}
	if !state.DidResume {
		if r := c.tooMuch(EventTLS); r != nil {
			r = c.farewell(421, r.Enhanced, r.Text)
			c.rejected("STARTTLS", r, "")
			c.finish(CauseRefused, nil)
			return false
		}
	}
	return true
}

// shakeHands does the handshake on a goroutine of its own. It takes a deep stack, and a connection's goroutine would keep
// that for as long as the client stays, also when it is idle: 4 KiB more for each.
func shakeHands(ctx context.Context, tc tlsConn) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // in a function of the configuration
				done <- fmt.Errorf("panic in handshake: %v\n%s", p, debug.Stack())
			}
		}()
		done <- tc.HandshakeContext(ctx)
	}()
	return <-done
}
