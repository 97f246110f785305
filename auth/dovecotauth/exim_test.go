package dovecotauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/peers"
)

// TestEximAsks: Debian's Exim has its users' logins checked by our server.
func TestEximAsks(t *testing.T) {
	s := server()
	s.AllowPlaintext = true
	auth, _ := open(t, s)
	conf := "primary_hostname = mx.example.test\nacl_smtp_rcpt = rcpt\nbegin acl\nrcpt:\n  accept authenticated = *\n  deny message = not logged in\nbegin authenticators\n"
	for _, m := range []string{"PLAIN", "LOGIN", "CRAM-MD5"} {
		conf += strings.ToLower(m) + ":\n  driver = dovecot\n  public_name = " + m + "\n  server_socket = " + auth + "\n  server_set_id = $auth1\n"
	}
	conf = strings.ReplaceAll(conf, "cram-md5:", "cram:")
	last := func(commands ...string) string {
		out := peers.Exim(t, conf, "192.0.2.1", append(append([]string{"EHLO c.test"}, commands...), "QUIT")...)
		return out[len(out)-2] // before the one to QUIT
	}
	require.Equal(t, "235 Authentication succeeded", last("AUTH PLAIN "+b64("\x00alice\x00secret")))
	address := s.Authenticator.(*site).last.Load().Remote.String()
	require.True(t, strings.HasPrefix(address, "192.0.2.1:"), address)
	require.Equal(t, "235 Authentication succeeded", last("AUTH LOGIN", b64("alice"), b64("secret")))
	require.Equal(t, "235 Authentication succeeded", last("AUTH LOGIN "+b64("alice"), b64("secret")))
	require.Equal(t, "535 Incorrect authentication data", last("AUTH PLAIN "+b64("\x00alice\x00wrong")))
	require.Equal(t, "535 Incorrect authentication data", last("AUTH PLAIN "+b64("\x00nobody\x00x")))
	require.Equal(t, "535 Incorrect authentication data", last("AUTH PLAIN "+b64("\x00down\x00x")), "it doesn't read that a failure is temporary")
	require.Regexp(t, "^250", last("AUTH PLAIN "+b64("\x00alice\x00secret"), "MAIL FROM:<a@example.test>", "RCPT TO:<b@example.org>"))
	require.Equal(t, "550 not logged in", last("MAIL FROM:<a@example.test>", "RCPT TO:<b@example.org>"))
}
