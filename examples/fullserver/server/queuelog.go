package server

import (
	"errors"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/examples/fullserver/metrics"
	"github.com/buuta/mail/queue"
)

// queueLog returns what writes the queue's events as Postfix's programs do.
func queueLog(log *maillog.Log, count *metrics.Metrics) func(queue.Event) {
	return func(e queue.Event) {
		count.Event(&e)
		line := e.Line()
		if line == "" {
			return
		}
		program := "postfix/qmgr"
		switch e.Kind {
		case queue.EventAttempt:
			program = "postfix/" + e.Transport
		case queue.EventNotified:
			program = "postfix/bounce"
		}
		log.Print(program, line)
	}
}

// authReason is what the log says of a failed login: the password, or our own trouble.
func authReason(err error) string {
	if errors.Is(err, mail.ErrAuthFailed) {
		return "authentication failure"
	}
	return err.Error()
}
