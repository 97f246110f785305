package interop_test

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
)

const eximConf = `primary_hostname = mx.example.test
exim_path = /exim4
spool_directory = $D/spool
log_file_path = $D/log/%s
pid_file_path = $D/exim.pid
exim_user = Debian-exim
exim_group = Debian-exim
daemon_smtp_ports = $PORT
local_interfaces = 127.0.0.1
message_size_limit = $SIZE
host_lookup =
tls_advertise_hosts = *
tls_certificate = $D/cert.pem
tls_privatekey = $D/key.pem
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
chunking_advertise_hosts = *
pipelining_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_mail = accept
acl_smtp_data = accept
queue_run_max = 1
keep_environment =
smtp_accept_max_nonmail = 100
timeout_frozen_after = 1h

begin acl
rcpt:
  deny message = no such user
       domains = example.test
       ! verify = recipient
  accept

begin routers
out:
  driver = manualroute
  domains = smtp.test
  route_list = * 127.0.0.1::$PLAIN byname
  self = send
  transport = out
secure:
  driver = manualroute
  domains = tls.test
  route_list = * 127.0.0.1::$SECURE byname
  self = send
  transport = secure
lmtp:
  driver = manualroute
  domains = lmtp.test
  route_list = * 127.0.0.1::$LMTP byname
  self = send
  transport = lmtp
box:
  driver = accept
  domains = example.test
  local_parts = reader : other : thư
  transport = box

begin transports
box:
  driver = appendfile
  directory = $D/box/$local_part_data
  maildir_format
  user = reader
  group = reader
  return_path_add
out:
  driver = smtp
  hosts_avoid_tls = *
secure:
  driver = smtp
  hosts_require_tls = *
  tls_verify_certificates = $D/cert.pem
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
  hosts_require_auth = *
lmtp:
  driver = smtp
  protocol = lmtp
  port = $LMTP
  hosts_avoid_tls = *

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if and{{eq{$auth2}{reader}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
  server_prompts = :
  client_send = ^$USER^$PASSWORD
`

// startExim runs Debian's Exim, which .ci/peers has unpacked.
func startExim(t *testing.T, r *routes, id *identity) *mta {
	t.Helper()
	peers(t, "usr/sbin/exim4")
	j := newJail(t, "Debian-exim")
	port := freePort(t)
	fill := strings.NewReplacer("$D", j.dir, "$PORT", strconv.Itoa(port), "$SIZE", strconv.Itoa(sizeLimit),
		"$PLAIN", r.plain.port, "$SECURE", r.secure.port, "$LMTP", r.lmtp.port, "$USER", caughtUser, "$PASSWORD", caughtPassword)
	write(t, j.path("etc/exim4/exim4.conf"), fill.Replace(eximConf))
	write(t, j.path("cert.pem"), id.cert)
	write(t, j.path("key.pem"), id.key)
	for _, d := range []string{"spool", "log"} {
		require.NoError(t, os.Mkdir(j.path(d), 0o755))
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	// It has to be setuid root, which the unpacked file isn't when root didn't unpack it.
	j.start(fill.Replace("install -o root -m 4755 /peers/usr/sbin/exim4 /exim4\nchown Debian-exim $D/spool $D/log\nexec /exim4 -bdf -q1m\n"), addr)
	return &mta{jail: j, addr: addr, id: id, auth: true,
		has: smtp.Pipelining | smtp.Size | smtp.EightBitMIME | smtp.SMTPUTF8 | smtp.DSN | smtp.StartTLS | smtp.Chunking}
}

func TestExim(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	r := newRoutes(t, id)
	m := startExim(t, r, id)
	t.Run("takes", m.takes)
	t.Run("relays", func(t *testing.T) { m.relays(t, r) })
}
