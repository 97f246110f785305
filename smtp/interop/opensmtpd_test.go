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

const opensmtpdConf = `pki self cert "$D/cert.pem"
pki self key "$D/key.pem"
ca own cert "$D/cert.pem"
table logins file:$D/logins
table passwords file:$D/passwords
smtp max-message-size "$SIZE"
listen on 127.0.0.1 port $PORT tls pki self auth-optional <logins> hostname mx.example.test
action box maildir "$D/box/%{rcpt.user}" virtual { "reader@example.test" = reader, "other@example.test" = reader }
action out relay host smtp://127.0.0.1:$PLAIN helo mx.example.test
action secure relay host smtp+tls://own@localhost:$SECURE ca own auth <passwords> helo mx.example.test
action mailbox relay host lmtp://127.0.0.1:$LMTP helo mx.example.test
match from any for domain "example.test" action box
match from any for domain "smtp.test" action out
match from any for domain "tls.test" action secure
match from any for domain "lmtp.test" action mailbox
`

// startOpenSMTPD runs Debian's OpenSMTPD, which .ci/peers has unpacked.
func startOpenSMTPD(t *testing.T, r *routes, id *identity) *mta {
	t.Helper()
	peers(t, "usr/sbin/smtpd")
	j := newJail(t, "opensmtpd", "opensmtpq")
	port := freePort(t)
	fill := strings.NewReplacer("$D", j.dir, "$PORT", strconv.Itoa(port), "$SIZE", strconv.Itoa(sizeLimit),
		"$PLAIN", r.plain.port, "$SECURE", r.secure.port, "$LMTP", r.lmtp.port)
	write(t, j.path("smtpd.conf"), fill.Replace(opensmtpdConf))
	hash, status := run(t, j.dir, "", "openssl", "passwd", "-6", "secret")
	require.Zero(t, status, hash)
	write(t, j.path("logins"), "reader "+hash)
	write(t, j.path("passwords"), "own "+caughtUser+":"+caughtPassword+"\n")
	write(t, j.path("cert.pem"), id.cert)
	require.NoError(t, os.WriteFile(j.path("key.pem"), []byte(id.key), 0o600))
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	j.start(fill.Replace("exec /peers/usr/sbin/smtpd -d -f $D/smtpd.conf\n"), addr)
	m := &mta{jail: j, addr: addr, id: id, alone: true, has: smtp.Size | smtp.EightBitMIME | smtp.EnhancedStatusCodes | smtp.DSN}
	// The keeper of its private key doesn't get on with OpenSSL 3, so that the package of Debian 12 does TLS with nobody. Where it
	// does it with OpenSSL's own client, it has to with ours.
	if out, status := run(t, j.dir, "", "openssl", "s_client", "-starttls", "smtp", "-connect", addr, "-brief"); status == 0 {
		m.has, m.auth = m.has|smtp.StartTLS, true
	} else {
		t.Logf("no TLS: %s", out)
	}
	return m
}

func TestOpenSMTPD(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	r := newRoutes(t, id)
	m := startOpenSMTPD(t, r, id)
	t.Run("takes", m.takes)
	t.Run("relays", func(t *testing.T) { m.relays(t, r) })
}
