package imapserver

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// list writes the LIST responses, and after each what was asked for of its mailbox.
func (c *Conn) list(ctx context.Context, r *listRequest) error {
	var infos []mail.MailboxInfo
	var below belowNames
	for info, err := range c.account.Mailboxes(ctx) {
		if err != nil {
			return err
		}
		matches := matchAny(r.patterns, info.Name)
		if r.recursive && r.chooses(&info) {
			below.add(info.Name, matches)
		}
		if matches {
			infos = append(infos, info)
		}
	}
	if r.recursive {
		infos = below.addMissing(infos, r.patterns)
	}
	l := imap.ListData{Delimiter: '/'}
	for i := range infos {
		info := &infos[i]
		chosen := r.chooses(info)
		l.ChildInfo = nil
		if r.recursive && below.chosen.has(info.Name) {
			l.ChildInfo = r.criteria()
		}
		switch {
		case !chosen && !(r.recursive && below.unmatched.has(info.Name)):
			// "Servers SHOULD suppress redundant CHILDINFO responses" (RFC 5258 section 3.5): what is below is listed itself.
			continue
		case info.NonExistent && !info.HasChildren && !r.selectSubscribed && l.ChildInfo == nil:
			continue // names that are only subscribed are shown where these are asked for
		}
		l.Name = info.Name
		l.Attrs = c.listAttributes(l.Attrs[:0], info, r)
		c.enc.Raw("* ").Raw(r.response).SP().ListData(&l).CRLF()
		if chosen {
			c.listMore(ctx, info, r)
		}
	}
	return nil
}

// listMore writes what was asked for of a mailbox besides its LIST response. What can't be had is left out (RFC 5819
// section 2, RFC 8440 section 3, RFC 9590 section 3).
func (c *Conn) listMore(ctx context.Context, info *mail.MailboxInfo, r *listRequest) {
	if info.NonExistent || info.NoSelect && r.metadata == nil {
		return
	}
	report := func(what string, err error) {
		if err != nil && statusOf(err).Code == imap.CodeServerBug {
			c.srv.logError(ctx, what, err, "mailbox", info.Name)
		}
	}
	if len(r.statusItems) > 0 && !info.NoSelect {
		report("status", c.status(ctx, info.Name, r.statusItems))
	}
	if r.returnMyRights && !info.NoSelect {
		report("rights", c.myRights(ctx, info.Name))
	}
	if r.metadata != nil {
		err := c.annotated(ctx, info.Name)
		if err == nil {
			_, err = c.tellMetadata(ctx, imap.GetMetadata{Mailbox: info.Name, Entries: r.metadata})
		}
		report("metadata", err)
	}
}

// listAttributes appends the attributes of a mailbox. Those for children and special use go with every response: clients that
// did not ask may ignore them (RFC 9051 section 7.3.1).
func (c *Conn) listAttributes(attrs []string, info *mail.MailboxInfo, r *listRequest) []string {
	if info.NonExistent {
		attrs = append(attrs, `\NonExistent`)
	}
	if info.NoSelect || info.NonExistent && !r.extended {
		attrs = append(attrs, `\Noselect`)
	}
	if r.returnSubscribed && info.Subscribed {
		attrs = append(attrs, `\Subscribed`)
	}
	if info.HasChildren {
		attrs = append(attrs, `\HasChildren`)
	} else {
		attrs = append(attrs, `\HasNoChildren`)
	}
	if r.response == "XLIST" && info.Name == "INBOX" {
		attrs = append(attrs, `\Inbox`)
	}
	if c.isDisabled(imap.CapSpecialUse) {
		return attrs
	}
	for _, u := range info.Use {
		name := string(u)
		if r.response == "XLIST" {
			name = xlistUse(u)
		}
		attrs = append(attrs, name)
	}
	return attrs
}

// xlistUse is the name that XLIST has for a special use, as Gmail had it.
func xlistUse(u mail.SpecialUse) string {
	switch u {
	case mail.UseAll:
		return `\AllMail`
	case mail.UseFlagged:
		return `\Starred`
	case mail.UseJunk:
		return `\Spam`
	}
	return string(u)
}

// sortedNames are names in the order of their octets.
type sortedNames []string

// has reports whether one of the names lies below name.
func (s sortedNames) has(name string) bool {
	i, _ := slices.BinarySearch(s, name+"/")
	return i < len(s) && strings.HasPrefix(s[i], name+"/")
}

// belowNames are the mailboxes that meet the selection criteria: all of them, and those that match no pattern.
type belowNames struct{ chosen, unmatched sortedNames }

func (b *belowNames) add(name string, matches bool) {
	b.chosen = append(b.chosen, name)
	if !matches {
		b.unmatched = append(b.unmatched, name)
	}
}

// addMissing sorts the names, and adds to infos the levels above them that match a pattern and that the store doesn't know
// of, because there is nothing there but subscriptions.
func (b *belowNames) addMissing(infos []mail.MailboxInfo, patterns []string) []mail.MailboxInfo {
	slices.Sort(b.chosen)
	slices.Sort(b.unmatched)
	known := make(map[string]bool, len(infos))
	for i := range infos {
		known[infos[i].Name] = true
	}
	for _, name := range b.chosen {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			if up := name[:i]; !known[up] {
				known[up] = true
				if matchAny(patterns, up) {
					infos = append(infos, mail.MailboxInfo{Name: up, NonExistent: true})
				}
			}
		}
	}
	return infos
}
