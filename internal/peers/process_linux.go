package peers

import (
	"os/exec"
	"syscall"
)

// endsWithUs makes a process end when this one does, and not by our terminal's signals.
func endsWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
