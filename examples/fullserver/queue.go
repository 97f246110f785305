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
	if file == "" && len(over) == 0 {
		file = findConfig()
	}
	c, err := config.Load(config.Options{File: file, Overrides: over})
	if err != nil {
		fmt.Fprintf(stderr, "%s: fatal: %v\n", name, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return queuecmd.Run(ctx, c.Settings.DataDirectory, c.Settings.QueueDirectory, name, args, stdin, stdout, stderr)
}

// asLinked turns the words of a command that was called by its own name, where -c names the folder of main.cf as Postfix has it, into
// ours. MAIL_CONFIG does so too.
func asLinked(name string, args []string) []string {
	dir := os.Getenv("MAIL_CONFIG")
	var rest []string
	for i := 0; i < len(args); i++ {
		if v, ok := strings.CutPrefix(args[i], "-c"); ok && v != "" {
			dir = v
		} else if ok && i+1 < len(args) {
			i++
			dir = args[i]
		} else {
			rest = append(rest, args[i])
		}
	}
	out := []string{name}
	if dir != "" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			dir = filepath.Join(dir, "main.cf")
		}
		out = []string{"-c", dir, name}
	}
	return append(out, rest...)
}

// findConfig returns the main.cf that a command means when it is told none: the demo's in this folder, or the system's.
func findConfig() string {
	if f := demoConfig(); f != "" {
		return f
	}
	const system = "/etc/postfix/main.cf"
	if _, err := os.Stat(system); err == nil {
		return system
	}
	return ""
}
