package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/doveadm"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/server"
)

// doveadmCommand has the running server do what administrators of Dovecot call doveadm for, or does it on the mailboxes of a server that isn't running.
func doveadmCommand(file string, over overrides, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	const failed = 75 // EX_TEMPFAIL, as doveadm ends
	fatal := func(err error) int {
		fmt.Fprintf(stderr, "doveadm: Fatal: %v\n", err)
		return failed
	}
	if len(args) == 1 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help") { // needs no server
		return (&doveadm.Env{Stdin: stdin, Stdout: stdout, Stderr: stdout}).Run(context.Background(), []string{"-h"})
	}
	args, err := doveadm.Prepare(args, os.Getenv)
	if err != nil {
		return fatal(err)
	}
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		return fatal(err)
	}
	if err := asOwner(c); err != nil { // what is made in a stopped server's mailboxes must be that server's
		return fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := queuecmd.Call(ctx, filepath.Join(c.Settings.DataDirectory, queuecmd.SocketName), "doveadm", args, stdin, stdout, stderr)
	if err == nil {
		return status
	}
	if !errors.Is(err, queuecmd.ErrNotRunning) {
		return fatal(err)
	}
	m, err := server.OpenMail(c, server.Options{Stderr: stderr})
	if err != nil {
		return fatal(err)
	}
	defer m.Close()
	return (&doveadm.Env{Backend: m.Backend, Stdin: stdin, Stdout: stdout, Stderr: stderr}).Run(ctx, args)
}
