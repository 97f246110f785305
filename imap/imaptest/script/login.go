package script

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/deflate"
	"github.com/buuta/mail/internal/sasl"
)

// login reads the greeting and logs in, unless the server says that this has been done.
func (c *conn) login(srv *Server) error {
	line, nodes, err := c.response()
	if err != nil {
		return err
	}
	if len(nodes) > 1 && strings.EqualFold(nodes[1].text, "PREAUTH") {
		return nil
	}
	if len(nodes) < 2 || !strings.EqualFold(nodes[1].text, "OK") {
		return fmt.Errorf("greeting: %s", line)
	}
	if err := c.do("CAPABILITY"); err != nil {
		return err
	}
	c.first = slices.Clone(c.caps)
	if slices.Contains(c.caps, "LOGINDISABLED") && srv.TLS != nil {
		if err := c.do("STARTTLS"); err != nil {
			return err
		}
		if err := c.startTLS(srv.TLS); err != nil {
			return err
		}
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	return c.do(`LOGIN "` + quote(srv.User) + `" "` + quote(srv.Password) + `"`)
}

// startTLS begins TLS. What the server said in the clear behind its answer is an error.
func (c *conn) startTLS(cfg *tls.Config) error {
	if n := c.r.Buffered(); n > 0 {
		return fmt.Errorf("%d octets came in the clear behind the answer to STARTTLS", n)
	}
	t := tls.Client(c.nc, cfg)
	if err := t.Handshake(); err != nil {
		return err
	}
	c.nc, c.r, c.w = t, bufio.NewReader(t), t
	return nil
}

// compress begins compression both ways.
func (c *conn) compress() error {
	if n := c.r.Buffered(); n > 0 {
		return fmt.Errorf("%d octets came uncompressed behind the answer to COMPRESS", n)
	}
	c.whole = bufio.NewWriter(c.nc)
	c.packed = new(deflate.Compressors).NewWriter(c.whole)
	c.r, c.w = bufio.NewReader(deflate.NewReader(c.nc)), c.packed
	return nil
}

// authenticate does an AUTHENTICATE up to its tagged response, which is there for the next reader. An initial response is
// given to an empty challenge.
func (c *conn) authenticate(srv *Server, words []string) error {
	cfg := &sasl.ClientConfig{Credentials: &mail.Credentials{Username: srv.User, Password: srv.Password, Mechanisms: words[1:]},
		Offered: words[1:], Secured: true}
	if t, ok := c.nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		cfg.TLS = &state
	}
	x, err := cfg.Start()
	if err != nil {
		return err
	}
	if err := c.write(words[0] + " AUTHENTICATE " + x.Mechanism() + "\r\n"); err != nil {
		return err
	}
	var kept []answer
	defer func() { c.kept = append(kept, c.kept...) }()
	for {
		line, nodes, err := c.response()
		if err != nil {
			return err
		}
		if nodes[0].text != "+" {
			if kept = append(kept, answer{line, nodes}); nodes[0].text == "*" {
				continue
			}
			if len(nodes) > 1 && strings.EqualFold(nodes[1].text, "OK") {
				return x.Finish()
			}
			return nil
		}
		reply, err := x.Answer(strings.TrimPrefix(strings.TrimPrefix(line, "+"), " "))
		if err != nil {
			return err
		}
		if err := c.write(reply + "\r\n"); err != nil {
			return err
		}
	}
}

// Capabilities returns what a server announces before and after login.
func Capabilities(ctx context.Context, srv *Server) (before, after []string, err error) {
	r := &run{ctx: ctx, c: &Case{}, srv: srv}
	defer r.close()
	if r.setup, err = r.dial(true); err != nil {
		return nil, nil, err
	}
	err = r.setup.do("CAPABILITY")
	return r.setup.first, r.setup.caps, err
}
