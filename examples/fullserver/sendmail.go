package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/sendmail"
)

// sendMail is the command that programs send mail with.
func sendMail(file string, over overrides, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		fmt.Fprintf(stderr, "sendmail: fatal: %v\n", err)
		return 78 // EX_CONFIG
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &sendmail.Env{Settings: &c.Settings, User: "unknown", Stdin: stdin, Stdout: stdout, Stderr: stderr}
	e.At, _ = c.ForPrograms()
	if u, err := user.Current(); err == nil {
		e.User = u.Username
		e.FullName, _, _ = strings.Cut(u.Name, ",") // the first field of gecos
	}
	e.Queue = func(name string, args ...string) int {
		return queuecmd.Run(ctx, c.Settings.DataDirectory, c.Settings.QueueDirectory, name, args, stdin, stdout, stderr)
	}
	return e.Run(ctx, args)
}

// asSendmail turns the words of sendmail, or newaliases, that was called by its own name into ours. Its -C names main.cf, or its folder.
func asSendmail(name string, args []string) []string {
	file, _ := configOf("-C", args)
	if name == "newaliases" {
		args = append([]string{"-bi"}, args...)
	}
	return withConfig(file, "sendmail", args)
}
