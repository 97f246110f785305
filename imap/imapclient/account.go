package imapclient

import (
	"context"
	"slices"
	"sync"

	"github.com/buuta/mail/imap"
)

// isEnabled reports whether the server has confirmed that an extension is on.
func (c *Client) isEnabled(name imap.Capability) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enabled.Has(name)
}

// Enabled returns the extensions that are on (RFC 5161).
func (c *Client) Enabled() Capabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.enabled)
}

func (c *Client) addEnabled(l Capabilities) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range l {
		if !c.enabled.Has(name) {
			c.enabled = append(c.enabled, name)
		}
		if name == imap.CapQResync && !c.enabled.Has(imap.CapCondStore) {
			c.enabled = append(c.enabled, imap.CapCondStore)
		}
	}
}

// Enable switches extensions on and returns those that are on now (RFC 9051 section 6.3.1). IMAP4rev2, QRESYNC and CONDSTORE are
// switched on after login by themselves, where they are offered.
func (c *Client) Enable(ctx context.Context, names ...imap.Capability) (Capabilities, error) {
	for _, n := range names {
		if !atom(string(n)) {
			return nil, &Error{Command: "ENABLE", Host: c.host, Err: badArgument("no capability")}
		}
	}
	cmd := &command{name: "ENABLE", rule: rule{alone: true}}
	// Before anything behind the answer is read or written: names are in UTF-8 from here on.
	cmd.then = func() error {
		if c.isEnabled(imap.CapIMAP4rev2) || c.isEnabled(imap.CapUTF8Accept) {
			c.dec.UTF8, c.enc.UTF8 = true, true
		}
		return nil
	}
	err := c.run(ctx, cmd, func(e *imap.Encoder) { e.Capabilities(names) })
	return c.Enabled(), err
}

// atom reports whether s can stand in a command as an atom.
func atom(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || slices.Contains([]byte(`(){%*"\`), c) {
			return false
		}
	}
	return true
}

// ID tells the server about the client and returns what it tells about itself, each as name, value, name, value (RFC 2971).
func (c *Client) ID(ctx context.Context, client ...string) ([]string, error) {
	var server []string
	if !c.Has(imap.CapID) {
		return nil, c.unsupported("ID", imap.CapID)
	}
	if len(client)%2 != 0 || len(client) > 60 {
		return nil, &Error{Command: "ID", Host: c.host, Err: badArgument("names and values come in pairs, 30 at most")}
	}
	cmd := &command{name: "ID", rule: rule{moves: true, class: "ID"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "ID" {
			return false
		}
		if !d.TryWord("NIL") {
			d.List(func() {
				s, _ := d.NString()
				server = append(server, s)
			})
		}
		return true
	}
	return answer(ctx, c, cmd, &server, func(e *imap.Encoder) {
		if len(client) == 0 {
			e.Raw(" NIL")
			return
		}
		e.Raw(" (")
		for i, s := range client {
			if i > 0 {
				e.SP()
			}
			e.String(s)
		}
		e.Raw(")")
	})
}

// Namespaces returns where the mailboxes are (RFC 9051 section 6.3.10). A server without NAMESPACE has one namespace with all.
func (c *Client) Namespaces(ctx context.Context) ([]imap.Namespace, error) {
	var out []imap.Namespace
	if !c.Has(imap.CapNamespace) {
		n := imap.Namespace{}
		list, err := c.listCommand(ctx, "LIST", &ListOptions{}, []string{""})
		if len(list) > 0 && list[0].Delimiter != 0 {
			n.Separator = string(list[0].Delimiter)
		}
		return []imap.Namespace{n}, err
	}
	cmd := &command{name: "NAMESPACE", rule: rule{moves: true, class: "NAMESPACE"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what == "NAMESPACE" {
			out = d.Namespaces()
		}
		return what == "NAMESPACE"
	}
	return answer(ctx, c, cmd, &out, nil)
}

// Raw sends a command that this package doesn't know. line is what stands behind the tag, without its end; take is called by the
// reading goroutine for each untagged response that the command may have caused, with the first word of it in upper
// case and a Decoder that stands behind it and the space, and reports whether it has read it; it may be nil. It is not called any
// more when Raw has returned: where ctx ends while it reads, Raw waits for it. No other command runs at the same time. The
// server's OK is returned.
func (c *Client) Raw(ctx context.Context, line string, take func(name string, d *imap.Decoder) bool) (*imap.Status, error) {
	if err := oneLine(line); err != nil || line == "" {
		return nil, &Error{Host: c.host, Err: badArgument("no command line")}
	}
	cmd := &command{name: line, rule: rule{alone: true}}
	var taking sync.Mutex
	if take != nil {
		cmd.take = func(d *imap.Decoder, name string) bool {
			taking.Lock()
			defer taking.Unlock()
			return take != nil && take(name, d)
		}
	}
	err := c.run(ctx, cmd, nil)
	if cmd.left {
		taking.Lock()
		take = nil
		taking.Unlock()
		return nil, err
	}
	return cmd.status, err
}
