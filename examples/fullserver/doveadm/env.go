package doveadm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
)

// Backend is what the commands work on: a running server's parts, or those that were opened for one command.
type Backend struct {
	Store mail.Store
	Users accounts.Users
	// Location is an account's mail_location with everything in it expanded.
	Location func(account string) (string, error)
	// Mechanisms are auth_mechanisms.
	Mechanisms []string
	// Open opens the mail at a location that is nobody's here, for import.
	Open func(location string) (mail.Store, error)
	// Repair puts right what is damaged in an account's folders, and tells each fault that it finds.
	Repair func(ctx context.Context, account string, found func(mailbox, fault string)) error

	// Of a running server; nil without one.
	Sessions func() []Session
	Kick     func(match func(Session) bool) []Session
	Reload   func()
	Stop     func()
	LogFile  string
}

// Session is a client that has logged in.
type Session struct {
	User     string
	Protocol string
	IP       string
	ID       uint64
	Began    time.Time
}

// Env is what a command is run with.
type Env struct {
	Backend
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	format string // of -f
	status int    // the worst so far
}

// Exit statuses, as sysexits.h and Dovecot have them.
const (
	exitUsage    = 64
	exitData     = 65
	exitNoUser   = 67
	exitNotFound = 68
	exitTemp     = 75
	exitNoPerm   = 77
)

// fatal ends a command with a status.
type fatal struct {
	status int
	text   string
	bare   bool // printed without "Fatal: "
}

func (f *fatal) Error() string { return f.text }

func fatalf(status int, format string, args ...any) error {
	return &fatal{status: status, text: fmt.Sprintf(format, args...)}
}

// Run runs a command line without the word doveadm, and returns its exit status.
func (e *Env) Run(ctx context.Context, args []string) int {
	rest, err := e.options(args)
	if err == nil {
		err = e.run(ctx, rest)
	}
	if err == nil {
		return e.status
	}
	f, ok := errors.AsType[*fatal](err)
	if !ok {
		f = &fatal{status: exitTemp, text: err.Error()}
	}
	if f.bare {
		fmt.Fprintln(e.Stderr, f.text)
	} else {
		fmt.Fprintln(e.Stderr, "Fatal: "+f.text)
	}
	return f.status
}

// options reads what stands before the command.
func (e *Env) options(args []string) ([]string, error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch word := args[0]; {
		case word == "--":
			return args[1:], nil
		case word == "-D", word == "-v", word == "-Dv":
			args = args[1:]
		case (word == "-f" || word == "-o") && len(args) > 1:
			if word == "-f" {
				e.format = args[1]
			}
			args = args[2:]
		case strings.HasPrefix(word, "-f") && len(word) > 2:
			e.format, args = word[2:], args[1:]
		case word == "-h", word == "--help":
			return nil, &fatal{status: 0, text: usage(""), bare: true}
		default:
			return nil, &fatal{exitUsage, "doveadm: invalid option -- '" + strings.TrimLeft(word, "-") + "'\n" + usage(""), true}
		}
	}
	if e.format != "" && formatters[e.format] == nil {
		return nil, fatalf(exitTemp, "Unknown print formatter: %s", e.format)
	}
	return args, nil
}

// fail tells an error of one user's and goes on with the next.
func (e *Env) fail(user string, status int, format string, args ...any) {
	fmt.Fprintf(e.Stderr, "doveadm(%s): Error: %s\n", user, fmt.Sprintf(format, args...))
	e.status = status
}
