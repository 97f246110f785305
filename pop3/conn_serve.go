package pop3

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/wire"
)

// tlsConn is a connection that speaks TLS already.
type tlsConn interface {
	net.Conn
	HandshakeContext(ctx context.Context) error
	ConnectionState() tls.ConnectionState
}

func (s *Server) serveConn(base context.Context, nc net.Conn, implicit bool) {
	c := &Conn{srv: s, nc: nc, stream: nc, state: -1}
	c.ctx, c.cancel = context.WithCancel(base)
	c.in.c = c
	c.r = wire.NewReader(&c.in, 0)
	c.r.BeforeRead = c.beforeRead
	c.r.LineEnd = wire.LF // people type this protocol
	if !s.group.Add(c) {
		c.cancel()
		_ = nc.Close()
		return
	}
	defer c.close()
	c.setState(StateNew)
	defer func() {
		if p := recover(); p != nil {
			s.log(c.ctx, slog.LevelError, "panic in session", "panic", p, "stack", string(debug.Stack()))
			c.status("-ERR", "SYS/TEMP", "internal error", nil)
			c.finish(CauseShutdown, fmt.Errorf("panic: %v", p))
		}
	}()
	if c.open(implicit) {
		c.loop()
	}
}

// open does what comes before the first command. It reports whether there will be one.
func (c *Conn) open(implicit bool) bool {
	welcome := c.count()
	c.sawHook = true
	if c.srv.Hooks.Connected != nil {
		c.srv.Hooks.Connected(c)
	}
	tc, isTLS := c.nc.(tlsConn)
	if implicit || isTLS {
		if !isTLS {
			tc = tls.Server(c.nc, c.srv.tlsServerConfig())
		}
		if !c.handshake(tc) {
			return false
		}
	}
	if !welcome {
		c.fail("", "SYS/TEMP", nil, "too many connections")
		c.finish(CauseRefused, nil)
		return false
	}
	if _, err := c.srv.uidlFormat(); err != nil {
		c.srv.log(c.ctx, slog.LevelError, "configuration", "error", err)
		c.fail("", "SYS/PERM", err, "internal error")
		c.finish(CauseRefused, err)
		return false
	}
	greeting := c.srv.Greeting
	if greeting == "" {
		greeting = "POP3 server ready"
	}
	if cfg := c.sasl(); cfg.OffersAPOP() && !c.srv.RequireSecure || cfg.OffersAPOP() && c.tls != nil {
		c.timestamp = cfg.Challenge()
		greeting = greeting[:min(len(greeting), 256)] + " " + c.timestamp // within the 512 octets of the line
	}
	c.ok(greeting)
	return true
}

// handshake starts TLS. What the client sent before it is dropped: it may be somebody else's (RFC 2595 section 2.2 and
// the command injections found in many servers in 2011 and 2021).
func (c *Conn) handshake(tc tlsConn) bool {
	c.r.Discard()
	ctx := c.ctx
	if d := wait(c.srv.Timeouts.Handshake, 30*time.Second); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	_ = c.nc.SetDeadline(time.Time{})
	ctx, shown := sasl.WithShownCertificate(ctx)
	err := tc.HandshakeContext(ctx)
	var state *tls.ConnectionState
	if err == nil {
		s := tc.ConnectionState()
		sasl.TrustClient(c.srv.TLSConfig, &s)
		state = &s
	}
	if c.srv.Hooks.Secured != nil {
		c.srv.Hooks.Secured(c, state, err)
	}
	if err != nil {
		c.writeErr = err // nothing can be said any more
		c.finish(CauseTLS, err)
		return false
	}
	c.stream, c.tls, c.shown = tc, state, shown
	return true
}

// loop reads commands until the connection ends.
func (c *Conn) loop() {
	for c.end == nil {
		b, err := c.readLine(limit(c.srv.Limits.AuthLine, 12288))
		if err != nil {
			c.lineError(err)
			continue
		}
		line := string(b)
		c.commands++
		c.command(line)
		if n := c.srv.Limits.Commands; n > 0 && c.commands >= n && c.end == nil {
			c.status("-ERR", "", "too many commands, goodbye", nil)
			c.finish(CauseErrors, nil)
		}
	}
}

// close ends the connection and everything on it. Whatever was marked as deleted and not yet removed stays.
func (c *Conn) close() {
	c.dropAhead()
	if c.drop != nil {
		c.drop.close()
	}
	_ = c.flush()
	c.linger()
	c.cancel()
	_ = c.stream.Close()
	_ = c.nc.Close()
	c.r.Discard()
	c.finish(CauseShutdown, nil)
	c.srv.group.Remove(c)
	c.setState(StateClosed)
	c.end.Stats = c.stats
	if c.srv.Hooks.Disconnected != nil && c.sawHook {
		c.srv.Hooks.Disconnected(c, c.end)
	}
}

// linger lets a client that is still sending read the last answer: closing with unread input would reset the connection
// and take the answer with it.
func (c *Conn) linger() {
	if c.end == nil || c.writeErr != nil || c.end.Cause != CauseErrors && c.end.Cause != CauseAuth && c.end.Cause != CauseRefused {
		return
	}
	if t, ok := c.nc.(interface{ CloseWrite() error }); ok && c.tls == nil {
		_ = t.CloseWrite()
	} else if t, ok := c.stream.(*tls.Conn); ok {
		_ = t.CloseWrite()
	} else {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(time.Second))
	buf := make([]byte, 4096)
	for range 16 {
		if _, err := c.nc.Read(buf); err != nil {
			return
		}
	}
}
