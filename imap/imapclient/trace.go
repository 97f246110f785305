package imapclient

import "strings"

// traceSent shows a line that is sent.
func (c *Client) traceSent(b []byte) {
	line := string(b)
	if c.hidden() {
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
	if tag == "+" && c.hidden() && rest != "" {
		rest = "***"
	}
	c.opts.Trace(false, tag+" "+rest)
}

func (c *Client) hidden() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets > 0
}
