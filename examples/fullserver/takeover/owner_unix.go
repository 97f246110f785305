//go:build unix

package takeover

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
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
func mayRead(u *user.User, file string) bool {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return false
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return false
	}
	c := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	ids, _ := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(n))
		}
	}
	cmd := exec.Command("test", "-r", file)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	return cmd.Run() == nil
}
