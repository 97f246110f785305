package imapclient

import (
	"bytes"
	"compress/flate"
	"context"
	"io"

	"github.com/buuta/mail/imap"
)

// compress switches to compression (RFC 4978): the reading goroutine takes it up behind the server's OK.
func (c *Client) compress(ctx context.Context) error {
	err := c.run(ctx, &command{name: "COMPRESS", rule: rule{alone: true}, then: func() error {
		rest := c.dec.TakeBuffered() // compressed already
		l := &c.line
		w, err := flate.NewWriter(l.conn, flate.DefaultCompression)
		if err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.r = flate.NewReader(io.MultiReader(bytes.NewReader(rest), raw{l}))
		l.w, l.ws = w, w
		return nil
	}}, func(e *imap.Encoder) { e.Raw(" DEFLATE") })
	if Refused(err) {
		return nil
	}
	return err
}
