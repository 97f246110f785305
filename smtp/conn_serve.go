package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/wire"
)

func (s *Server) serveConn(base context.Context, nc net.Conn, implicit bool) {
	c := &Conn{srv: s, nc: nc, stream: nc, real: nc.RemoteAddr(), local: nc.LocalAddr(), last: "CONNECT", state: -1}
	c.remote = c.real
	c.ctx, c.cancel = context.WithCancel(base)
	c.in.c = c
	c.r = wire.NewReader(&c.in, 0)
	c.r.BeforeRead = c.beforeRead
	if s.BareLines == NormalizeBare {
		c.r.LineEnd = wire.LF
	}
	if !s.group.Add(c) {
		c.cancel()
		_ = nc.Close()
		return
	}
	defer c.close()
	c.setState(StateNew)
	defer func() {
		if p := recover(); p != nil {
			c.rest()
			s.log(c.ctx, slog.LevelError, "panic in session", "panic", p, "stack", string(debug.Stack()))
			c.farewell(421, EnhancedCode{4, 3, 0}, "Server local error")
			c.finish(CauseRefused, fmt.Errorf("panic: %v", p))
		}
	}()
	if c.open(implicit) {
		c.loop()
	}
}

// open does what comes before the first command. It reports whether there will be one.
func (c *Conn) open(implicit bool) bool {
	s := c.srv
	if s.Proxy != nil && s.Proxy(c.real) {
		if err := c.readProxy(); err != nil {
			s.log(c.ctx, slog.LevelWarn, "PROXY header", "peer", c.real.String(), "error", err)
			c.finish(CauseRefused, err)
			return false
		}
	}
	welcome := s.group.Count(c, c.remote, s.Limits.Connections, limit(s.Limits.ConnectionsPerAddr, 50))
	c.sawHook = true
	if s.Hooks.Connected != nil {
		s.Hooks.Connected(c)
	}
	full := c.admit()
	byRate := full != nil
	tc, isTLS := c.nc.(tlsConn)
	if implicit || isTLS {
		if !isTLS {
			tc = c.tlsServer()
		}
		if !c.handshake(tc) {
			return false
		}
	}
	if full == nil && !welcome {
		full = NewReply(421, EnhancedCode{4, 7, 0}, "Error: too many connections from "+c.RemoteIP())
	}
	if full != nil {
		r := c.farewell(421, full.Enhanced, full.Text)
		c.limited = byRate
		c.rejected("CONNECT", r, "")
		c.finish(CauseRefused, nil)
		return false
	}
	if !c.newSession() {
		return false
	}
	return c.greet()
}

// newSession asks the backend. A client that it refuses is greeted with its answer; RFC 5321 section 3.1 then has it
// wait for QUIT, and RFC 7504 section 2 lets it go with 521.
func (c *Conn) newSession() bool {
	c.extensionsChanged()
	if c.srv.Backend == nil {
		c.session = refusing{}
		return true
	}
	c.work()
	session, err := c.srv.Backend.NewSession(c.ctx, c)
	c.rest()
	if err == nil {
		c.session = session
		c.extensionsChanged()
		return true
	}
	r := mail.ReplyOf(err)
	c.rejected("CONNECT", r, "")
	if r.Code == 554 {
		c.refused = r
		return true
	}
	if r.Temporary() && r.Code != 421 {
		r = &Reply{Code: 421, Enhanced: r.Enhanced, Text: c.srv.host() + " " + r.Text, Err: r.Err} // the one "later" that a greeting can say
	}
	c.write(r, r.Code == 421)
	c.finish(CauseRefused, r.Err)
	return false
}

// refusing is the session of a server without a Backend.
type refusing struct{}

func (refusing) Begin(context.Context, string, *mail.MailOptions) (mail.Transaction, error) {
	return nil, replyNoBackend
}
func (refusing) Close() error { return nil }

// greet sends the greeting, after having waited for early talkers.
func (c *Conn) greet() bool {
	if d := c.srv.GreetDelay; d > 0 && !c.srv.AllowEarlyTalk {
		if !c.quiet(d) {
			c.rejected("CONNECT", replySync, "")
			c.reply(replySync)
			c.finish(CauseSync, nil)
			return false
		}
	}
	c.sayGreeting()
	return true
}

func (c *Conn) sayGreeting() {
	switch {
	case c.refused != nil:
		c.write(c.refused, false)
	case c.srv.Greeting != "":
		c.write(&Reply{Code: 220, Text: c.srv.Greeting}, false)
	case c.srv.LMTP:
		c.write(&Reply{Code: 220, Text: c.srv.host() + " LMTP"}, false)
	default:
		c.write(&Reply{Code: 220, Text: c.srv.host() + " ESMTP"}, false)
	}
}

// quiet waits and reports whether the client said nothing meanwhile. One that goes away is found out later.
func (c *Conn) quiet(d time.Duration) bool {
	c.phase, c.deadline = phaseClosing, time.Now().Add(d)
	_, err := c.r.ReadLine(512)
	c.phase = phaseCommand
	return (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF)) && c.r.Buffered() == 0
}

// loop reads commands until the connection ends.
func (c *Conn) loop() {
	for c.end == nil {
		line := []byte(c.pending)
		if c.pending != "" {
			c.pending = ""
		} else {
			b, err := c.readLine(limit(c.srv.Limits.AuthLine, 12288))
			if err != nil {
				if r := c.lineError(err); r != nil {
					c.count(verbUnknown, r)
				}
				continue
			}
			if c.srv.Trace != nil {
				c.traceCommand(b)
			}
			line = b
			if c.srv.Rewrite != nil {
				if other := c.srv.Rewrite(c, string(b)); !hasControl(other) {
					line = []byte(other)
				}
			}
		}
		v, name, args := splitVerb(line)
		c.command(v, name, args)
	}
}

// close ends the connection and everything on it.
func (c *Conn) close() {
	c.cancel()
	c.abort()
	if c.session != nil {
		if err := c.session.Close(); err != nil {
			c.srv.log(c.ctx, slog.LevelWarn, "session close", "error", err)
		}
	}
	_ = c.flush()
	if c.rated {
		c.srv.RateLimiter.Disconnect(c)
	}
	c.linger()
	_ = c.stream.Close()
	_ = c.nc.Close()
	c.r.Discard()
	c.finish(CauseShutdown, nil)
	c.srv.group.Remove(c)
	c.setState(StateClosed)
	if c.srv.Hooks.Disconnected != nil && c.sawHook {
		c.srv.Hooks.Disconnected(c, c.end)
	}
}
