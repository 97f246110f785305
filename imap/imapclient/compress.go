package imapclient

import (
	"bytes"
	"context"
	"io"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/deflate"
)

var packers deflate.Compressors

// compress switches to compression (RFC 4978): the reading goroutine takes it up behind the server's OK.
func (c *Client) compress(ctx context.Context) error {
	err := c.run(ctx, &command{name: "COMPRESS", rule: rule{alone: true}, then: func() error {
		rest := c.dec.TakeBuffered() // compressed already
		l := &c.line
		w := packers.NewWriter(l.conn)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.r = deflate.NewReader(io.MultiReader(bytes.NewReader(rest), raw{l}))
		l.w, l.ws = w, w
		return nil
	}}, func(e *imap.Encoder) { e.Raw(" DEFLATE") })
	if Refused(err) {
		return nil
	}
	return err
}
