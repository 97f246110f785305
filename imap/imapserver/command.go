package imapserver

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail/imap"
)

// command is one command while it runs.
type command struct {
	tag  string
	name string // with "UID " before it for the UID forms
	uid  bool

	// done is the tagged response of success; nil is "OK <name> completed.".
	done *imap.Status
	// keepNumbers says that message sequence numbers must not change before the tagged response: no untagged EXPUNGE
	// (RFC 9051 section 7.5.1). quiet that no untagged changes are to be reported at all.
	keepNumbers, quiet bool
	answered           bool // the tagged response has been sent

	limited *imap.Status // what was left out because of MESSAGELIMIT; nil: nothing

	// own are mailboxes whose names, subscriptions or annotations the command has changed.
	own []string

	// modSeq says that the tagged OK tells how far the client knows its mailbox now (RFC 7162 section 3.2.7).
	modSeq bool
}

// removes reports whether the command takes messages out of the selected mailbox, which its client must be told of whatever
// it has said by NOTIFY.
func (cmd *command) removes() bool {
	switch strings.TrimPrefix(cmd.name, "UID ") {
	case "EXPUNGE", "MOVE", "REPLACE":
		return true
	}
	return false
}

// state returns the session's state as a bit.
func (c *Conn) state() states {
	switch {
	case c.sel != nil:
		return inSelected
	case c.identity != nil:
		return authenticated
	}
	return notAuthenticated
}

// command reads and answers one command. An error ends the session.
func (c *Conn) command(ctx context.Context) error {
	cmd := &command{tag: c.dec.Tag()}
	err := c.run(ctx, cmd)
	if c.idle != nil {
		return nil // idleTurn goes on with it
	}
	return c.answer(ctx, cmd, err)
}

// answer sends what a command ends with. err is what its handler has returned.
func (c *Conn) answer(ctx context.Context, cmd *command, err error) error {
	if over, ok := errors.AsType[*sessionOver](err); ok {
		return over.err
	}
	if fatal := c.resync(); fatal != nil {
		return fatal
	}
	if enc := c.enc.Err(); enc != nil {
		return enc
	}
	if cmd.answered {
		return nil
	}
	status := cmd.done
	if err != nil {
		if status = statusOf(err); status.Code == imap.CodeServerBug || isDiskFull(err) {
			c.srv.logError(ctx, "command failed", err, "command", cmd.name)
		}
	} else if status == nil {
		status = &imap.Status{Type: imap.OK, Text: cmd.name + " completed."}
	}
	if c.sel != nil && !cmd.quiet && !c.bye && (c.selectedEvents() != 0 || cmd.removes()) {
		if fatal := c.sync(ctx, !cmd.keepNumbers); fatal != nil {
			return fatal
		}
	}
	if !cmd.quiet && !c.bye {
		c.afterCommand(ctx, cmd.own)
	}
	if cmd.modSeq && c.sel != nil && status.Type == imap.OK {
		status.Code, status.Arg = imap.CodeHighestModSeq, modSeqString(c.sel.highest())
	}
	c.tellLimited(cmd, status)
	tag := cmd.tag
	if tag == "" {
		tag = "*"
	}
	c.enc.Status(tag, status)
	if c.identity == nil {
		_ = c.enc.Flush() // kept in it. Answers to strangers aren't collected: how much they may cost is counted in KiB
	}
	if h := c.srv.Hooks.Rejected; h != nil && (status.Type == imap.NO || status.Type == imap.BAD) {
		h(c, cmd.name, status)
	}
	return c.countBad(status)
}

// sessionOver is what a handler returns when there is no answering any more.
type sessionOver struct{ err error }

func (e *sessionOver) Error() string { return e.err.Error() }

// run reads the command's name and calls its handler.
func (c *Conn) run(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	cmd.name = d.Keyword()
	if cmd.name == "UID" {
		d.SP()
		cmd.uid = true
		cmd.name = d.Keyword()
	}
	if err := d.Err(); err != nil {
		return err
	}
	h, ok := lookup(cmd.name)
	if cmd.uid {
		ok = ok && h.uid
	}
	if name := cmd.name; cmd.uid {
		cmd.name = "UID " + cmd.name
		c.traceCommand(cmd, name)
	} else {
		c.traceCommand(cmd, name)
	}
	if !ok || h.cap != "" && !c.offers(h.cap) {
		return imap.Bad("Unknown command")
	}
	if h.states&c.state() == 0 {
		return wrongState(h.states)
	}
	if h.uid && !cmd.uid && c.uidOnly && cmd.name != "EXPUNGE" {
		return errUIDRequired
	}
	return h.run(c, ctx, cmd)
}

func wrongState(s states) error {
	switch {
	case s == notAuthenticated:
		return imap.Bad("Already authenticated")
	case s == inSelected:
		return imap.Bad("No mailbox selected")
	}
	return imap.Bad("Log in first")
}

// resync drops what the handler has left of the command.
func (c *Conn) resync() error {
	if c.dec.InCommand() || c.dec.Err() != nil {
		return c.dec.Skip()
	}
	return nil
}

// countBad closes the connection of a peer that talks another protocol.
func (c *Conn) countBad(s *imap.Status) error {
	if s.Type != imap.BAD {
		c.bad = 0
		return nil
	}
	if c.bad++; c.bad >= c.srv.limits(c.identity != nil).BadCommands {
		c.end.Cause, c.bye = CauseErrors, true
		c.enc.Status("*", &imap.Status{Type: imap.BYE, Text: "Too many invalid commands."})
	}
	return nil
}

// traceCommand shows a command to Trace, without what logins carry.
func (c *Conn) traceCommand(cmd *command, name string) {
	if c.srv.Trace == nil {
		return
	}
	line := cmd.tag + " " + cmd.name
	if rest := c.dec.Rest(); len(rest) > 0 {
		if name == "LOGIN" || name == "AUTHENTICATE" {
			rest = []byte(" ***")
		}
		line += string(rest)
	}
	c.srv.Trace(c, false, line)
}

// traceSent shows a line that is sent to Trace.
func (c *Conn) traceSent(line []byte) { c.srv.Trace(c, true, string(line)) }
