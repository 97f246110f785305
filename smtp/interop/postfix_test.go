package interop_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
)

// mta is a mail server that others wrote, running. It delivers reader@, other@ and thư@example.test to Maildirs, and what is for the
// routes' domains to our servers.
type mta struct {
	*jail
	addr string
	id   *identity
	has  smtp.Extension // what it is known to offer, before STARTTLS
	auth bool           // AUTH is offered behind STARTTLS, to reader with "secret"
	// alone: it can't read LMTP's replies for several recipients when they come in one packet ("Remote host sent too much data").
	alone bool
}

// routes are our servers that a mail server relays to, by domain.
type routes struct {
	plain, secure *catcher // smtp.test without TLS, tls.test with STARTTLS and AUTH
	lmtp          *catcher // lmtp.test
}

// newRoutes starts our servers.
func newRoutes(t *testing.T, id *identity) *routes {
	return &routes{
		plain:  catch(t, id, false, func(s *smtp.Server) { s.TLSConfig = nil; s.Authenticator = nil }),
		secure: catch(t, id, false, func(s *smtp.Server) { s.RequireSecure, s.RequireAuth = true, true }),
		lmtp:   catch(t, id, false, func(s *smtp.Server) { s.LMTP = true; s.TLSConfig = nil; s.Authenticator = nil }),
	}
}

// sizeLimit is the largest message that the mail servers take.
const sizeLimit = 6 << 20

const postfixMain = `compatibility_level = 3.6
queue_directory = $D/spool
data_directory = $D/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = $D/log/mail
maillog_file_prefixes = $D
myhostname = mx.example.test
mydestination = localhost
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
local_header_rewrite_clients =
smtputf8_enable = yes
message_size_limit = $SIZE
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = example.test
virtual_mailbox_base = $D/box
virtual_mailbox_maps = texthash:$D/postfix/boxes
virtual_minimum_uid = 100
virtual_uid_maps = static:$READER
virtual_gid_maps = static:$READER
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = $D/cert.pem
smtpd_tls_key_file = $D/key.pem
smtp_dns_support_level = disabled
smtp_tls_CAfile = $D/cert.pem
smtp_tls_policy_maps = texthash:$D/postfix/tls
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:$D/postfix/passwords
smtp_sasl_security_options = noanonymous
transport_maps = texthash:$D/postfix/transport
relay_domains = smtp.test tls.test lmtp.test
smtpd_relay_restrictions = permit_mynetworks, reject
`

const postfixMaster = `127.0.0.1:$PORT inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix runs the installed Postfix with a configuration and queue of its own.
func startPostfix(t *testing.T, r *routes, id *identity) *mta {
	t.Helper()
	program(t, "postfix")
	j := newJail(t)
	port := freePort(t)
	fill := strings.NewReplacer("$D", j.dir, "$PORT", strconv.Itoa(port), "$SIZE", strconv.Itoa(sizeLimit), "$READER", strconv.Itoa(readerID))
	write(t, j.path("postfix/main.cf"), fill.Replace(postfixMain))
	write(t, j.path("postfix/master.cf"), fill.Replace(postfixMaster))
	write(t, j.path("postfix/boxes"), "reader@example.test reader/\nother@example.test other/\nthư@example.test thư/\n")
	write(t, j.path("postfix/transport"), fmt.Sprintf("smtp.test smtp:[127.0.0.1]:%s\ntls.test smtp:[127.0.0.1]:%s\nlmtp.test lmtp:inet:127.0.0.1:%s\n",
		r.plain.port, r.secure.port, r.lmtp.port))
	write(t, j.path("postfix/tls"), fmt.Sprintf("[127.0.0.1]:%s secure match=localhost\n", r.secure.port))
	write(t, j.path("postfix/passwords"), fmt.Sprintf("[127.0.0.1]:%s %s:%s\n", r.secure.port, caughtUser, caughtPassword))
	write(t, j.path("cert.pem"), id.cert)
	write(t, j.path("key.pem"), id.key)
	for _, d := range []string{"spool", "data", "log"} {
		require.NoError(t, os.Mkdir(j.path(d), 0o755))
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	j.start(fill.Replace("chown postfix $D/data\nexec postfix -c $D/postfix start-fg\n"), addr)
	return &mta{jail: j, addr: addr, id: id,
		has: smtp.Pipelining | smtp.Size | smtp.EightBitMIME | smtp.SMTPUTF8 | smtp.EnhancedStatusCodes | smtp.DSN | smtp.StartTLS | smtp.Chunking}
}

func TestPostfix(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	r := newRoutes(t, id)
	m := startPostfix(t, r, id)
	t.Run("takes", m.takes)
	t.Run("relays", func(t *testing.T) { m.relays(t, r) })
}
