package imapserver

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// listRequest is what LIST asks for (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590).
type listRequest struct {
	response string // "LIST", "XLIST"
	extended bool   // in any of the ways of RFC 5258
	patterns []string

	selectSubscribed, selectSpecial, recursive      bool
	returnSubscribed, returnSpecial, returnMyRights bool
	statusItems                                     []string
	metadata                                        []string
}

// maxPattern bounds a pattern, so that matching stays cheap, and maxPatterns how many there are.
const (
	maxPattern  = 1024
	maxPatterns = 100
)

// handleList is LIST, and XLIST, by which clients found out about special uses before RFC 6154.
func (c *Conn) handleList(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	r := listRequest{response: cmd.name}
	if d.Peek('(') {
		c.listSelection(&r)
		d.SP()
	}
	reference := c.mailbox()
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
	if r.extended && (!c.offers(imap.CapListExtended) || r.response != "LIST") {
		d.Fail(imap.Bad("LIST is not extended here"))
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if empty && !r.extended {
		// A special request for the hierarchy delimiter (RFC 9051 section 6.3.9).
		c.enc.Raw("* ").Raw(r.response).Raw(` (\Noselect) "/" ""`).CRLF()
		return nil
	}
	return c.list(ctx, &r)
}

// listSelection reads the selection options.
func (c *Conn) listSelection(r *listRequest) {
	r.extended = true
	d := c.dec
	d.List(func() {
		switch word := d.Keyword(); {
		case word == "SUBSCRIBED":
			r.selectSubscribed, r.returnSubscribed = true, true
		case word == "REMOTE":
			// There is nothing remote to be added.
		case word == "RECURSIVEMATCH":
			r.recursive = true
		case word == "SPECIAL-USE" && c.offers(imap.CapSpecialUse):
			r.selectSpecial, r.returnSpecial = true, true
		default:
			d.Fail(imap.Bad("Unknown selection option"))
		}
	})
	// "The RECURSIVEMATCH option MUST NOT occur as the only selection option (or only with REMOTE)" (RFC 5258 section 3.1).
	if r.recursive && !r.selectSubscribed && !r.selectSpecial {
		d.Fail(imap.Bad("RECURSIVEMATCH needs another selection option"))
	}
}

// listPatterns reads one pattern or a list of them and reports whether all that was given is "". In a list "the empty string
// MUST be ignored for the purpose of matching" (RFC 5258 section 3).
func (c *Conn) listPatterns(r *listRequest, reference string) (empty bool) {
	d := c.dec
	add := func() {
		p := normalName(d.ListMailbox())
		if p == "" {
			empty = true
			return
		}
		p = reference + p
		if len(p) > maxPattern || len(r.patterns) >= maxPatterns {
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
		switch word := d.Keyword(); {
		case word == "SUBSCRIBED":
			r.returnSubscribed = true
		case word == "CHILDREN":
		case word == "SPECIAL-USE" && c.offers(imap.CapSpecialUse):
			r.returnSpecial = true
		case word == "STATUS" && c.offers(imap.CapListStatus):
			d.SP()
			r.statusItems = c.statusItems()
		case word == "MYRIGHTS" && c.offers(imap.CapListMyRights):
			r.returnMyRights = true
		case word == "METADATA" && c.offers(imap.CapListMetadata):
			d.SP()
			r.metadata = d.MetadataEntries()
		default:
			d.Fail(imap.Bad("Unknown return option"))
		}
	})
}

// chooses reports whether a mailbox meets the selection criteria.
func (r *listRequest) chooses(info *mail.MailboxInfo) bool {
	return (!r.selectSubscribed || info.Subscribed) && (!r.selectSpecial || len(info.Use) > 0)
}

// criteria names the selection criteria, as CHILDINFO does (RFC 5258 section 3.5).
func (r *listRequest) criteria() (names []string) {
	if r.selectSubscribed {
		names = append(names, "SUBSCRIBED")
	}
	if r.selectSpecial {
		names = append(names, "SPECIAL-USE")
	}
	return names
}
