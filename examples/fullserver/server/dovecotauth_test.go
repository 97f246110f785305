package server_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp"
)

// Debian's Postfix has its users' logins checked here, and Debian's doveadm asks here who there is.
func TestAuthListen(t *testing.T) {
	dir, err := os.MkdirTemp("", "auth") // other users than this one connect
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	auth, people := filepath.Join(dir, "auth"), filepath.Join(dir, "auth-userdb")
	r := start(t, "auth_listen=unix:"+auth, "auth_userdb_listen=unix:"+people, "disable_plaintext_auth=no", "auth_mechanisms=plain login cram-md5 scram-sha-256", "mail_location=maildir:"+dir+"/mail/%d/%n")
	users(t, r.dir, "alice:{PLAIN}secret::::/home/alice::userdb_quota_rule=*:storage=1G\nbob@example.test:{PLAIN}geheim\n")

	m := peers.Postfix(t, "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = "+auth+"\nmynetworks =\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n"+
		"default_transport = discard\nmydestination =\n", nil)
	for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"} {
		for password, want := range map[string]string{"secret": "", "wrong": "535"} {
			err := submit(t, m.SMTP, &mail.Credentials{Username: "alice", Password: password, Mechanisms: []string{mechanism}, AllowPlaintext: true})
			if want == "" {
				require.NoError(t, err, mechanism)
			} else {
				require.ErrorContains(t, err, want, mechanism)
			}
		}
	}
	r.logged(`dovecot: auth: login, user=alice@example.test, mechanism=SCRAM-SHA-256, service=smtp, remote=127.0.0.1`)

	u := &dovecotauth.UserClient{Path: people}
	defer u.Close()
	got, err := u.User(t.Context(), "ALICE@example.test")
	require.NoError(t, err)
	require.Equal(t, &dovecotauth.User{Name: "alice@example.test", Fields: map[string]string{"home": "/home/alice", "quota_rule": "*:storage=1G", "mail": "maildir:" + dir + "/mail/example.test/alice"}}, got)
	conf := filepath.Join(dir, "dovecot.conf")
	require.NoError(t, os.WriteFile(conf, []byte("ssl = no\nlog_path = /dev/stderr\n"), 0o600))
	out, err := exec.Command("doveadm", "-c", conf, "user", "-a", people, "*").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.ElementsMatch(t, []string{"alice@example.test", "bob@example.test"}, strings.Fields(string(out)))
}

func submit(t *testing.T, addr string, who *mail.Credentials) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := smtp.Dial(ctx, addr, &smtp.ClientOptions{LocalName: "client.test", TLS: smtp.TLSNone, Auth: who})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Send(ctx, &mail.Envelope{From: "alice@example.test", Recipients: []mail.Recipient{{Address: "bob@far.test"}}}, strings.NewReader("Subject: x\r\n\r\nx\r\n"))
	return err
}

// Debian's Dovecot checks the passwords of users here, and says which there are.
func TestUsersOfADovecot(t *testing.T) {
	d := peers.DovecotAuth(t, `
auth_mechanisms = plain login
passdb {
  driver = passwd-file
  args = %DIR%/users
}
userdb {
  driver = passwd-file
  args = %DIR%/users
  default_fields = uid=65534 gid=65534
}
`, map[string]string{"users": "carol@example.test:{PLAIN}secret::::/home/carol::\ndave@example.test:{SHA512-CRYPT}broken::::::\n"})
	run := filepath.Join(d.Dir, "run")
	login := func(r *running, user, password string) string {
		i := r.dial("imap_listen")
		i.until("* OK")
		return i.say("a LOGIN "+user+" "+password, "a ")
	}
	t.Run("passdb", func(t *testing.T) {
		r := start(t, "passdb=dovecot:"+run+"/auth-client", "userdb=dovecot:"+run+"/auth-userdb")
		require.Contains(t, login(r, "carol", "secret"), "a OK")
		require.Contains(t, login(r, "carol", "wrong"), "a NO [AUTHENTICATIONFAILED]")
		require.Contains(t, login(r, "alice", "secret"), "a NO [AUTHENTICATIONFAILED]", "passwd_file isn't asked")
		r.send("s@far.test", "carol@example.test", "Subject: hello\r\n\r\nhello\r\n")
		require.Contains(t, r.inbox("carol", "secret", 1), "hello")
		m := r.dial("smtp_listen")
		m.until("220 ")
		m.say("EHLO c.test", "250 ")
		m.say("MAIL FROM:<s@far.test>", "250 ")
		require.Contains(t, m.say("RCPT TO:<alice@example.test>", "2", "4", "5"), "550 5.1.1")
		require.ElementsMatch(t, []string{"carol@example.test", "dave@example.test"}, r.s.Users())
	})
	t.Run("smtpd_sasl_type", func(t *testing.T) {
		r := start(t, "smtpd_sasl_type=dovecot", "smtpd_sasl_path="+run+"/auth-client")
		s := r.dial("submissions_listen")
		s.until("220 ")
		s.say("EHLO c.test", "250 ")
		require.Contains(t, s.say("AUTH PLAIN "+plain("carol@example.test", "wrong"), "2", "4", "5"), "535 5.7.8")
		require.Contains(t, s.say("AUTH PLAIN "+plain("carol@example.test", "secret"), "2", "4", "5"), "235 ")
		require.Contains(t, login(r, "alice", "secret"), "a OK", "for IMAP passwd_file is asked")
	})
	t.Run("gone", func(t *testing.T) {
		r := start(t, "passdb=dovecot:"+d.Dir+"/nobody", "userdb=dovecot:"+d.Dir+"/nobody")
		require.Contains(t, login(r, "carol", "secret"), "a NO [UNAVAILABLE]")
		m := r.dial("smtp_listen")
		m.until("220 ")
		m.say("EHLO c.test", "250 ")
		m.say("MAIL FROM:<s@far.test>", "250 ")
		require.Contains(t, m.say("RCPT TO:<carol@example.test>", "2", "4", "5"), "451 4.3.0")
	})
}
