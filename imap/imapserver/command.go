package imapserver

import (
	"context"
	"errors"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// states are the states in which a command is valid (RFC 9051 section 3).
type states uint8

const (
	notAuthenticated states = 1 << iota
	authenticated
	inSelected
	anyState = notAuthenticated | authenticated | inSelected
	loggedIn = authenticated | inSelected
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
}

type handler struct {
	run    func(*Conn, context.Context, *command) error
	states states
	uid    bool            // has a UID form
	cap    imap.Capability // which must not be disabled; "" for the base protocol
}

// lookup is the table of commands.
func lookup(name string) (handler, bool) {
	switch name {
	case "CAPABILITY":
		return handler{run: (*Conn).handleCapability, states: anyState}, true
	case "NOOP":
		return handler{run: (*Conn).handleNoop, states: anyState}, true
	case "LOGOUT":
		return handler{run: (*Conn).handleLogout, states: anyState}, true
	case "ID":
		return handler{run: (*Conn).handleID, states: anyState, cap: imap.CapID}, true
	case "STARTTLS":
		return handler{run: (*Conn).handleStartTLS, states: notAuthenticated}, true
	case "AUTHENTICATE":
		return handler{run: (*Conn).handleAuthenticate, states: notAuthenticated}, true
	case "LOGIN":
		return handler{run: (*Conn).handleLogin, states: notAuthenticated}, true
	case "ENABLE":
		return handler{run: (*Conn).handleEnable, states: loggedIn, cap: imap.CapEnable}, true
	case "SELECT", "EXAMINE":
		return handler{run: (*Conn).handleSelect, states: loggedIn}, true
	case "CREATE":
		return handler{run: (*Conn).handleCreate, states: loggedIn}, true
	case "DELETE":
		return handler{run: (*Conn).handleDelete, states: loggedIn}, true
	case "RENAME":
		return handler{run: (*Conn).handleRename, states: loggedIn}, true
	case "SUBSCRIBE", "UNSUBSCRIBE":
		return handler{run: (*Conn).handleSubscribe, states: loggedIn}, true
	case "LIST":
		return handler{run: (*Conn).handleList, states: loggedIn}, true
	case "LSUB":
		return handler{run: (*Conn).handleLsub, states: loggedIn}, true
	case "NAMESPACE":
		return handler{run: (*Conn).handleNamespace, states: loggedIn, cap: imap.CapNamespace}, true
	case "STATUS":
		return handler{run: (*Conn).handleStatus, states: loggedIn}, true
	case "APPEND":
		return handler{run: (*Conn).handleAppend, states: loggedIn}, true
	case "IDLE":
		return handler{run: (*Conn).handleIdle, states: loggedIn, cap: imap.CapIdle}, true
	case "CHECK":
		return handler{run: (*Conn).handleCheck, states: inSelected}, true
	case "CLOSE":
		return handler{run: (*Conn).handleClose, states: inSelected}, true
	case "UNSELECT":
		return handler{run: (*Conn).handleUnselect, states: inSelected, cap: imap.CapUnselect}, true
	case "EXPUNGE":
		return handler{run: (*Conn).handleExpunge, states: inSelected, uid: true}, true
	case "SEARCH":
		return handler{run: (*Conn).handleSearch, states: inSelected, uid: true}, true
	case "FETCH":
		return handler{run: (*Conn).handleFetch, states: inSelected, uid: true}, true
	case "STORE":
		return handler{run: (*Conn).handleStore, states: inSelected, uid: true}, true
	case "COPY":
		return handler{run: (*Conn).handleCopy, states: inSelected, uid: true}, true
	case "MOVE":
		return handler{run: (*Conn).handleMove, states: inSelected, uid: true, cap: imap.CapMove}, true
	}
	return handler{}, false
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
		if status = statusOf(err); status.Code == imap.CodeServerBug {
			c.srv.logError(ctx, "command failed", err, "command", cmd.name)
		}
	} else if status == nil {
		status = &imap.Status{Type: imap.OK, Text: cmd.name + " completed."}
	}
	if c.sel != nil && !cmd.quiet && !c.bye {
		if fatal := c.sync(ctx, !cmd.keepNumbers); fatal != nil {
			return fatal
		}
	}
	tag := cmd.tag
	if tag == "" {
		tag = "*"
	}
	c.enc.Status(tag, status)
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
	if !ok || h.cap != "" && c.isDisabled(h.cap) {
		return imap.Bad("Unknown command")
	}
	if h.states&c.state() == 0 {
		return wrongState(h.states)
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

// statusOf gives the errors of package mail their response codes (RFC 5530, RFC 9051 section 7.1).
func statusOf(err error) *imap.Status {
	if s, ok := errors.AsType[*imap.Status](err); ok {
		return s
	}
	no := func(code imap.Code, text string) *imap.Status {
		return &imap.Status{Type: imap.NO, Code: code, Text: text, Err: err}
	}
	switch {
	case errors.Is(err, mail.ErrNoMailbox):
		return no(imap.CodeNonExistent, "Mailbox does not exist.")
	case errors.Is(err, mail.ErrExists):
		return no(imap.CodeAlreadyExists, "Mailbox exists already.")
	case errors.Is(err, mail.ErrBadName):
		return no(imap.CodeCannot, "Mailbox name is not allowed.")
	case errors.Is(err, mail.ErrExpunged):
		return no(imap.CodeExpungeIssued, "Some of the messages no longer exist.")
	case errors.Is(err, mail.ErrOverQuota):
		return no(imap.CodeOverQuota, "Quota exceeded.")
	case errors.Is(err, mail.ErrTooLarge):
		return no(imap.CodeTooBig, "Message too large.")
	case errors.Is(err, mail.ErrReadOnly):
		return no(imap.CodeNoPerm, "Mailbox is read-only.")
	case errors.Is(err, mail.ErrLimit):
		return no(imap.CodeLimit, "Limit reached.")
	case errors.Is(err, mail.ErrStoreInUse):
		return no(imap.CodeInUse, "In use, try again.")
	case errors.Is(err, context.Canceled), errors.Is(err, io.ErrUnexpectedEOF):
		return no(imap.CodeUnavailable, "Cancelled.")
	}
	return imap.StatusOf(err)
}
