package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// DovecotUsers is a Dovecot that is asked about users only.
type DovecotUsers struct {
	Dir string
	s   *Server
}

// DovecotAuth starts Debian's Dovecot with passdbs and userdbs of the test's own. files are written beside its configuration, where %DIR% stands for their folder
// in both. Users without a domain belong to example.com; the master separator is "*".
func DovecotAuth(t TB, configuration string, files map[string]string) *DovecotUsers {
	t.Helper()
	for _, driver := range []string{"sqlite", "pgsql"} {
		if _, err := os.Stat("/usr/lib/dovecot/modules/auth/libdriver_" + driver + ".so"); err != nil {
			lack(t, "Dovecot can't ask databases: run .ci/deps")
		}
	}
	if _, err := os.Stat("/usr/lib/dovecot/modules/auth/libauthdb_ldap.so"); err != nil {
		lack(t, "Dovecot can't ask directories: run .ci/deps")
	}
	s := newServer(t)
	s.POP3 = s.IMAP
	fill := strings.NewReplacer("%DIR%", s.Dir)
	for name, text := range files {
		s.write(name, fill.Replace(text))
	}
	s.write("dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = no
auth_failure_delay = 0
auth_default_realm = example.com
auth_master_user_separator = *
auth_username_chars =
auth_verbose = yes
mail_location = maildir:%[1]s/mail/%%n
service imap-login {
  inet_listener imap {
    port = %[2]s
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
`, s.Dir, port(s.IMAP))+fill.Replace(configuration))
	s.run("", "dovecot -F -c "+filepath.Join(s.Dir, "dovecot.conf"))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the port is there before the sockets
		if _, err := os.Stat(filepath.Join(s.Dir, "run", "auth-userdb")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("Dovecot has no auth-userdb")
		}
	}
	return &DovecotUsers{s.Dir, s}
}

// Login is "doveadm auth test": ok, or not, or an error where Dovecot doesn't know.
func (d *DovecotUsers) Login(user, password, remote string) (ok bool, err error) {
	args := []string{"-c", filepath.Join(d.Dir, "dovecot.conf"), "auth", "test", "-x", "service=imap"}
	if remote != "" {
		args = append(args, "-x", "rip="+remote)
	}
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "doveadm", append(args, "--", user, password)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	const noPermission = 77
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.ExitCode() == noPermission && !strings.Contains(out.String(), "temp"):
		return false, nil
	}
	return false, fmt.Errorf("%w: %s", err, out.String())
}

// User is "doveadm user": the fields of a user, nil for nobody, or an error where Dovecot doesn't know.
func (d *DovecotUsers) User(name string) (map[string]string, error) {
	out, err := exec.Command("doveadm", "-c", filepath.Join(d.Dir, "dovecot.conf"), "user", name).CombinedOutput()
	var exit *exec.ExitError
	const noUser = 67
	if errors.As(err, &exit) && exit.ExitCode() == noUser {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			fields[k] = v
		}
	}
	delete(fields, "field")
	return fields, nil
}

// Log is the end of what Dovecot has said.
func (d *DovecotUsers) Log() string { return d.s.out.tail() }
