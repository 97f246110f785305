package imapclient

import (
	"strings"

	"github.com/buuta/mail"
)

// traceSent shows a line that is sent.
func (c *Client) traceSent(b []byte) {
	line := string(b)
	if c.hidden() != nil {
		words := strings.SplitN(line, " ", 4)
		switch {
		case len(words) > 1 && words[1] == "LOGIN":
			line = strings.Join(words[:2], " ") + " ***"
		case len(words) > 2 && words[1] == "AUTHENTICATE":
			line = strings.Join(words[:3], " ")
			if len(words) > 3 {
				line += " ***"
			}
		case line != "*":
			line = "***"
		}
	}
	c.opts.Trace(true, line)
}

// traceReceived shows a line whose first word has been read.
func (c *Client) traceReceived(tag string) {
	if c.opts.Trace == nil {
		return
	}
	rest := string(c.dec.Rest())
	if cred := c.hidden(); cred != nil {
		if tag == "+" && rest != "" {
			rest = "***"
		}
		for _, secret := range [...]string{cred.Password, cred.Token} {
			if secret != "" {
				rest = strings.ReplaceAll(rest, secret, "***")
			}
		}
	}
	c.opts.Trace(false, tag+" "+rest)
}

// hidden returns the credentials that are in use right now, nil when none are.
func (c *Client) hidden() *mail.Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secret
}
