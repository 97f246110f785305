//go:build unix

package takeover

import (
	"errors"
	"os/exec"
	"syscall"
)

// alone starts a process in a session of its own, which no signal of our terminal reaches.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// alive reports whether there is a process.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
