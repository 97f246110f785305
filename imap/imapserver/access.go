package imapserver

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail"
)

// What the commands need of a mailbox: the table of RFC 4314 section 4, with what later RFCs add to it. COPY, MOVE and APPEND
// need needAppend of their target; CREATE and RENAME needParent of the mailbox above the new name. LIST and LSUB show what
// the store shows, which is what there is mail.RightLookup for; SUBSCRIBE and UNSUBSCRIBE need nothing, as they don't look
// whether the mailbox is there.
const (
	needSelect  = mail.RightRead // STATUS, GETQUOTAROOT (RFC 9208 section 6), GENURLAUTH, RESETKEY too
	needAppend  = mail.RightInsert
	needParent  = mail.RightCreate
	needDelete  = mail.RightDeleteBox // RENAME too
	needExpunge = mail.RightExpunge
	needMove    = mail.RightDeleteFlag | mail.RightExpunge // of what is moved from (RFC 6851 section 4.2)
	needACL     = mail.RightAdmin

	// One of these is enough for MYRIGHTS.
	anyMyRights = mail.RightLookup | mail.RightRead | mail.RightInsert | mail.RightCreate | mail.RightDeleteBox | mail.RightAdmin
	// RightLookup and one of these are needed for annotations (RFC 5464 section 3.3).
	anyMetadata = mail.RightRead | mail.RightSeen | mail.RightWrite | mail.RightInsert | mail.RightPost
	// A mailbox with none of these is read-only (RFC 4314 section 5.2): \Seen is each user's own, the other flags are shared.
	anyWrite = mail.RightInsert | mail.RightExpunge | mail.RightWrite | mail.RightDeleteFlag
)

// sharing returns the account if it knows access rights, nil otherwise.
func (c *Conn) sharing() mail.SharingAccount {
	s, _ := c.account.(mail.SharingAccount)
	return s
}

// access is the check that every command goes through which names a mailbox: the user must have all of the rights of all,
// and one of some unless it is 0. It returns what the user may do. A mailbox that the user may not see is answered as one
// that isn't there (RFC 4314 section 6): mail.ErrNoMailbox; where a right lacks of one that may be seen, mail.ErrPermission.
// Of stores without access rights the owner has all; that a mailbox isn't there is then found out by whoever uses it.
func (c *Conn) access(ctx context.Context, name string, all, some mail.Rights) (mail.Rights, error) {
	s := c.sharing()
	if s == nil {
		return mail.AllRights, nil
	}
	r, err := s.Rights(ctx, name)
	switch {
	case err != nil:
		return 0, err
	case r.Has(all) && (some == 0 || r&some != 0):
		return r, nil
	case !r.Has(mail.RightLookup):
		return 0, mail.ErrNoMailbox
	}
	return 0, mail.ErrPermission
}

// accessAbove is access for making name: to the nearest mailbox above it that there is for this user. Where there is none the
// store decides.
func (c *Conn) accessAbove(ctx context.Context, name string) error {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		_, err := c.access(ctx, name[:i], needParent, 0)
		if !errors.Is(err, mail.ErrNoMailbox) {
			return err
		}
	}
	return nil
}

// unseen hides that a new name is taken by a mailbox that the user may not see: it can't be made, and why is not told.
func (c *Conn) unseen(ctx context.Context, name string, err error) error {
	if errors.Is(err, mail.ErrExists) {
		if _, hidden := c.access(ctx, name, mail.RightLookup, 0); hidden != nil {
			return mail.ErrPermission
		}
	}
	return err
}

// accessSelected is access for commands on the selected mailbox. Rights that have changed since the client was told are told
// first (RFC 4314 section 5.1.1).
func (c *Conn) accessSelected(ctx context.Context, all mail.Rights) error {
	if err := c.refreshRights(ctx); err != nil {
		return err
	}
	if !c.sel.rights.Has(all) {
		return mail.ErrPermission
	}
	return nil
}

// refreshRights looks what the user may do with the selected mailbox by now.
func (c *Conn) refreshRights(ctx context.Context) error {
	sel := c.sel
	r := mail.AllRights
	if s := c.sharing(); s != nil {
		var err error
		if r, err = s.Rights(ctx, sel.box.Info().Name); err != nil {
			return err
		}
	}
	if r != sel.rights {
		sel.rights = r
		c.tellFlags(sel)
	}
	return nil
}

// maySee reports whether FETCH may set \Seen: "A FETCH request that implies setting \Seen flag MUST NOT set it, if the current
// user doesn't have "s" right" (RFC 4314 section 4).
func (c *Conn) maySee(ctx context.Context) bool {
	return !c.sel.readOnly && c.accessSelected(ctx, mail.RightSeen) == nil
}

// permanent returns the flags that the user can change for good, and whether keywords are among them.
func (s *selected) permanent(all mail.Flags) (f mail.Flags, keywords bool) {
	if s.readOnly {
		return f, false
	}
	f = s.rights.Flags(mail.Flags{}, all)
	return f, s.rights.Has(mail.RightWrite)
}
