package imapclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/buuta/mail/imap"
)

// open gets from an open connection to a session that is ready.
func (c *Client) open(ctx context.Context) error {
	if err := c.greet(ctx); err != nil {
		return err
	}
	if err := c.secure(ctx); err != nil {
		return err
	}
	if err := c.login(ctx); err != nil {
		return err
	}
	if c.State() != StateAuthenticated {
		return nil
	}
	return c.settle(ctx)
}

// greet does the TLS handshake where TLS comes first, and reads the greeting. The reading goroutine begins.
func (c *Client) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.opts.Timeouts.Greeting, time.Minute))
	defer cancel()
	if t, ok := c.line.conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.tls = &state
	} else if c.opts.TLS == TLSImplicit {
		if err := c.handshake(ctx); err != nil {
			return err
		}
	}
	greeting := &command{name: "", rule: rule{alone: true}, done: make(chan struct{})}
	c.mu.Lock()
	c.running = append(c.running, greeting)
	c.mu.Unlock()
	c.line.expect()
	c.reader.Go(func() { c.read(greeting) })
	if err := c.wait(ctx, greeting); err != nil {
		return err
	}
	c.greeting = greeting.status
	return nil
}

// handshake puts TLS on the connection.
func (c *Client) handshake(ctx context.Context) error {
	cfg := c.opts.TLSConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		cfg.ServerName = c.opts.ServerName
	}
	conn := tls.Client(c.line.conn, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return &Error{Command: "", Host: c.host, Err: fmt.Errorf("TLS handshake: %w", err)}
	}
	state := conn.ConnectionState()
	c.mu.Lock()
	c.tls = &state
	c.mu.Unlock()
	c.line.use(conn)
	return nil
}

// secure brings the connection under TLS by STARTTLS as the options say (RFC 9051 section 6.2.1).
func (c *Client) secure(ctx context.Context) error {
	if c.tls != nil || c.opts.TLS == TLSNone {
		return nil
	}
	demanded := c.opts.TLS == TLSStartTLS
	if c.State() != StateNotAuthenticated {
		if demanded { // "STARTTLS is only valid in the not authenticated state": whoever sent PREAUTH may be on the way
			return &Error{Command: "STARTTLS", Host: c.host, Err: fmt.Errorf("%w: greeting is PREAUTH", ErrInsecure)}
		}
		return nil
	}
	if err := c.askCapabilities(ctx); err != nil {
		return err
	}
	if !c.Has(imap.CapStartTLS) {
		if demanded {
			return &Error{Command: "STARTTLS", Host: c.host, Err: fmt.Errorf("%w: STARTTLS is not offered", ErrInsecure)}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.opts.Timeouts.Greeting, time.Minute))
	defer cancel()
	c.forgetCapabilities()
	// The reading goroutine does the handshake, so that it reads nothing in between; what it has read beyond the answer came in
	// the clear, perhaps from somebody else, and is dropped.
	return c.run(ctx, &command{name: "STARTTLS", rule: rule{alone: true}, then: func() error {
		if err := c.handshake(ctx); err != nil {
			return err
		}
		c.dec.Reset(&c.line)
		return nil
	}}, nil)
}

// settle does what is good to do right after login.
func (c *Client) settle(ctx context.Context) error {
	if err := c.askCapabilities(ctx); err != nil {
		return err
	}
	if c.opts.Compress && c.Has("COMPRESS=DEFLATE") {
		if err := c.compress(ctx); err != nil {
			return err
		}
	}
	if len(c.opts.ID) > 0 && c.Has(imap.CapID) {
		if _, err := c.ID(ctx, c.opts.ID...); err != nil && !Refused(err) {
			return err
		}
	}
	if !c.Has(imap.CapEnable) {
		return nil
	}
	var want []imap.Capability
	for _, name := range [...]imap.Capability{imap.CapIMAP4rev2, imap.CapUTF8Accept, imap.CapQResync, imap.CapCondStore} {
		if c.Has(name) && (name != imap.CapUTF8Accept || c.opts.UTF8) {
			want = append(want, name)
		}
	}
	if len(want) == 0 {
		return nil
	}
	_, err := c.Enable(ctx, want...)
	if Refused(err) {
		return nil
	}
	return err
}
