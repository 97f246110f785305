package imapclient

import (
	"context"

	"github.com/buuta/mail/imap"
)

// Notify says of which mailboxes the server shall tell which events (RFC 5465), which then come to Options.Events and to a loop over
// Idle: StatusEvent, MailboxEvent, MetadataEvent, and those of the selected mailbox. Without groups it shall tell none. It needs
// NOTIFY.
func (c *Client) Notify(ctx context.Context, n imap.Notify) error {
	if !c.Has(imap.CapNotify) {
		return c.unsupported("NOTIFY", imap.CapNotify)
	}
	return c.run(ctx, &command{name: "NOTIFY", rule: rule{alone: true}}, func(e *imap.Encoder) { e.SP().Notify(n) })
}

// Language asks for the server's texts in one of these languages, in the order in which they are wanted, and returns the one that
// it has chosen; without arguments it returns which there are (RFC 5255 section 3.2). It needs LANGUAGE. "default" is the
// server's own.
func (c *Client) Language(ctx context.Context, ranges ...string) ([]string, error) {
	var tags []string
	if !c.Has(imap.CapLanguage) {
		return nil, c.unsupported("LANGUAGE", imap.CapLanguage)
	}
	cmd := &command{name: "LANGUAGE", rule: rule{alone: true}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what == "LANGUAGE" {
			tags = d.LanguageList()
		}
		return what == "LANGUAGE"
	}
	return answer(ctx, c, cmd, &tags, func(e *imap.Encoder) { e.Languages(ranges) })
}

// Unauthenticate ends the login and leaves the connection, for another [Client.Login] (RFC 8437): for whoever serves many users over few
// connections. It needs UNAUTHENTICATE. Nothing that was enabled is on any more but TLS and compression.
func (c *Client) Unauthenticate(ctx context.Context) error {
	if !c.Has(imap.CapUnauthenticate) {
		return c.unsupported("UNAUTHENTICATE", imap.CapUnauthenticate)
	}
	cmd := &command{name: "UNAUTHENTICATE", rule: rule{alone: true}}
	// "The server … MUST … return to the state as if … no authentication had taken place" (section 3): names are in modified
	// UTF-7 again before anything behind the answer is read.
	cmd.then = func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.state, c.mailbox, c.enabled, c.capsKnown = StateNotAuthenticated, nil, nil, false
		c.dec.UTF8, c.enc.UTF8 = false, false
		return nil
	}
	if err := c.run(ctx, cmd, nil); err != nil {
		return err
	}
	return c.askCapabilities(ctx)
}
