package imapserver

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

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
	case isDiskFull(err):
		// Dovecot's answer: the user can't do more about it than about a quota, and it is no bug.
		return no(imap.CodeOverQuota, "Not enough disk space.")
	case errors.Is(err, mail.ErrTooLarge):
		return no(imap.CodeTooBig, "Message too large.")
	case errors.Is(err, mail.ErrReadOnly):
		return no(imap.CodeNoPerm, "Mailbox is read-only.")
	case errors.Is(err, mail.ErrPermission):
		return no(imap.CodeNoPerm, "Permission denied.")
	case errors.Is(err, mail.ErrNoQuotaRoot):
		return no(imap.CodeNonExistent, "No such quota root.")
	case errors.Is(err, mail.ErrQuotaKind):
		return no(imap.CodeCannot, "Resource can't be limited.")
	case errors.Is(err, mail.ErrLimit):
		return no(imap.CodeLimit, "Limit reached.")
	case errors.Is(err, mail.ErrStoreInUse):
		return no(imap.CodeInUse, "In use, try again.")
	case errors.Is(err, context.Canceled), errors.Is(err, io.ErrUnexpectedEOF):
		return no(imap.CodeUnavailable, "Cancelled.")
	}
	return imap.StatusOf(err)
}

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
