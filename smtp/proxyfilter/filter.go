// Package proxyfilter passes messages through another SMTP server before they are accepted: a content filter before the queue, as in Postfix's
// SMTPD_PROXY_README. The client's commands go to the filter one by one, behind whatever checks stand before it; the filter hands on what it lets
// through, usually to a second server of the same site; and its answers are the client's. What it refuses has never been accepted by anybody, so there is
// no report to make. The price is that the client waits for it: such a filter has to be fast, and there have to be enough of them.
package proxyfilter

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Filter is an SMTP server that messages go through. Each has a connection of its own: EHLO, XFORWARD if the filter knows it, MAIL, RCPT, DATA, QUIT, each
// command answered before the next. A Filter may be used by many goroutines at once; its fields must not change after the first use.
type Filter struct {
	Addr string // "host:port" or "unix:/path"

	// Options are those of the connections: LocalName, TLS and the like. Filter sets NoPipelining, NoChunking and, where they are 0, the timeouts.
	Options smtp.ClientOptions

	// Timeout bounds connecting, and each step of the conversation. 0: 100 s.
	Timeout time.Duration

	// Spool, if it is set, keeps a message until all of it is here, and only then is the filter connected: slow clients don't keep filters busy (Postfix's
	// speed_adjust). Recipients are accepted then before the filter has heard of them; one that it refuses is the answer to the whole message.
	// An error of Spool is the answer, as it is.
	Spool func(message io.Reader) (Spooled, error)
}

// Spooled is a message that has been put aside.
type Spooled interface {
	NewReader() io.Reader
	Close() error // forgets it
}

// Error says why a filter could not be asked, or was lost. It is the cause of the reply 451 4.3.0 that the client gets, which says nothing of filters.
type Error struct {
	Addr string
	Err  error
}

// Error names the filter and what went wrong.
func (e *Error) Error() string { return "filter " + e.Addr + ": " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// trouble is what the client is told where the filter doesn't answer for itself. The words are Postfix's.
func (f *Filter) trouble(err error) error {
	return &smtp.Reply{Code: 451, Enhanced: smtp.EnhancedCode{4, 3, 0}, Text: "Error: queue file write error", Err: &Error{f.Addr, err}}
}

// said returns an error as it is if it is the filter's own answer.
func (f *Filter) said(err error) error {
	if _, ok := errors.AsType[*smtp.RemoteError](err); ok || err == nil {
		return err
	}
	if _, ok := errors.AsType[*smtp.MessageError](err); ok { // the client's connection, or our disk
		return err
	}
	return f.trouble(err)
}

// NewSession implements [smtp.Backend]: a server that has a Filter as its backend does nothing else with its mail.
func (f *Filter) NewSession(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
	return &session{f, c}, nil
}

type session struct {
	f *Filter
	c *smtp.Conn
}

func (s *session) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	return s.f.Begin(s.c.ToForward(), from, opts), nil
}

func (s *session) Close() error { return nil }

// options are those of a connection.
func (f *Filter) options() *smtp.ClientOptions {
	o := f.Options
	o.NoPipelining, o.NoChunking = true, true
	d := f.Timeout
	if d == 0 {
		d = 100 * time.Second
	}
	t := &o.Timeouts
	for _, p := range []*time.Duration{&t.Dial, &t.TLS, &t.Greeting, &t.Hello, &t.Mail, &t.Recipient, &t.DataInit, &t.DataBlock, &t.DataDone, &t.Reset} {
		if *p == 0 {
			*p = d
		}
	}
	return &o
}
