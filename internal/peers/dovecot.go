package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// nobody is the user who has Dovecot's and Courier's mail.
const nobody = 65534

// Dovecot starts Debian's Dovecot 2.3 over Maildirs. configuration comes last in its file. Its processes serve one connection after another: to start them for each
// takes longer than most of what a test says there.
func Dovecot(t TB, configuration string) *Server {
	t.Helper()
	if _, err := exec.LookPath("dovecot"); err != nil {
		lack(t, "Dovecot is not there: run .ci/deps")
	}
	s := newServer(t)
	s.Maildir = filepath.Join(s.Dir, "mail", "user1")
	if err := os.Mkdir(filepath.Join(s.Dir, "mail"), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.Chown(filepath.Join(s.Dir, "mail"), nobody, nobody); err != nil {
		t.Fatalf("%v", err)
	}
	s.write("users", text("%s:{PLAIN}"+Password+"\n"))
	s.write("dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 apop scram-sha-1 scram-sha-256
auth_failure_delay = 0
mail_location = maildir:%[1]s/mail/%%n
mail_uid = %[4]d
mail_gid = %[4]d
first_valid_uid = 100
mail_max_userip_connections = 100
mail_fsync = never
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%%u %[1]s/users
}
userdb {
  driver = static
  args = uid=%[4]d gid=%[4]d home=%[1]s/mail/%%n
}
service imap-login {
  service_count = 0
  inet_listener imap {
    port = %[2]s
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  service_count = 0
  inet_listener pop3 {
    port = %[3]s
  }
  inet_listener pop3s {
    port = 0
  }
}
service imap {
  service_count = 1000
}
service pop3 {
  service_count = 1000
}
%[5]s
`, s.Dir, port(s.IMAP), port(s.POP3), nobody, configuration))
	s.run("", "exec dovecot -F -c $D/dovecot.conf\n")
	return s
}
