//go:build unix

package takeover

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/buuta/mail/examples/fullserver/process"
)

// ownerOf is whose a folder is.
func ownerOf(path string) (uid uint32, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, true
}

// mayRead reports whether a user may read a file. Access lists count, so it is the system that is asked.
func mayRead(o *process.Owner, file string) bool {
	c := &syscall.Credential{Uid: uint32(o.UID), Gid: uint32(o.GID)}
	for _, g := range o.Groups {
		c.Groups = append(c.Groups, uint32(g))
	}
	cmd := exec.Command("test", "-r", file)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	return cmd.Run() == nil
}
