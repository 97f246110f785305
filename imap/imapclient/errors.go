package imapclient

import (
	"errors"
	"fmt"
	"net"

	"github.com/buuta/mail/imap"
)

// Error is a command that the server refused, or that ended with the connection. It has among its causes the [*imap.Status]
// that the server sent, if it sent one, else what went wrong: [ErrTimeout], [ErrClosed], a context's error, …
type Error struct {
	Command string // "SELECT", "UID FETCH"; "" where none was sent
	Host    string
	Err     error
}

// Error writes "imap.example.org: SELECT: NO [NONEXISTENT] No such mailbox".
func (e *Error) Error() string {
	s := e.Host
	if e.Command != "" {
		s += ": " + e.Command
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// What goes wrong on this side. Test with errors.Is.
var (
	// ErrClosed says that the connection is over; Close or Logout was called, or the server hung up before.
	ErrClosed = net.ErrClosed
	// ErrTimeout says that the server was silent for too long. The connection is closed.
	ErrTimeout = errors.New("server does not answer")
	// ErrUnsupported says that the server lacks the capability that a call needs, and there is no other way.
	ErrUnsupported = errors.New("not offered by the server")
	// ErrInsecure says that TLS was demanded and can't be had, or that a password would cross a connection that is not secured.
	ErrInsecure = errors.New("connection is not secure")
	// ErrSyntax says that the server's answer could not be read. The connection goes on.
	ErrSyntax = errors.New("server's answer is not understood")
	// ErrTooLarge says that the server's answer went beyond a limit. The connection goes on.
	ErrTooLarge = errors.New("server's answer is too large")
	// ErrBehind says that a Fetch loop did not read on while other commands waited, until Limits.Ahead was used up.
	ErrBehind = errors.New("loop does not read on while other commands wait")
	// ErrBadArgument says that a call's arguments can't be sent.
	ErrBadArgument = errors.New("bad argument")
)

// spoiled makes the error of a response that could not be read.
func spoiled(err error) error {
	s, ok := errors.AsType[*imap.Status](err)
	if !ok {
		return err
	}
	if s.Code == imap.CodeTooBig || s.Code == imap.CodeLimit {
		return fmt.Errorf("%w: %s", ErrTooLarge, s.Text)
	}
	return fmt.Errorf("%w: %s", ErrSyntax, s.Text)
}

// unsupported makes the error of a call that the server can't do.
func (c *Client) unsupported(command string, need ...imap.Capability) error {
	return &Error{Command: command, Host: c.host, Err: fmt.Errorf("%w: %v", ErrUnsupported, need)}
}

// CodeOf returns the response code of the status that err is or wraps, "" where there is none: imap.CodeNonExistent, …
func CodeOf(err error) imap.Code {
	if s, ok := errors.AsType[*imap.Status](err); ok {
		return s.Code
	}
	return ""
}

// Refused reports whether err is the server's NO: the command was understood and could not be done. Other errors are of the
// connection, of this program, or mean that the server did not understand.
func Refused(err error) bool {
	s, ok := errors.AsType[*imap.Status](err)
	return ok && s.Type == imap.NO
}
