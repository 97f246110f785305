//go:build unix

package pipe

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a kill reach what the program has started as well.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
