package queue

import (
	"context"

	"github.com/buuta/mail"
)

// NotifyOptions say how delivery status notifications are made.
type NotifyOptions struct {
	From        string // address in the From field of a notification; "": MAILER-DAEMON@Hostname
	MailName    string // who speaks in the text; "": "mail system"
	ReturnLimit int64  // of a larger message only the header is returned; 0: 50000 (bounce_size_limit)

	// DoubleBounce, when set, is told of a message from the null sender that can't be delivered, with its content, before
	// it is dropped (RFC 5321 section 6.1: nothing must be sent to a null reverse-path). Recipients that failed have
	// State Failed. An error keeps the message for another time.
	DoubleBounce func(ctx context.Context, m *Message, content Content) error

	// Filter, when set, may suppress a notification by returning false.
	Filter func(m *Message, kind mail.Notify) bool
}
