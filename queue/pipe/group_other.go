//go:build !unix

package pipe

import (
	"errors"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

// Confine does nothing for a command that is to run as this program, and is an error for others.
func Confine(cmd *exec.Cmd, user string) error { return runAs(cmd, user) }

// runAs can't be done here.
func runAs(_ *exec.Cmd, name string) error {
	if name == "" {
		return nil
	}
	return errors.New("no program can be run as another user here")
}
