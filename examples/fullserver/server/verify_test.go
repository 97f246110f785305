package server_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// inside is a server that knows some users.
func inside(t *testing.T) *smtptest.Server {
	f := smtptest.NewServer(t)
	f.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "nobody@relay.test", Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user")})
	f.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "full@relay.test", Reply: smtp.NewReply(452, smtp.EnhancedCode{4, 2, 2}, "Mailbox full")})
	return f
}

// What RCPT is answered when the server inside, or those of the sender, are asked: the same as by Debian's Postfix.
func TestUnverified(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, dead.Close())
	bracketed := func(a string) string { return "[" + strings.ReplaceAll(a, ":", "]:") }
	for name, more := range map[string]string{
		"defaults": "",
		"codes":    "unverified_recipient_reject_code = 550\nunverified_recipient_defer_code = 451\nunverified_sender_reject_code = 553\n",
		"reason":   "unverified_recipient_reject_code = 550\nunverified_recipient_reject_reason = not here\nunverified_recipient_tempfail_action = defer\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := inside(t)
			mainCF := "compatibility_level = 3.6\nmyhostname = mail.example.test\nmydomain = example.test\nmydestination = localhost, mail.example.test\nlocal_recipient_maps =\n" +
				"relay_domains = relay.test, dead.test\nmynetworks = 192.0.2.0/24\nalias_maps =\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n" +
				"transport_maps = inline:{ {relay.test = smtp:" + bracketed(f.Addr()) + "}, {dead.test = smtp:" + bracketed(dead.Addr().String()) + "}, {closed.test = error:5.7.1 closed} }\n" +
				"smtpd_recipient_restrictions = reject_unverified_recipient\nsmtpd_sender_restrictions = reject_unverified_sender\naddress_verify_sender =\naddress_verify_poll_delay = 1s\n" + more
			pf := peers.Postfix(t, mainCF, nil)
			dir := t.TempDir()
			users(t, dir, "alice@mail.example.test:{PLAIN}secret\n")
			r := &running{t: t, dir: dir}
			params := []string{"data_directory=" + dir, "maillog_file=" + dir + "/mail.log", "mail_auth_check=no", "smtp_listen=127.0.0.1:0", "smtpd_peername_lookup=no"}
			for line := range strings.Lines(mainCF) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
				params = append(params, name+"="+strings.TrimSpace(value))
			}
			r.run(params...)
			for _, tt := range []struct{ from, to string }{
				{"s@relay.test", "someone@relay.test"}, {"s@relay.test", "nobody@relay.test"}, {"s@relay.test", "full@relay.test"}, {"s@relay.test", "x@dead.test"},
				{"nobody@relay.test", "someone@relay.test"}, {"full@relay.test", "someone@relay.test"}, {"", "someone@relay.test"}, {"x@closed.test", "someone@relay.test"},
				{"s@relay.test", "x@elsewhere.test"}, {"s@relay.test", "no.such.user@localhost"}, {"s@relay.test", "alice@localhost"},
			} {
				if more != "" && tt.to != "nobody@relay.test" && tt.to != "full@relay.test" && tt.from != "nobody@relay.test" {
					continue
				}
				say := func(dial func() *typist) string {
					m := dial()
					defer m.c.Close()
					m.until("220 ")
					m.say("EHLO c.test", "250 ")
					m.say("MAIL FROM:<"+tt.from+">", "250 ")
					return m.say("RCPT TO:<"+tt.to+">", "2", "4", "5")
				}
				ours := say(func() *typist { return r.dial("smtp_listen") })
				theirs := say(func() *typist {
					c, err := net.Dial("tcp", pf.SMTP)
					require.NoError(t, err)
					require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
					return newTypist(t, c)
				})
				require.Equal(t, theirs, ours, "%s to %s", tt.from, tt.to)
			}
			require.Empty(t, f.Messages(), "nobody gets a probe as mail")
			r.end()
			b, err := os.ReadFile(dir + "/verify_cache")
			require.NoError(t, err)
			require.Contains(t, string(b), `{"address":"nobody@relay.test","status":2,`)
		})
	}
}
