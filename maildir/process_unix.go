//go:build unix

package maildir

import (
	"errors"
	"syscall"
)

// processLives reports whether a process of this machine runs.
func processLives(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
