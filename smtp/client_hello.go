package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/internal/sasl"
)

// greet reads the 220 that opens the session (RFC 5321 section 3.1).
func (c *Client) greet() error {
	d := timeout(c.opts.Timeouts.Greeting, 5*time.Minute)
	if err := c.receive(d, "receiving the initial server greeting"); err != nil {
		return err
	}
	if c.reply.code != 220 {
		err := c.refused("")
		c.shut()
		return err
	}
	c.greeting = c.reply.make()
	return nil
}

// hello says EHLO, or HELO to a server that doesn't know it (RFC 5321 section 3.2), or LHLO.
func (c *Client) hello() error {
	name, err := c.localName()
	if err != nil {
		return err
	}
	verb := "EHLO"
	if c.opts.LMTP {
		verb = "LHLO"
	}
	d := timeout(c.opts.Timeouts.Hello, 5*time.Minute)
	c.put(verb, " ", name, "\r\n")
	c.caps = Capabilities{}
	err = c.command(d, verb, "performing the "+verb+" handshake")
	if err == nil {
		c.caps = parseCapabilities(string(c.reply.text))
		return nil
	}
	if c.closed || c.opts.LMTP {
		return err
	}
	c.put("HELO ", name, "\r\n")
	return c.command(d, "HELO", "performing the HELO handshake")
}

// localName is what the client calls itself: a domain, or the connection's own address (RFC 5321 section 4.1.4).
func (c *Client) localName() (string, error) {
	name := c.opts.LocalName
	if name == "" {
		if h, err := os.Hostname(); err == nil && strings.Contains(h, ".") && checkDomain(h) == nil {
			return h, nil
		}
		if a, ok := c.conn.LocalAddr().(*net.TCPAddr); ok {
			if ip := a.IP.To4(); ip != nil {
				return "[" + ip.String() + "]", nil
			}
			return "[IPv6:" + a.IP.String() + "]", nil
		}
		return "localhost", nil
	}
	if err := checkDomain(name); err != nil {
		return "", &Reply{Code: 554, Enhanced: EnhancedCode{5, 5, 4}, Text: "bad local name " + strconv.Quote(name), Err: err}
	}
	return name, nil
}

// startTLS turns on TLS as the mode wants it (RFC 3207).
func (c *Client) startTLS(ctx context.Context) error {
	mode := c.opts.TLS
	if c.tls != nil || mode == TLSNone {
		return nil
	}
	if !c.caps.Has(StartTLS) {
		if mode == TLSStartTLS {
			return &Reply{Code: 454, Enhanced: EnhancedCode{4, 7, 4}, Text: "TLS is required, but was not offered by host " + c.host}
		}
		return nil
	}
	if _, unix := c.conn.RemoteAddr().(*net.UnixAddr); unix && mode == TLSAuto {
		return nil
	}
	c.put("STARTTLS\r\n")
	d := timeout(c.opts.Timeouts.Hello, 5*time.Minute)
	if err := c.command(d, "STARTTLS", "sending STARTTLS command"); err != nil {
		return err
	}
	if c.r.Buffered() > 0 {
		// Somebody in between has put words of his own behind the reply, to be taken for the server's later on.
		return c.protocol("sending STARTTLS command", errors.New("it went on talking before TLS began"))
	}
	if err := c.handshake(ctx); err != nil {
		return err
	}
	return c.hello() // what was announced before can't be trusted (RFC 3207 section 4.2)
}

// handshake puts TLS on the connection.
func (c *Client) handshake(ctx context.Context) error {
	cfg := c.opts.TLSConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" {
		cfg.ServerName = c.opts.ServerName
	}
	conn := tls.Client(c.conn, cfg)
	c.deadline(timeout(c.opts.Timeouts.TLS, time.Minute))
	if err := conn.HandshakeContext(ctx); err != nil {
		c.shut()
		return &Reply{Code: 454, Enhanced: EnhancedCode{4, 7, 5}, Err: &TLSError{err},
			Text: "Cannot start TLS with " + c.host + ": " + safeText(err.Error())}
	}
	state := conn.ConnectionState()
	c.conn, c.tls = conn, &state
	c.r.Reset(conn)
	return nil
}

// TLSError is among the causes of a failed handshake.
type TLSError struct{ Err error }

// Error returns the handshake's error.
func (e *TLSError) Error() string { return "TLS handshake: " + e.Err.Error() }

// Unwrap returns the handshake's error.
func (e *TLSError) Unwrap() error { return e.Err }

// secured reports whether a password may be shown: to a server whose certificate was checked, or on this machine.
func (c *Client) secured() bool {
	if c.local {
		return true
	}
	return c.tls != nil && (len(c.tls.VerifiedChains) > 0 || c.opts.TLSConfig != nil)
}

// authenticate logs in (RFC 4954 section 4) and asks anew what the server can do.
func (c *Client) authenticate() error {
	if c.opts.Auth == nil {
		return nil
	}
	host, port, _ := strings.Cut(c.relay, "]:")
	host, _, _ = strings.Cut(host, "[")
	p, _ := strconv.Atoi(port)
	cfg := sasl.ClientConfig{Credentials: c.opts.Auth, Offered: c.caps.AuthMechanisms(), TLS: c.tls,
		Secured: c.secured(), Host: host, Port: p}
	x, err := cfg.Start()
	if err != nil {
		text := "no mechanism available for authentication with host " + c.host
		if errors.Is(err, sasl.ErrNotSecured) {
			text = "refusing to show a password to host " + c.host + ", which has no verified TLS"
		}
		return &Reply{Code: 454, Enhanced: EnhancedCode{4, 7, 0}, Text: text, Err: err}
	}
	if err := c.exchange(x); err != nil {
		return err
	}
	return c.hello()
}

// maxInitial is how long a line with an initial response may be; a longer one waits for the empty challenge (RFC 4954
// section 4).
const maxInitial = 512 - 2

// exchange is the dialogue of AUTH.
func (c *Client) exchange(x *sasl.ClientExchange) error {
	line := "AUTH " + x.Mechanism()
	shown := line
	if x.HasInitial() && c.initialFits(len(line)) {
		if ir, ok := x.Initial(); ok {
			line, shown = line+" "+ir, shown+" ***"
		}
	}
	d := timeout(c.opts.Timeouts.Hello, 5*time.Minute)
	const doing = "sending AUTH command"
	for {
		c.putSecret(shown, line)
		err := c.command(d, "AUTH", doing)
		if err == nil {
			if err := x.Finish(); err != nil {
				c.shut()
				return &Reply{Code: 454, Enhanced: EnhancedCode{4, 7, 0}, Text: "host " + c.host + " did not prove who it is", Err: err}
			}
			return nil
		}
		if c.closed || c.reply.code != 334 {
			return err
		}
		shown = "***"
		line, err = x.Answer(string(c.reply.text))
		if err == nil {
			continue
		}
		c.put("*\r\n")
		if e := c.command(d, "AUTH", doing); c.closed {
			return e
		}
		return &Reply{Code: 454, Enhanced: EnhancedCode{4, 7, 0}, Text: "authentication with host " + c.host + " failed", Err: err}
	}
}

// initialFits reports whether an initial response will fit behind the command, judged by what it can be made of.
func (c *Client) initialFits(used int) bool {
	a := c.opts.Auth
	raw := len(a.Token) + len(a.Password) + 2*len(a.Username) + len(a.Authorize) + len(c.opts.ServerName) + 64
	return used+1+(raw+2)/3*4 <= maxInitial
}
