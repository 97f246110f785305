package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
)

// queueCommand runs one of the commands that look after the queue.
func queueCommand(name, file string, over overrides, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		fmt.Fprintf(stderr, "%s: fatal: %v\n", name, err)
		return 1
	}
	if err := asOwner(c); err != nil { // what is made in a stopped server's queue must be that server's
		fmt.Fprintf(stderr, "%s: fatal: %v\n", name, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return queuecmd.Run(ctx, c.Settings.DataDirectory, c.Settings.QueueDirectory, name, args, stdin, stdout, stderr)
}

// reload has the running server read its configuration again. A main.cf that is wrong is told here too.
func reload(file string, over overrides) error {
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		return err
	}
	return queuecmd.Reload(context.Background(), filepath.Join(c.Settings.DataDirectory, queuecmd.SocketName))
}

// asLinked turns the words of a command that was called by its own name, where -c names the folder of main.cf as Postfix has it, into
// ours.
func asLinked(name string, args []string) []string {
	file, rest := configOf("-c", args)
	return withConfig(file, name, rest)
}

// configOf returns the main.cf that a flag, with its folder or itself, or MAIL_CONFIG names, "" for none; and the words without that flag.
func configOf(flag string, args []string) (file string, rest []string) {
	file = os.Getenv("MAIL_CONFIG")
	for i := 0; i < len(args); i++ {
		if v, ok := strings.CutPrefix(args[i], flag); ok && v != "" {
			file = v
		} else if ok && i+1 < len(args) {
			i++
			file = args[i]
		} else {
			rest = append(rest, args[i])
		}
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, "main.cf")
	}
	return file, rest
}

// withConfig is a command line of ours.
func withConfig(file, command string, args []string) []string {
	out := []string{command}
	if file != "" {
		out = []string{"-c", file, command}
	}
	return append(out, args...)
}

// findConfig returns the main.cf that a command means when it is told none: the demo's in this folder, the one that setup and import make, or Postfix's.
func findConfig() string {
	if f := demoConfig(); f != "" {
		return f
	}
	for _, system := range []string{"/etc/fullserver/main.cf", "/etc/postfix/main.cf"} {
		if _, err := os.Stat(system); err == nil {
			return system
		}
	}
	return ""
}
