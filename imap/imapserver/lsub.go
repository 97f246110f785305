package imapserver

import (
	"context"
	"strings"
)

// handleLsub is LSUB (RFC 3501 section 6.3.9).
func (c *Conn) handleLsub(ctx context.Context, _ *command) error {
	d := c.dec
	d.SP()
	reference := c.mailbox()
	d.SP()
	var r listRequest
	empty := c.listPatterns(&r, reference)
	if err := d.CRLF(); err != nil {
		return err
	}
	if empty {
		c.enc.Raw(`* LSUB (\Noselect) "/" ""`).CRLF()
		return nil
	}
	told := map[string]bool{}
	tell := func(attrs, name string) {
		if !told[name] {
			told[name] = true
			c.enc.Raw("* LSUB (").Raw(attrs).Raw(`) "/" `).Mailbox(name).CRLF()
		}
	}
	var names []string
	for info, err := range c.account.Mailboxes(ctx) {
		if err != nil {
			return err
		}
		if info.Subscribed {
			names = append(names, info.Name)
			if matchAny(r.patterns, info.Name) {
				tell("", info.Name)
			}
		}
	}
	// A pattern with "%" shows levels above what is subscribed, as \Noselect.
	if strings.Contains(r.patterns[0], "%") {
		for _, name := range names {
			for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
				if matchAny(r.patterns, name[:i]) {
					tell(`\Noselect`, name[:i])
				}
			}
		}
	}
	return nil
}
