package imapserver

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver/internal/notify"
)

// tellChanges sends what RFC 5465 section 5 has for each change that the client wants to know of.
func (c *Conn) tellChanges(l *lookedAt, changes []notify.Change, own []string) {
	told := map[string]bool{} // in LIST responses
	tell := func(name string, e listEvent) {
		if name != "" && !told[name] && !isOwn(own, name) {
			told[name] = true
			c.tellEvent(l, name, e)
		}
	}
	var parents []string
	for i := range changes {
		ch := &changes[i]
		name := ch.Name()
		events := c.notify.filter.Events(name, ch.New.Subscribed || ch.Old.Subscribed)
		if events&notify.Name != 0 && (ch.Old.Exists != ch.New.Exists || ch.Renamed()) {
			e := listEvent{}
			if ch.Renamed() {
				e.oldName = ch.Old.Name
			} else {
				// "If a mailbox is created or deleted, the mailbox itself and its direct parent … are considered to be affected."
				parents = append(parents, name[:max(strings.LastIndexByte(name, '/'), 0)])
			}
			tell(name, e)
		}
		if events&notify.Subscription != 0 && ch.Old.Subscribed != ch.New.Subscribed {
			tell(name, listEvent{})
		}
		if events&notify.Messages != 0 && ch.Old.NoAccess != ch.New.NoAccess && ch.New.Name != "" {
			tell(name, listEvent{noAccess: ch.New.NoAccess})
		}
		if ch.Old.Counted && ch.New.Counted && name != l.selected {
			c.tellCounters(ch, events)
		}
		if names := ch.ChangedNotes(); len(names) > 0 && (name == "" || events&notify.Metadata != 0) && !isOwn(own, name) {
			c.enc.Raw("* METADATA ").MetadataChanged(name, names).CRLF()
		}
	}
	for _, p := range parents {
		if c.notify.filter.Events(p, l.infos[p].Subscribed)&notify.Name != 0 {
			tell(p, listEvent{})
		}
	}
}

// isOwn reports whether name is one of own, lies below one, or above one, where it may have come into being as its parent.
func isOwn(own []string, name string) bool {
	for _, o := range own {
		if name == o || strings.HasPrefix(name, o+"/") || name != "" && strings.HasPrefix(o, name+"/") {
			return true
		}
	}
	return false
}

// tellCounters sends a STATUS response with what has changed (RFC 5465 section 5.1 to 5.3).
func (c *Conn) tellCounters(ch *notify.Change, events notify.Events) {
	was, is := &ch.Old, &ch.New
	var items []string
	if events&(notify.New|notify.Expunge) != 0 && (was.UIDNext != is.UIDNext || was.Messages != is.Messages) {
		items = append(items, "MESSAGES", "UIDNEXT")
	}
	flags := events&notify.Flags != 0
	if flags && was.Unseen != is.Unseen {
		items = append(items, "UNSEEN")
	}
	modSeq := was.ModSeq != is.ModSeq && c.condStore
	if was.UIDValidity != is.UIDValidity || modSeq && flags {
		items = append(items, "UIDVALIDITY")
	}
	if modSeq && (flags || len(items) > 0) {
		items = append(items, "HIGHESTMODSEQ")
	}
	if len(items) > 0 {
		c.tellState(is, items)
	}
}

// tellState sends a STATUS response of what a notifier knows.
func (c *Conn) tellState(e *notify.Entry, items []string) {
	c.writeStatus(e.Name, items, &mail.State{UIDValidity: e.UIDValidity, UIDNext: e.UIDNext, Messages: e.Messages, Unseen: e.Unseen,
		HighestModSeq: e.ModSeq}, statusExtra{})
}

// listEvent is what an unsolicited LIST response says besides the attributes.
type listEvent struct {
	oldName  string
	noAccess bool
}

// tellEvent sends an unsolicited LIST response with all attributes as they are.
func (c *Conn) tellEvent(l *lookedAt, name string, e listEvent) {
	info, ok := l.infos[name]
	if !ok {
		info = mail.MailboxInfo{Name: name, NonExistent: true}
	}
	data := imap.ListData{Name: name, Delimiter: '/', OldName: e.oldName}
	data.Attrs = c.listAttributes(nil, &info, &listRequest{response: "LIST", extended: true, returnSubscribed: true})
	if e.noAccess {
		data.Attrs = append(data.Attrs, `\NoAccess`)
	}
	c.enc.Raw("* LIST ").ListData(&data).CRLF()
}
