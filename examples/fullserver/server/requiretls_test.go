package server_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"os"
	"testing"

	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// RFC 8689, from a user to another server: offered over TLS alone (section 2), passed on only to who offers it too (section 4.2.1), and otherwise returned, as a
// header and under the same protection (section 5).
func TestRequireTLS(t *testing.T) {
	f := smtptest.NewServer(t)
	trust := f.UseTLS()
	host, port, err := net.SplitHostPort(f.Addr())
	require.NoError(t, err)
	ca := t.TempDir() + "/ca.pem"
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Config.TLSConfig.Certificates[0].Certificate[0]}), 0o644))
	r := start(t, "relayhost=["+host+"]:"+port, "smtp_tls_CAfile="+ca, "smtp_tls_policy_maps=inline:{ {["+host+"]:"+port+" = secure match="+trust.ServerName+"} }")
	send := func(params, field string) {
		m := r.dial("submission_listen")
		m.until("220 ")
		require.NotContains(t, m.say("EHLO c.test", "250 "), "REQUIRETLS")
		m.say("STARTTLS", "220 ")
		m.startTLS()
		require.Contains(t, m.say("EHLO c.test", "250 "), "REQUIRETLS")
		m.say("AUTH PLAIN "+plain("alice", "secret"), "235 ")
		m.say("MAIL FROM:<alice@example.test>"+params, "250 ")
		m.say("RCPT TO:<x@far.test>", "250 ")
		m.say("DATA", "354 ")
		m.say("From: alice@example.test\r\n"+field+"Subject: s\r\n\r\nsecret\r\n.", "250 ")
		m.say("QUIT", "221 ")
	}
	send(" REQUIRETLS RET=FULL", "TLS-Required: No\r\n")
	got := sent(t, f, 1)
	require.True(t, got[0].Options.RequireTLS)
	send("", "TLS-Required: No\r\n")
	require.False(t, sent(t, f, 2)[1].Options.RequireTLS)
	r.end()

	// Another server, which doesn't offer it.
	g := smtptest.NewServer(t)
	g.UseTLS()
	g.Config.Without = smtp.RequireTLS
	g.Config.TLSConfig = &tls.Config{Certificates: f.Config.TLSConfig.Certificates}
	host, port, err = net.SplitHostPort(g.Addr()) // it serves from now on
	require.NoError(t, err)
	r.run(append(base(r.dir), "relayhost=["+host+"]:"+port, "smtp_tls_CAfile="+ca, "smtp_tls_policy_maps=inline:{ {["+host+"]:"+port+" = secure match="+trust.ServerName+"} }")...)
	send(" REQUIRETLS RET=FULL", "")
	r.logged(`to=<x@far\.test>, .*dsn=5\.7\.30, status=bounced \(REQUIRETLS support is required`)
	r.logged(`to=<alice@example\.test>, .*status=sent`)
	require.Empty(t, g.Messages())
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	i.say("b SELECT INBOX", "b OK")
	report := i.say("c FETCH 1 BODY[]", "c OK")
	require.Contains(t, report, "Content-Type: text/rfc822-headers")
	require.NotContains(t, report, "\nsecret\n")

	r.end()
	r.run(append(base(r.dir), "requiretls_enable=no")...)
	s := r.dial("submissions_listen")
	s.until("220 ")
	require.NotContains(t, s.say("EHLO c.test", "250 "), "REQUIRETLS")
}
