package doveconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Run asks the installed doveconf. config is Dovecot's configuration, "" for the one that it has itself. Passwords and names of key files, which
// doveconf hides otherwise, are in what comes back.
func Run(ctx context.Context, config string) (*File, error) {
	args := []string{"-n", "-P"}
	if config != "" {
		args = append([]string{"-c", config}, args...)
	}
	cmd := exec.CommandContext(ctx, "doveconf", args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("there is no doveconf here: on the machine that has Dovecot, doveconf -n -P > file, and name the file with -doveconf")
	}
	if err != nil {
		return nil, fmt.Errorf("doveconf: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return Parse("doveconf", &out, Limits{})
}
