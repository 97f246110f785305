package peers

import (
	"fmt"
	"net"
	"time"
)

// EximMTA starts Debian's Exim with a certificate and key, for the domain example.test, whose users are "user1" to "user3" and postmaster. What it
// takes for them it throws away.
func EximMTA(t TB, cert, key string) *MTA {
	t.Helper()
	root := unpacked(t, "peers", "usr/sbin/exim4")
	s := newServer(t)
	s.POP3 = s.IMAP // there is one port to wait for
	s.write("exim.conf", fmt.Sprintf(`primary_hostname = mail.example.test
spool_directory = %[1]s/spool
log_file_path = %[1]s/log/%%s
pid_file_path = %[1]s/exim.pid
exim_user = nobody
exim_group = nogroup
never_users =
daemon_smtp_ports = %[2]s
local_interfaces = 127.0.0.1
message_size_limit = 10240000
host_lookup =
tls_advertise_hosts = *
tls_certificate = %[3]s
tls_privatekey = %[4]s
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
chunking_advertise_hosts = *
pipelining_advertise_hosts = *
qualify_domain = example.test
acl_smtp_rcpt = rcpt
acl_smtp_mail = accept
acl_smtp_data = accept
keep_environment =
smtp_accept_max_nonmail = 1000
smtp_accept_max = 100
smtp_max_synprot_errors = 100
smtp_max_unknown_commands = 100
allow_domain_literals

begin acl
rcpt:
  deny message = relaying is not permitted
       ! domains = example.test
       ! authenticated = *
  deny message = no such user
       domains = example.test
       ! verify = recipient
  accept

begin routers
users:
  driver = redirect
  domains = example.test
  local_parts = user1 : user2 : user3 : postmaster
  data = :blackhole:

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if eq{$auth3}{%[5]s}}
  server_set_id = $auth2
  server_prompts = :
`, s.Dir, port(s.IMAP), cert, key, Password))
	s.run(root, "echo Debian-exim:x:65534:65534::/var/empty:/bin/false >> /etc/passwd\necho Debian-exim:x:65534: >> /etc/group\nmkdir -p $D/spool $D/log\nchown nobody:nogroup $D/spool $D/log\nexec /usr/sbin/exim4 -C $D/exim.conf -bdf -q1h\n")
	return s.mta(t)
}

// OpenSMTPD starts Debian's OpenSMTPD for the same users. It does no TLS: the keeper of its key doesn't get on with Debian's OpenSSL.
func OpenSMTPD(t TB) *MTA {
	t.Helper()
	root := unpacked(t, "peers", "usr/sbin/smtpd")
	s := newServer(t)
	s.POP3 = s.IMAP
	s.write("smtpd.conf", fmt.Sprintf(`listen on 127.0.0.1 port %s hostname mail.example.test
action drop mda "/bin/true" virtual { "user1@example.test" = nobody, "user2@example.test" = nobody, "user3@example.test" = nobody, "postmaster@example.test" = nobody, "postmaster" = nobody }
match from any for domain "example.test" action drop
match from any for local action drop
`, port(s.IMAP)))
	s.run(root, `n=5998
for u in opensmtpd opensmtpq; do
  echo $u:x:$n:$n::/var/empty:/bin/false >> /etc/passwd
  echo $u:x:$n: >> /etc/group
  n=5999
done
echo mail.example.test > /etc/mailname
mount -t tmpfs -o mode=755 tmpfs /var/spool
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty
chmod 711 /var/lib/opensmtpd/empty
exec /usr/sbin/smtpd -d -f $D/smtpd.conf
`)
	return s.mta(t)
}

// mta is the server as one of SMTP.
func (s *Server) mta(t TB) *MTA {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", s.IMAP, time.Second)
		if err == nil {
			c.Close()
			return &MTA{SMTP: s.IMAP, Dir: s.Dir, s: s}
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens: %v", err)
		}
	}
}
