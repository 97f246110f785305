package imapserver

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleAppend is APPEND with one message or more (RFC 9051 section 6.3.12, RFC 3502, RFC 4469, RFC 6855 section 4). Each
// literal is asked for only when it is known that it would be taken.
func (c *Conn) handleAppend(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	a := &appending{c: c, ctx: ctx, name: c.mailbox()}
	d.SP()
	defer a.abort()
	for n := 0; d.Err() == nil; n++ {
		if n >= c.srv.limits(true).Messages || n == 1 && c.isDisabled(imap.CapMultiAppend) {
			return &imap.Status{Type: imap.NO, Code: imap.CodeLimit, Text: "Too many messages at once."}
		}
		if err := c.refuseMany(n+1, true); err != nil {
			return err
		}
		if err := a.message(); err != nil {
			return err
		}
		if d.AtEnd() {
			break
		}
		d.SP()
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	done, err := a.commit()
	if err != nil {
		return err
	}
	cmd.done = imap.Okay("", "", "APPEND completed.")
	if !c.isDisabled(imap.CapUIDPlus) {
		cmd.done.Code, cmd.done.Arg = imap.CodeAppendUID, appendUID(done)
	}
	return nil
}

// appendUID writes what APPENDUID says (RFC 4315 section 3).
func appendUID(done mail.Appended) string {
	var uids mail.UIDSet
	for _, u := range done.UIDs {
		uids.Add(u)
	}
	return num(done.UIDValidity) + " " + uids.String()
}

// appending is an APPEND or REPLACE while it runs.
type appending struct {
	c         *Conn
	ctx       context.Context
	name      string
	box       mail.Mailbox
	tx        mail.Append
	committed bool
}

// message reads one message with its flags and date.
func (a *appending) message() error {
	c, d := a.c, a.c.dec
	var opts mail.AppendOptions
	if d.Peek('(') {
		opts.Flags = d.FlagList()
		d.SP()
	}
	if d.Peek('"') {
		opts.InternalDate = d.DateTime()
		d.SP()
	}
	if opts.InternalDate.IsZero() {
		opts.InternalDate = c.srv.now().Truncate(time.Second)
	}
	if !c.isDisabled(imap.CapCatenate) && d.TryWord("CATENATE") {
		return a.catenate(&opts)
	}
	utf8 := d.UTF8Literal()
	l := d.Literal()
	if err := a.mayRead(l, utf8, 0); err != nil {
		return err
	}
	r := d.OpenLiteral(l)
	content := &contentReader{r: r, binary: l.Binary, sevenBit: !utf8 && c.wantsUTF8()}
	err := content.result(a.tx.Add(a.ctx, content, &opts))
	// What the store has not read is still on its way.
	if _, drain := io.Copy(io.Discard, r); drain != nil {
		return drain
	}
	if err == nil && utf8 {
		d.Special(')')
	}
	return err
}

// mayRead reports what speaks against asking for a literal that adds to a message of so many octets.
func (a *appending) mayRead(l imap.Literal, utf8 bool, size int64) error {
	c := a.c
	if utf8 && c.dec.Err() == nil && !c.utf8 {
		return imap.Bad("UTF8=ACCEPT has not been enabled")
	}
	if err := c.dec.Err(); err != nil {
		return err
	}
	if err := a.fits(size, l.Size); err != nil {
		return err
	}
	return a.open()
}

// fits refuses what makes a message too large (RFC 4469 section 4.2, RFC 7889 section 4).
func (a *appending) fits(size, more int64) error {
	if limit := a.c.srv.limits(true).MessageSize; more > limit-size {
		return imap.No(imap.CodeTooBig, "Message is larger than "+strconv.FormatInt(limit, 10)+" octets.")
	}
	return nil
}

// wantsUTF8 reports whether octets above 127 in a header may only come in the UTF8 form: "If an IMAP server supports
// UTF8=ACCEPT and the IMAP client has not issued the ENABLE UTF8=ACCEPT command, the server MUST reject, with a NO
// response, an APPEND command that includes any 8-bit character in message header fields" (RFC 6855 section 4).
func (c *Conn) wantsUTF8() bool { return !c.utf8 && !c.isDisabled(imap.CapUTF8Accept) }

// open opens the mailbox before the first literal.
func (a *appending) open() error {
	if a.tx != nil {
		return nil
	}
	if _, err := a.c.access(a.ctx, a.name, needAppend, 0); err != nil {
		return tryCreate(err)
	}
	box, err := a.c.account.Open(a.ctx, a.name)
	if err != nil {
		return tryCreate(err)
	}
	a.box = box
	if box.Info().NoSelect {
		return imap.No(imap.CodeCannot, "Mailbox can't hold messages.")
	}
	a.tx, err = box.Append(a.ctx)
	return err
}

func (a *appending) commit() (mail.Appended, error) {
	done, err := a.tx.Commit(a.ctx)
	if a.committed = err == nil; a.committed {
		a.c.madeMessages(a.name, done.UIDValidity, done.UIDs)
	}
	return done, err
}

func (a *appending) abort() {
	if a.tx != nil && !a.committed {
		_ = a.tx.Abort()
	}
	if a.box != nil {
		_ = a.box.Close()
	}
}
