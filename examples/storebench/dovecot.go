package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// nobody is the user whose mail Dovecot serves: it refuses to serve root's.
const nobody = 65534

// dovecot is a running Dovecot that lets everybody in, each user's mail in dir/dovecot/mail/<user>.
type dovecot struct {
	conf, mail, addr string
}

func startDovecot(dir string) (*dovecot, error) {
	if _, err := os.Stat("/usr/lib/dovecot/imap"); err != nil {
		return nil, err
	}
	if os.Getuid() != 0 {
		return nil, errors.New("it can only be started by root")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	base := dir + "/dovecot"
	d := &dovecot{conf: base + "/dovecot.conf", mail: base + "/mail", addr: fmt.Sprintf("127.0.0.1:%d", port)}
	for _, name := range []string{base, base + "/run", base + "/state", d.mail} {
		if err := os.Mkdir(name, 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.Chown(d.mail, nobody, nobody); err != nil {
		return nil, err
	}
	conf := fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%[2]s/%%u
mail_uid = %[3]d
mail_gid = %[3]d
first_valid_uid = 1
first_valid_gid = 0
mail_max_userip_connections = 1000
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=%[3]d gid=%[3]d home=%[2]s/%%u
}
service imap-login {
  inet_listener imap {
    port = %[4]d
  }
  inet_listener imaps {
    port = 0
  }
}
`, base, d.mail, nobody, port)
	if err := os.WriteFile(d.conf, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	if err := exec.Command("dovecot", "-c", d.conf).Run(); err != nil { // a pipe would be held by what it leaves running
		said, _ := os.ReadFile(base + "/log")
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	for range 100 {
		if c, err := net.Dial("tcp", d.addr); err == nil {
			c.Close()
			return d, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	d.stop()
	return nil, errors.New("it doesn't listen")
}

func (d *dovecot) stop() { exec.Command("dovecot", "-c", d.conf, "stop").Run() }

// take moves a Maildir in as a user's mail.
func (d *dovecot) take(dir, user string) error {
	to := d.mail + "/" + user
	if err := os.Rename(dir, to); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, nobody, nobody)
	})
}
