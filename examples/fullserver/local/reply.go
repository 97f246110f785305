package local

import (
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/spool"
)

// header is what a final delivery puts on top: the return path (RFC 5321 section 4.4), and for whom it was filed, by
// which loops are found.
func header(from, to string) io.Reader {
	return strings.NewReader("Return-Path: <" + oneLine(from) + ">\r\nDelivered-To: " + oneLine(to) + "\r\n")
}

// oneLine keeps an address from ending a header field.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}

// replyFor gives a store's error the reply that Postfix or Dovecot has for it.
func replyFor(err error) error {
	if _, ok := errors.AsType[*mail.Reply](err); ok {
		return err
	}
	reply := func(code int, ec mail.EnhancedCode, text string) error {
		return &mail.Reply{Code: code, Enhanced: ec, Text: text, Err: err}
	}
	switch {
	case errors.Is(err, mail.ErrOverQuota):
		return reply(552, mail.EnhancedCode{5, 2, 2}, "Mailbox is full")
	case errors.Is(err, mail.ErrTooLarge):
		return reply(552, mail.EnhancedCode{5, 3, 4}, "Message size exceeds fixed limit")
	case errors.Is(err, mail.ErrNoAccount):
		return reply(550, mail.EnhancedCode{5, 1, 1}, "User unknown")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return reply(452, mail.EnhancedCode{4, 3, 1}, "Insufficient system storage")
	}
	if _, ok := errors.AsType[*spool.DiskError](err); ok {
		return reply(451, mail.EnhancedCode{4, 3, 0}, "Error: queue file write error")
	}
	return err
}
