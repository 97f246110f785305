package peers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Alone is Debian's Dovecot without its daemons: its programs, each run by the test, for the user "alice", who needs no password. It needs
// no root; run by root, it works as nobody.
type Alone struct {
	Dir      string // all that is Dovecot's: configuration, log, mail
	uid, gid int
}

// DovecotAlone makes a configuration for a Dovecot without daemons, and an account without mail.
func DovecotAlone(t TB) *Alone {
	t.Helper()
	version, err := exec.Command("dovecot", "--version").Output()
	if err != nil || !bytes.HasPrefix(version, []byte("2.3.")) {
		lack(t, "needs Debian's dovecot-imapd, version 2.3")
	}
	dir, err := os.MkdirTemp("", "dovecot") // not TempDir: its parents can't be entered by other users
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	a := &Alone{dir, os.Getuid(), os.Getgid()}
	if a.uid == 0 {
		a.uid, a.gid = 65534, 65534
	}
	conf := fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
mail_location = maildir:%[1]s/mail
mail_home = %[1]s/home
mail_uid = %[2]d
mail_gid = %[3]d
first_valid_uid = 1
first_valid_gid = 0
mail_fsync = never
ssl = no
namespace inbox {
  inbox = yes
  separator = /
}
`, dir, a.uid, a.gid)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "dovecot.conf"), []byte(conf), 0o644); err != nil {
		t.Fatalf("%v", err)
	}
	return a
}

// IMAP is the command of an IMAP session of alice's on its standard input and output.
func (a *Alone) IMAP() *exec.Cmd {
	cmd := exec.Command("doveadm", "-c", filepath.Join(a.Dir, "dovecot.conf"), "exec", "imap")
	cmd.Dir = a.Dir
	cmd.Env = append(os.Environ(), "USER=alice", "HOME="+a.Dir+"/home", "TZ=UTC")
	if os.Getuid() == 0 {
		runAs(cmd, a.uid, a.gid)
	}
	return cmd
}
