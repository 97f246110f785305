package main

import (
	"context"
	"fmt"
	"io"

	"github.com/buuta/mail/examples/fullserver/admincmd"
	"github.com/buuta/mail/examples/fullserver/config"
)

// administer runs one of the commands that change users, aliases and domains.
func administer(name, file string, over overrides, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &admincmd.Env{Stdin: stdin, Stdout: stdout, Stderr: stderr, Config: func() (*config.Config, error) {
		return config.Load(config.Options{File: file, Overrides: over})
	}}
	if isTerminal(stdin) {
		e.Prompt = func() { fmt.Fprint(stderr, "New password (it shows while you type): ") }
	}
	return e.Run(context.Background(), name, args)
}
