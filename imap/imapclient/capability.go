package imapclient

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/imap"
)

// Capabilities are what a server offers.
type Capabilities []imap.Capability

// Has reports whether the server offers name, in any case.
func (l Capabilities) Has(name imap.Capability) bool {
	return slices.ContainsFunc(l, func(c imap.Capability) bool { return strings.EqualFold(string(c), string(name)) })
}

// Values returns what follows "name=" in the capabilities: AUTH, THREAD, QUOTA, APPENDLIMIT.
func (l Capabilities) Values(name string) (out []string) {
	for _, c := range l {
		if key, value, ok := strings.Cut(string(c), "="); ok && strings.EqualFold(key, name) {
			out = append(out, value)
		}
	}
	return out
}

// AppendLimit returns the largest message that APPEND takes (RFC 7889), 0 where the server doesn't say.
func (l Capabilities) AppendLimit() int64 {
	for _, v := range l.Values("APPENDLIMIT") {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// rev2 lists what IMAP4rev2 has in itself (RFC 9051 appendix E).
func rev2() []imap.Capability {
	return []imap.Capability{imap.CapNamespace, imap.CapUnselect, imap.CapUIDPlus, imap.CapESearch, imap.CapSearchRes, imap.CapEnable,
		imap.CapIdle, imap.CapSASLIR, imap.CapListExtended, imap.CapListStatus, imap.CapMove, imap.CapLiteralMinus, imap.CapSpecialUse,
		imap.CapStatusSize, imap.CapChildren}
}

// Capabilities returns what the server has announced last.
func (c *Client) Capabilities() Capabilities {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caps
}

// Has reports whether the server offers name now, by itself or as a part of IMAP4rev2, and Options.Without doesn't have it.
func (c *Client) Has(name imap.Capability) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has(name)
}

// refused reports whether Options.Without has a capability.
func (c *Client) refused(name imap.Capability) bool {
	return slices.ContainsFunc(c.opts.Without, func(w string) bool { return strings.EqualFold(w, string(name)) })
}

func (c *Client) has(name imap.Capability) bool {
	if c.refused(name) {
		return false
	}
	return c.caps.Has(name) || c.enabled.Has(imap.CapIMAP4rev2) && slices.Contains(rev2(), name)
}

// readCapabilities reads a list of capabilities to its end.
func readCapabilities(d *imap.Decoder) Capabilities {
	return capabilitiesOf(d.Text())
}

func capabilitiesOf(s string) Capabilities {
	out := make(Capabilities, 0, min(strings.Count(s, " ")+1, 1000)) // no room to grow: they stay as long as the connection
	for w := range strings.FieldsSeq(s) {
		if len(out) < 1000 {
			out = append(out, imap.Capability(w))
		}
	}
	return out
}

func (c *Client) setCapabilities(l Capabilities) {
	c.mu.Lock()
	c.caps = l
	c.capsKnown = true
	c.mu.Unlock()
	c.tell(CapabilityEvent{l})
}

// askCapabilities asks for the capabilities, unless they have come by themselves since they were last forgotten.
func (c *Client) askCapabilities(ctx context.Context) error {
	c.mu.Lock()
	known := c.capsKnown
	c.mu.Unlock()
	if known {
		return nil
	}
	return c.simple(ctx, "CAPABILITY")
}

func (c *Client) forgetCapabilities() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capsKnown = false
}
