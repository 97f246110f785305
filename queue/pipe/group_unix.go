//go:build unix

package pipe

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// ownGroup makes a kill reach what the program has started as well.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// Confine makes a command run in a process group of its own, which dies as a whole, and, where this program runs as root, as a user, perhaps with
// ":group" behind; "" stays as this program. It must be called before the command is started. A user that doesn't exist is an error.
func Confine(cmd *exec.Cmd, user string) error {
	ownGroup(cmd)
	return runAs(cmd, user)
}

// runAs makes a program run as a user, if we are root.
func runAs(cmd *exec.Cmd, name string) error {
	if name == "" || os.Getuid() != 0 {
		return nil
	}
	name, group, _ := strings.Cut(name, ":")
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return err
		}
		if gid, err = strconv.ParseUint(g.Gid, 10, 32); err != nil {
			return err
		}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}
	return nil
}
