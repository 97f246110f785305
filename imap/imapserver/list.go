package imapserver

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// listRequest is what LIST asks for (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154).
type listRequest struct {
	extended bool // in any of the ways of RFC 5258
	patterns []string

	selectSubscribed, selectSpecial, recursive bool
	returnSubscribed, returnSpecial            bool
	statusItems                                []string
}

// maxPattern bounds a pattern, so that matching stays cheap.
const maxPattern = 1024

// handleList is LIST.
func (c *Conn) handleList(ctx context.Context, _ *command) error {
	d := c.dec
	d.SP()
	var r listRequest
	if d.Peek('(') {
		r.extended = true
		c.listSelection(&r)
		d.SP()
	}
	reference := norm.NFC.String(d.Mailbox())
	d.SP()
	empty := c.listPatterns(&r, reference)
	if d.TrySP() {
		r.extended = true
		if d.Keyword() != "RETURN" {
			d.Fail(imap.Bad("RETURN expected"))
		}
		d.SP()
		c.listReturn(&r)
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if empty && !r.extended {
		// A special request for the hierarchy delimiter (RFC 9051 section 6.3.9).
		c.enc.Raw(`* LIST (\Noselect) "/" ""`).CRLF()
		return nil
	}
	return c.list(ctx, &r)
}

// listSelection reads the selection options.
func (c *Conn) listSelection(r *listRequest) {
	d := c.dec
	d.List(func() {
		switch d.Keyword() {
		case "SUBSCRIBED":
			r.selectSubscribed, r.returnSubscribed = true, true
		case "REMOTE":
		case "RECURSIVEMATCH":
			r.recursive = true
		case "SPECIAL-USE":
			r.selectSpecial, r.returnSpecial = true, true
		default:
			d.Fail(imap.Bad("Unknown selection option"))
		}
	})
	if r.recursive && !r.selectSubscribed && !r.selectSpecial {
		d.Fail(imap.Bad("RECURSIVEMATCH needs another selection option"))
	}
}

// listPatterns reads one pattern or a list of them and reports whether all that was given is "".
func (c *Conn) listPatterns(r *listRequest, reference string) (empty bool) {
	d := c.dec
	add := func() {
		p := norm.NFC.String(d.ListMailbox())
		if p == "" {
			empty = true
			return
		}
		p = reference + p
		if len(p) > maxPattern || len(r.patterns) >= 100 {
			d.Fail(&imap.Status{Type: imap.NO, Code: imap.CodeLimit, Text: "Pattern too long."})
		}
		if len(p) >= 5 && strings.EqualFold(p[:5], "INBOX") && (len(p) == 5 || p[5] == '/') {
			p = "INBOX" + p[5:]
		}
		r.patterns = append(r.patterns, p)
	}
	if d.Peek('(') {
		r.extended = true
		d.List(add)
	} else {
		add()
	}
	return empty
}

// listReturn reads the return options.
func (c *Conn) listReturn(r *listRequest) {
	d := c.dec
	d.List(func() {
		switch d.Keyword() {
		case "SUBSCRIBED":
			r.returnSubscribed = true
		case "CHILDREN":
		case "SPECIAL-USE":
			r.returnSpecial = true
		case "STATUS":
			d.SP()
			r.statusItems = c.statusItems()
		default:
			d.Fail(imap.Bad("Unknown return option"))
		}
	})
}

// list writes the LIST responses. Names that are only subscribed are shown where subscriptions are asked for.
func (c *Conn) list(ctx context.Context, r *listRequest) error {
	var subscribed []string // for CHILDINFO: sorted
	var infos []mail.MailboxInfo
	for info, err := range c.account.Mailboxes(ctx) {
		if err != nil {
			return err
		}
		if r.recursive && (!r.selectSubscribed || info.Subscribed) && (!r.selectSpecial || len(info.Use) > 0) {
			subscribed = append(subscribed, info.Name)
		}
		if matchAny(r.patterns, info.Name) {
			infos = append(infos, info)
		}
	}
	slices.Sort(subscribed)
	for i := range infos {
		info := &infos[i]
		chosen := (!r.selectSubscribed || info.Subscribed) && (!r.selectSpecial || len(info.Use) > 0)
		children := r.recursive && hasBelow(subscribed, info.Name)
		if !chosen && !children || info.NonExistent && !info.HasChildren && !r.selectSubscribed && !r.returnSubscribed {
			continue
		}
		c.tellList(info, r, children)
		if len(r.statusItems) > 0 && chosen && !info.NonExistent && !info.NoSelect {
			// A mailbox whose status can't be had is listed without (RFC 5819 section 2).
			if err := c.status(ctx, info.Name, r.statusItems); err != nil {
				c.srv.logError(ctx, "status", err, "mailbox", info.Name)
			}
		}
	}
	return nil
}

// hasBelow reports whether one of the sorted names lies below name.
func hasBelow(sorted []string, name string) bool {
	i, _ := slices.BinarySearch(sorted, name+"/")
	return i < len(sorted) && strings.HasPrefix(sorted[i], name+"/")
}

// tellList writes one LIST response. The attributes for children and special use go with every response: clients that
// did not ask may ignore them (RFC 9051 section 7.3.1).
func (c *Conn) tellList(info *mail.MailboxInfo, r *listRequest, childInfo bool) {
	e := c.enc.Raw("* LIST (")
	sep := ""
	attr := func(a string) {
		e.Raw(sep).Raw(a)
		sep = " "
	}
	if info.NonExistent {
		attr(`\NonExistent`)
	}
	if info.NoSelect || info.NonExistent && !r.extended {
		attr(`\Noselect`)
	}
	if r.returnSubscribed && info.Subscribed {
		attr(`\Subscribed`)
	}
	if info.HasChildren {
		attr(`\HasChildren`)
	} else {
		attr(`\HasNoChildren`)
	}
	if !c.isDisabled(imap.CapSpecialUse) {
		for _, u := range info.Use {
			attr(string(u))
		}
	}
	e.Raw(`) "/" `).Mailbox(info.Name)
	if childInfo && r.selectSubscribed {
		e.Raw(` ("CHILDINFO" ("SUBSCRIBED"))`)
	} else if childInfo {
		e.Raw(` ("CHILDINFO" ("SPECIAL-USE"))`)
	}
	e.CRLF()
}
