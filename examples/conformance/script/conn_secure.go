package script

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/deflate"
	"github.com/buuta/mail/internal/sasl"
)

// startTLS begins TLS. What the server said in the clear behind its answer is an error.
func (c *conn) startTLS(cfg *tls.Config) error {
	if n := c.r.Buffered(); n > 0 {
		return fmt.Errorf("%d octets came in the clear behind the answer to STARTTLS", n)
	}
	t := tls.Client(c.nc, cfg)
	_ = c.nc.SetDeadline(time.Now().Add(c.timeout))
	if err := t.Handshake(); err != nil {
		return mismatch("TLS: %w", err)
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

// authenticate does an AUTHENTICATE or AUTH up to the answer that ends it, which is there for the next reader. An initial response
// is given to an empty challenge.
func (c *conn) authenticate(t *Target, tag string, mechanisms ...string) error {
	cfg := &sasl.ClientConfig{Credentials: &mail.Credentials{Username: t.User, Password: t.Password, Mechanisms: mechanisms},
		Offered: mechanisms, Secured: true}
	if t, ok := c.nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		cfg.TLS = &state
	}
	x, err := cfg.Start()
	if err != nil {
		return err
	}
	begin, more, done := "AUTH ", "+", "+OK"
	switch c.protocol {
	case IMAP:
		begin, done = tag+" AUTHENTICATE ", tag+" OK"
	case SMTP, LMTP:
		more, done = "334", "235"
	}
	if err := c.write(begin + x.Mechanism() + "\r\n"); err != nil {
		return err
	}
	var kept []*response
	defer func() { c.kept = append(kept, c.kept...) }()
	for {
		r, err := c.response()
		if err != nil {
			return err
		}
		challenge, asked := strings.CutPrefix(r.text, more)
		if !asked || challenge != "" && challenge[0] != ' ' {
			if kept = append(kept, r); c.protocol == IMAP && !r.final() {
				continue
			}
			if strings.HasPrefix(strings.ToUpper(r.text), strings.ToUpper(done)) {
				return x.Finish()
			}
			return nil
		}
		reply, err := x.Answer(strings.TrimPrefix(challenge, " "))
		if err != nil {
			return err
		}
		if err := c.write(reply + "\r\n"); err != nil {
			return err
		}
	}
}
