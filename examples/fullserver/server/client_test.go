package server_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// smtp_fallback_relay gets what the relayhost can't be given.
func TestFallbackRelay(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, dead.Close())
	f := smtptest.NewServer(t)
	bracketed := func(a string) string { h, p, _ := net.SplitHostPort(a); return "[" + h + "]:" + p }
	r := start(t, "relayhost="+bracketed(dead.Addr().String()), "smtp_fallback_relay="+bracketed(f.Addr()))
	r.send("alice@example.test", "x@far.test", note)
	require.Equal(t, []string{"x@far.test"}, recipients(sent(t, f, 1)))
	r.logged(`to=<x@far\.test>, relay=[^ ]*` + strings.ReplaceAll(f.Addr()[len("127.0.0.1"):], ":", ":") + `, .*status=sent`)
}

// smtp_sender_dependent_authentication: each sender logs in as himself.
func TestPasswordsBySender(t *testing.T) {
	f := smtptest.NewServer(t)
	f.Config.Authenticator = imaptest.Users{"a": "secret", "all": "geheim"}
	f.Config.RequireAuth = true
	f.Config.AllowPlaintext = func(*smtp.Conn) bool { return true }
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	hop := "[" + host + "]:" + port
	r := start(t, "relayhost="+hop, "smtp_sasl_auth_enable=yes", "smtp_sender_dependent_authentication=yes",
		"smtp_sasl_password_maps=inline:{ {alice@example.test = a:secret}, {@example.test = all:geheim} }")
	r.send("alice@example.test", "x@far.test", note)
	require.Equal(t, "a", sent(t, f, 1)[0].User)
	r.send("bob@example.test", "x@far.test", note)
	require.Equal(t, "all", sent(t, f, 2)[1].User)
}

// smtp_tls_policy_maps: a destination that must have TLS and has none waits; one whose entry can't be read waits too, and the log says why.
func TestTLSPolicy(t *testing.T) {
	f := smtptest.NewServer(t)
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	hop := "[" + host + "]:" + port
	r := start(t, "relayhost="+hop, "smtp_tls_policy_maps=inline:{ {"+hop+" = secure match=nowhere.test} }")
	r.send("alice@example.test", "x@far.test", note)
	r.logged(`to=<x@far\.test>, .*dsn=4\.7\.4, status=deferred \(TLS is required, but was not offered by host `)
	r = start(t, "relayhost="+hop, "smtp_tls_policy_maps=inline:{ {"+hop+" = encript} }")
	r.send("alice@example.test", "x@far.test", note)
	r.logged(`warning: TLS policy for .*: "encript" is no security level: `)
	r.logged(`to=<x@far\.test>, .*dsn=4\.7\.5, status=deferred \(client TLS configuration problem\)`)
	require.Empty(t, f.Messages())
}

// RFC 8996: TLS 1.0 and 1.1 are not spoken; smtpd_tls_mandatory_protocols may leave out 1.2 as well.
func TestTLSVersions(t *testing.T) {
	r := start(t, "smtpd_tls_security_level=encrypt", "smtpd_tls_mandatory_protocols=>=TLSv1.3", "smtpd_tls_protocols=!SSLv2, !SSLv3, !TLSv1")
	hello := func(most uint16) error {
		m := r.dial("smtp_listen")
		m.until("220 ")
		m.say("EHLO c.test", "250 ")
		m.say("STARTTLS", "220 ")
		return tls.Client(m.c, &tls.Config{InsecureSkipVerify: true, MaxVersion: most}).Handshake()
	}
	require.NoError(t, hello(tls.VersionTLS13))
	require.Error(t, hello(tls.VersionTLS12))
}
