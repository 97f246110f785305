package imapserver

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// selected is the mailbox of a session in selected state.
type selected struct {
	box      mail.Mailbox
	name     string
	readOnly bool        // nothing may be changed: EXAMINE, or the store says so
	rights   mail.Rights // what the user may do with it, as the client has been told
	validity uint32

	view   view
	maxUID mail.UID    // the highest UID the client has ever been told of here
	modSeq mail.ModSeq // up to here the client has been told
	gone   mail.UIDSet // removed, in the view still, because the client could not be told yet

	goneSince mail.ModSeq // what modSeq was when the first of gone was seen
	recent    mail.UIDSet // \Recent for this session
	saved     mail.UIDSet // "$" (RFC 5182)
	told      mail.UIDSet // their flags have been told as of toldAt
	toldAt    mail.ModSeq
	keyword   []string // in the last FLAGS response, lower case, sorted
	names     []string // the same as they are written

	contexts []*searchContext // searches that the client is kept informed of (RFC 5267)
	created  mail.UIDSet      // put there by this session since it was last told of new messages
	unwatch  func()           // ends its hints between commands; nil when there are none (RFC 5465)
}

// handleSelect is SELECT and EXAMINE (RFC 9051 section 6.3.2 and 6.3.3, RFC 7162 section 3.1.8 and 3.2.5).
func (c *Conn) handleSelect(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	name := c.mailbox()
	var q *qresyncParam
	condStore := false
	if d.TrySP() {
		d.List(func() {
			switch word := d.Keyword(); {
			case word == "CONDSTORE" && !c.isDisabled(imap.CapCondStore):
				condStore = true
			case word == "QRESYNC" && c.qresync:
				q = c.qresyncParam()
			default:
				d.Fail(imap.Bad("Unknown SELECT parameter"))
			}
		})
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if c.sel != nil {
		// The mailbox that was selected is deselected even if this command fails (RFC 9051 section 6.3.2).
		c.unselect()
		if c.rev2 || c.qresync {
			c.enc.Status("*", imap.Okay(imap.CodeClosed, "", "Previous mailbox closed."))
		}
	}
	if condStore {
		c.condStore = true
	}
	sel := &selected{name: name, readOnly: cmd.name == "EXAMINE"}
	if err := c.openSelected(ctx, sel, name); err != nil {
		return err
	}
	if err := c.tellSelected(ctx, sel, q); err != nil {
		_ = sel.box.Close()
		return err
	}
	c.sel = sel
	c.watchSelected()
	cmd.quiet = true
	cmd.done = imap.Okay(imap.CodeReadWrite, "", "SELECT completed.")
	if sel.readOnly || sel.rights&anyWrite == 0 {
		cmd.done = imap.Okay(imap.CodeReadOnly, "", cmd.name+" completed.")
	}
	return nil
}

var errNoSelect = imap.No(imap.CodeNonExistent, "Mailbox can't be selected.")

// openSelected opens the mailbox. One that may only be read is selected all the same.
func (c *Conn) openSelected(ctx context.Context, sel *selected, name string) error {
	rights, err := c.access(ctx, name, needSelect, 0)
	if err != nil {
		return err
	}
	box, err := c.account.Open(ctx, name)
	if err != nil {
		return err
	}
	sel.box, sel.rights = box, rights
	if box.Info().NoSelect {
		_ = box.Close()
		return errNoSelect
	}
	if r, ok := box.(interface{ ReadOnly() bool }); ok && r.ReadOnly() {
		sel.readOnly = true
	}
	return nil
}

// tellSelected builds the view and sends the untagged responses of SELECT.
func (c *Conn) tellSelected(ctx context.Context, sel *selected, q *qresyncParam) error {
	state, err := sel.box.State(ctx)
	if err != nil {
		return err
	}
	sel.validity, sel.modSeq = state.UIDValidity, state.HighestModSeq
	unseen := uint32(0)
	for m, err := range sel.box.Messages(ctx, mail.AllUIDs(), mail.FieldFlags) {
		if err != nil {
			return err
		}
		if m.UID >= state.UIDNext {
			break // came after state; Changes will tell of it
		}
		sel.view.add(m.UID)
		sel.addKeywords(m.Flags.Keywords)
		if unseen == 0 && m.Flags.System&mail.Seen == 0 {
			unseen = sel.view.count()
		}
	}
	sel.maxUID = state.UIDNext - 1
	if err := c.takeRecent(ctx, sel); err != nil {
		return err
	}
	c.tellFlags(sel)
	e := c.enc
	e.Raw("* ").Number(uint64(sel.view.count())).Raw(" EXISTS").CRLF()
	if !c.rev2 {
		recent := sel.recent.Count()
		if sel.readOnly {
			recent = int(state.Recent)
		}
		e.Raw("* ").Number(uint64(recent)).Raw(" RECENT").CRLF()
		if unseen > 0 && !c.uidOnly {
			e.Status("*", imap.Okay(imap.CodeUnseen, num(unseen), "First unseen."))
		}
	}
	e.Status("*", imap.Okay(imap.CodeUIDValidity, num(state.UIDValidity), "UIDs valid."))
	e.Status("*", imap.Okay(imap.CodeUIDNext, num(uint32(state.UIDNext)), "Predicted next UID."))
	if !c.isDisabled(imap.CapCondStore) {
		e.Status("*", imap.Okay(imap.CodeHighestModSeq, modSeqString(state.HighestModSeq), "Highest."))
	}
	if id := sel.box.Info().ID; id != "" && !c.isDisabled(imap.CapObjectID) {
		e.Status("*", imap.Okay(imap.CodeMailboxID, "("+string(id)+")", "Mailbox id."))
	}
	c.tellName(sel)
	if q != nil && q.validity == state.UIDValidity {
		return c.tellQResync(ctx, sel, q)
	}
	return nil
}

// tellName sends the LIST response that IMAP4rev2 wants of SELECT (RFC 9051 section 6.3.2).
func (c *Conn) tellName(sel *selected) {
	if c.rev2 {
		c.enc.Raw(`* LIST () "/" `).Mailbox(sel.box.Info().Name).CRLF()
	}
}

// takeRecent fetches which messages are \Recent for this session. EXAMINE takes none (RFC 3501 section 6.3.2).
func (c *Conn) takeRecent(ctx context.Context, sel *selected) error {
	taker, ok := sel.box.(mail.RecentTaker)
	if !ok || sel.readOnly || c.rev2 {
		return nil
	}
	recent, err := taker.TakeRecent(ctx)
	if err == nil {
		sel.recent.AddSet(recent)
	}
	return err
}

// addKeywords notes keywords and reports whether one is new.
func (s *selected) addKeywords(names []string) (grown bool) {
	for _, k := range names {
		low := strings.ToLower(k)
		if i, found := slices.BinarySearch(s.keyword, low); !found {
			s.keyword = slices.Insert(s.keyword, i, low)
			s.names = slices.Insert(s.names, i, k)
			grown = true
		}
	}
	return grown
}

// tellFlags sends FLAGS and PERMANENTFLAGS (RFC 9051 section 7.1, 7.3.5).
func (c *Conn) tellFlags(sel *selected) {
	all := mail.Flags{System: mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft, Keywords: sel.names}
	c.enc.Raw("* FLAGS ").Flags(all, false).CRLF()
	if sel.readOnly {
		c.enc.Status("*", imap.Okay(imap.CodePermanentFlags, "()", "Read-only mailbox."))
		return
	}
	permanent, keywords := sel.permanent(all)
	names := permanent.Names()
	if keywords {
		names = append(names, `\*`)
	}
	list := strings.Join(names, " ")
	c.enc.Status("*", imap.Okay(imap.CodePermanentFlags, "("+list+")", "Flags permitted."))
}

// unselect leaves selected state.
func (c *Conn) unselect() {
	if c.sel != nil {
		if c.sel.unwatch != nil {
			c.sel.unwatch()
		}
		_ = c.sel.box.Close()
		c.sel = nil
	}
}

// handleUnselect is UNSELECT (RFC 9051 section 6.4.2).
func (c *Conn) handleUnselect(context.Context, *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	c.unselect()
	return nil
}

// handleClose is CLOSE: expunge without telling, and leave (RFC 9051 section 6.4.1).
func (c *Conn) handleClose(ctx context.Context, cmd *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	sel := c.sel
	if !sel.readOnly && c.accessSelected(ctx, needExpunge) == nil {
		res, err := sel.box.Expunge(ctx, sel.view.all(), &mail.ExpungeOptions{OnlyDeleted: true})
		c.end.Expunged += int64(res.Removed.Count())
		if err != nil && !errors.Is(err, mail.ErrReadOnly) && !errors.Is(err, mail.ErrNoMailbox) {
			return err
		}
	}
	c.unselect()
	return nil
}
