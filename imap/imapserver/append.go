package imapserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleAppend is APPEND with one message or more (RFC 9051 section 6.3.12, RFC 3502, RFC 6855 section 4). Each message's
// literal is asked for only when it is known that it would be taken.
func (c *Conn) handleAppend(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	name := c.mailbox()
	d.SP()
	a := &appending{c: c, ctx: ctx, name: name}
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
	done, err := a.tx.Commit(ctx)
	if err != nil {
		return err
	}
	a.committed = true
	var uids mail.UIDSet
	for _, u := range done.UIDs {
		uids.Add(u)
	}
	cmd.done = imap.Okay("", "", "APPEND completed.")
	if !c.isDisabled(imap.CapUIDPlus) {
		cmd.done.Code, cmd.done.Arg = imap.CodeAppendUID, num(done.UIDValidity)+" "+uids.String()
	}
	return nil
}

// appending is an APPEND while it runs.
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
	d := a.c.dec
	var opts mail.AppendOptions
	if d.Peek('(') {
		opts.Flags = d.FlagList()
		d.SP()
	}
	if d.Peek('"') {
		opts.InternalDate = d.DateTime()
		d.SP()
	}
	utf8 := a.c.utf8Literal()
	l := d.Literal()
	if err := d.Err(); err != nil {
		return err
	}
	if opts.InternalDate.IsZero() {
		opts.InternalDate = a.c.srv.now().Truncate(time.Second)
	}
	if max := a.c.srv.limits(true).MessageSize; l.Size > max {
		return imap.No(imap.CodeTooBig, "Message is larger than "+strconv.FormatInt(max, 10)+" octets.")
	}
	if err := a.open(); err != nil {
		return err
	}
	r := d.OpenLiteral(l)
	content := &contentReader{r: r, binary: l.Binary}
	err := a.tx.Add(a.ctx, content, &opts)
	if err == nil && content.err != nil {
		err = content.err
	}
	// What the store has not read is still on its way.
	if _, drain := io.Copy(io.Discard, r); drain != nil {
		return drain
	}
	if err == nil && utf8 {
		d.Special(')')
	}
	return err
}

// utf8Literal reads the beginning of "UTF8 (~{…})".
func (c *Conn) utf8Literal() bool {
	if !c.dec.TryWord("UTF8") {
		return false
	}
	c.dec.SP()
	c.dec.Special('(')
	if c.dec.Err() == nil && !c.utf8 {
		c.dec.Fail(imap.Bad("UTF8=ACCEPT has not been enabled"))
	}
	return true
}

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

func (a *appending) abort() {
	if a.tx != nil && !a.committed {
		_ = a.tx.Abort()
	}
	if a.box != nil {
		_ = a.box.Close()
	}
}

var errNUL = imap.No(imap.CodeCannot, "Message holds NUL, which needs a binary literal.")

// contentReader refuses what the store must not get.
type contentReader struct {
	r      io.Reader
	binary bool
	err    error
}

func (r *contentReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if !r.binary && r.err == nil {
		if bytes.IndexByte(p[:n], 0) >= 0 {
			r.err = errNUL
			return n, errNUL
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
