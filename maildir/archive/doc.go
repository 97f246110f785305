// Package archive carries mail between the accounts of any store and the files of other programs: mbox, Maildir trees and
// folders of .eml files.
//
// [Copy] brings what a [Source] has to a [Target]. [Account] is both; so two accounts, of two stores, can be copied too, and an
// account of a maildir.Store is the way to write a Maildir tree. [OpenMbox], [OpenMaildir] and [OpenEML] read files and change
// nothing of them; [CreateMbox] and [CreateEML] write them.
//
// Messages stream; nothing is held but a batch's flags and the lines at hand. Flags, keywords and dates come along. What
// was copied is durable when Progress tells of it, and the token that it tells continues from there.
package archive

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/buuta/mail"
)

// Message is one message on its way.
type Message struct {
	Mailbox string // "Lists/Go", "INBOX"
	Flags   mail.Flags
	Date    time.Time // when it arrived; zero where that isn't known
	GUID    mail.GUID // "" where it has none
	Body    io.Reader // with CRLF line ends, to be read before the next message is asked for
	ID      string    // names the message within its source, for errors and tokens of appends
}

// Source has messages, in an order that is always the same.
type Source interface {
	// Seek goes to what is behind pos, which Pos has returned.
	Seek(ctx context.Context, pos string) error
	// Mailboxes returns the names of those that have messages or may be empty, parents first.
	Mailboxes(ctx context.Context) ([]string, error)
	// Next returns the next message: io.EOF behind the last. After an error that is no io.EOF it may be asked again and
	// goes on behind what was wrong, if it is a *MessageError.
	Next(ctx context.Context) (*Message, error)
	// Pos returns the place behind the message that Next returned last.
	Pos() string
	Close() error
}

// Target takes messages.
type Target interface {
	// Resume goes back to where Flush was, so that what came after it can come again.
	Resume(ctx context.Context, mark string) error
	// Mailbox makes a mailbox, if it isn't there.
	Mailbox(ctx context.Context, name string) error
	// Put takes a message, to be flushed. A *MessageError says that only this one can't be taken.
	Put(ctx context.Context, m *Message) error
	// Flush makes durable what was put, and returns a mark for Resume.
	Flush(ctx context.Context) (mark string, err error)
	// Close forgets what wasn't flushed, as far as it can.
	Close() error
}

// MessageError is what is wrong with one message only.
type MessageError struct {
	ID  string // which one
	Err error
}

func (e *MessageError) Error() string { return e.ID + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *MessageError) Unwrap() error { return e.Err }

// ErrToken says that a token to go on from is not one of this source and target, or that they have changed too much.
var ErrToken = errors.New("archive: can't go on from this token")

// ErrFormat says that a file is not what it was opened as.
var ErrFormat = errors.New("archive: not in this format")
