package queuecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// The statuses with which commands end: sysexits.h's, as Postfix has them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 1  // postqueue and postsuper end so after a wrong word
	exitUnavailable = 69 // the queue can't do it
)

// Env is what a command works with.
type Env struct {
	Queue          Queue
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Now            func() time.Time // nil: time.Now
}

func (e *Env) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

// command is one of the commands. Its error is told as Postfix tells a fatal one.
type command func(ctx context.Context, e *Env, args []string) error

var commands = map[string]command{"mailq": mailq, "postqueue": postqueue, "postsuper": postsuper, "postcat": postcat, "qshape": qshape, "queue": queueSub}

// Names returns the names of the commands.
func Names() []string {
	return []string{"mailq", "postqueue", "postsuper", "postcat", "qshape", "queue"}
}

// Known reports whether there is a command of that name.
func Known(name string) bool { return slices.Contains(Names(), name) }

// Run runs a command and returns its exit status.
func (e *Env) Run(ctx context.Context, name string, args []string) int {
	run, ok := commands[name]
	if !ok {
		fmt.Fprintf(e.Stderr, "%s: fatal: there is no such command\n", name)
		return exitUsage
	}
	err := run(ctx, e, args)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(e.Stderr, "%s: fatal: %v\n", name, err)
	var s *statusError
	if errors.As(err, &s) {
		return s.status
	}
	return exitFailed
}

// statusError is an error that ends a command with a status of its own.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// usage is the error of a wrong word on a command line.
func usage(text string) error { return &statusError{exitUsage, "usage: " + text} }

// unavailable is the error of something that the queue can't do.
func unavailable(format string, a ...any) error {
	return &statusError{exitUnavailable, fmt.Sprintf(format, a...)}
}
