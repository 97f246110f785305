package doveconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Run asks the installed doveconf for what the configuration says, also where that is the default: 2.4 takes mailbox_list_layout = fs for one, though with
// Maildirs it is not what holds where nothing is said. config is Dovecot's configuration, "" for the one that it has itself. Passwords and names of key files, which
// doveconf hides otherwise, are in what comes back.
func Run(ctx context.Context, config string) (*File, error) {
	args := []string{"-N", "-P"}
	if config != "" {
		args = append([]string{"-c", config}, args...)
	}
	cmd := exec.CommandContext(ctx, "doveconf", args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("there is no doveconf here: on the machine that has Dovecot, doveconf -N -P > file, and name the file with -doveconf")
	}
	if err != nil {
		return nil, fmt.Errorf("doveconf: %w: %s", err, strings.TrimSpace(said.String()))
	}
	f, err := Parse("doveconf", &out, Limits{})
	if err == nil {
		f.Asked = true
	}
	return f, err
}
