package imapserver

import (
	"context"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// limitCapability returns MESSAGELIMIT=<n> or SAVELIMIT=<n> where there is such a limit, "" else (RFC 9738 section 3).
func (c *Conn) limitCapability() imap.Capability {
	l := c.srv.limits(true)
	switch {
	case l.MessagesPerCommand > 0 && !c.isDisabled(imap.CapMessageLimit):
		return imap.CapMessageLimit + "=" + imap.Capability(strconv.Itoa(l.MessagesPerCommand))
	case l.MessagesPerSave > 0 && !c.isDisabled(imap.CapSaveLimit):
		return imap.CapSaveLimit + "=" + imap.Capability(strconv.Itoa(l.MessagesPerSave))
	}
	return ""
}

// limitMessages cuts a set down to what one command may work on: "the server is REQUIRED to process messages from highest
// to lowest UID" (RFC 9738 section 3.1). What it left out is told by the status, nil when nothing was.
func (c *Conn) limitMessages(set mail.UIDSet) (mail.UIDSet, *imap.Status) {
	limit := c.srv.limits(true).MessagesPerCommand
	n := 0
	if limit == 0 || c.isDisabled(imap.CapMessageLimit) {
		return set, nil
	}
	if n = set.Count(); n <= limit {
		return set, nil
	}
	set = slice(set, n-limit, n)
	return set, messageLimit(imap.OK, limit, set.Ranges()[0].First, "Completed for the last "+strconv.Itoa(limit)+" messages.")
}

// limitDeleted is limitMessages for UID EXPUNGE, which counts messages with \Deleted only.
func (c *Conn) limitDeleted(ctx context.Context, set mail.UIDSet) (mail.UIDSet, *imap.Status, error) {
	if _, cut := c.limitMessages(set); cut == nil {
		return set, nil, nil
	}
	var deleted mail.UIDSet
	for m, err := range c.sel.box.Messages(ctx, set, mail.FieldFlags) {
		if err != nil {
			return set, nil, err
		}
		if m.Flags.System&mail.Deleted != 0 {
			deleted.Add(m.UID)
		}
	}
	set, cut := c.limitMessages(deleted)
	return set, cut, nil
}

// refuseMany refuses a command that does all or nothing and has more messages than it may: a COPY, or an APPEND with
// save, a THREAD, or a FETCH with PARTIAL without.
func (c *Conn) refuseMany(n int, save bool) error {
	l := c.srv.limits(true)
	limit := l.MessagesPerCommand
	if c.isDisabled(imap.CapMessageLimit) {
		limit = 0
	}
	if save && limit == 0 && !c.isDisabled(imap.CapSaveLimit) {
		limit = l.MessagesPerSave
	}
	if limit == 0 || n <= limit {
		return nil
	}
	return messageLimit(imap.NO, limit, 0, "Too many messages for one command.")
}

func messageLimit(kind imap.StatusType, limit int, lowest mail.UID, text string) *imap.Status {
	return &imap.Status{Type: kind, Code: imap.CodeMessageLimit, Arg: imap.MessageLimitArg(uint32(limit), uint32(lowest)), Text: text}
}

// tellLimited puts the MESSAGELIMIT code of a command that was cut down into its tagged OK, or where that has another
// code, into an untagged NO before it.
func (c *Conn) tellLimited(cmd *command, status *imap.Status) {
	switch {
	case cmd.limited == nil:
	case status.Type == imap.OK && status.Code == "":
		status.Code, status.Arg, status.Text = cmd.limited.Code, cmd.limited.Arg, cmd.limited.Text
	default:
		no := *cmd.limited
		no.Type = imap.NO
		c.enc.Status("*", &no)
	}
}
