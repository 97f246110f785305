package dovecotauth_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/dovecotauth"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp"
)

const dovecotConf = `
auth_mechanisms = plain login cram-md5 oauthbearer
auth_default_realm =
passdb {
  driver = passwd-file
  deny = yes
  args = %DIR%/deny
}
passdb {
  driver = passwd-file
  master = yes
  args = %DIR%/masters
}
passdb {
  driver = passwd-file
  args = %DIR%/users
}
userdb {
  driver = passwd-file
  args = %DIR%/users
  default_fields = uid=65534 gid=65534
}
`

// TestDovecotServes: Debian's Dovecot checks logins for us and tells who there is.
func TestDovecotServes(t *testing.T) {
	d := peers.DovecotAuth(t, dovecotConf, map[string]string{"deny": "denied\n", "masters": "root:{PLAIN}master\n",
		"users": "alice:{PLAIN}secret::::/home/alice::userdb_quota_rule=*:storage=1G\nbob:{PLAIN}x::::/home/bob::\ndenied:{PLAIN}x::::::\nnets:{PLAIN}x::::::allow_nets=192.0.2.1\ntemp:{NOSUCH}x::::::\noff:{PLAIN}x::::::nologin=y reason=No\n"})
	c := &dovecotauth.Client{Path: filepath.Join(d.Dir, "run", "auth-client")}
	defer c.Close()
	mechanisms, err := c.Mechanisms(t.Context())
	require.NoError(t, err)
	slices.Sort(mechanisms)
	require.Equal(t, []string{"CRAM-MD5", "LOGIN", "OAUTHBEARER", "PLAIN"}, mechanisms)
	for _, tt := range []struct{ user, as, password, want string }{
		{"alice", "", "secret", "alice"}, {"ALICE", "", "secret", "alice"}, {"alice", "", "wrong", ""}, {"alice", "", "", ""}, {"nobody", "", "secret", ""}, {"denied", "", "x", ""},
		{"root", "bob", "master", "bob"}, {"root", "", "master", ""}, {"alice", "bob", "secret", ""}, {"bob*root", "", "master", "bob"}, {"bob*root", "", "x", ""}, {"nets", "", "x", "nets"}, {"tab\tuser", "", "x", ""}, {"al=ice", "", "x", ""},
	} {
		a := request(tt.user, tt.password)
		a.Authorize = tt.as
		id, err := c.Authenticate(t.Context(), a)
		if tt.want == "" {
			require.ErrorIs(t, err, mail.ErrAuthFailed, "%v", tt)
			continue
		}
		require.NoError(t, err, "%v", tt)
		require.Equal(t, tt.want, id.Username)
	}
	elsewhere := request("nets", "x")
	elsewhere.Remote = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2)}
	_, err = c.Authenticate(t.Context(), elsewhere)
	require.ErrorIs(t, err, mail.ErrAuthFailed, "Dovecot is told where users come from")

	u := &dovecotauth.UserClient{Path: filepath.Join(d.Dir, "run", "auth-userdb")}
	defer u.Close()
	who, err := u.User(t.Context(), "alice")
	require.NoError(t, err)
	require.Equal(t, &dovecotauth.User{Name: "alice", Fields: map[string]string{"home": "/home/alice", "uid": "65534", "gid": "65534", "quota_rule": "*:storage=1G"}}, who)
	who, err = u.User(t.Context(), "nobody")
	require.NoError(t, err)
	require.Nil(t, who)
	var names []string
	for name, err := range u.List(t.Context()) {
		require.NoError(t, err)
		names = append(names, name)
	}
	slices.Sort(names)
	require.Equal(t, []string{"alice", "bob", "denied", "nets", "off", "temp"}, names)

	var all sync.WaitGroup // many logins over one connection, answered as they come
	for i := range 50 {
		all.Go(func() {
			if _, err := c.Authenticate(t.Context(), request("alice", []string{"secret", "wrong"}[i%2])); (err == nil) != (i%2 == 0) {
				t.Error(i, err)
			}
		})
	}
	all.Wait()
}

// open serves on sockets that other users may reach.
func open(t *testing.T, s *dovecotauth.Server) (auth, users string) {
	auth, users = listen(t, s)
	for _, path := range []string{filepath.Dir(filepath.Dir(auth)), filepath.Dir(auth), auth, users} {
		require.NoError(t, os.Chmod(path, 0o777))
	}
	return auth, users
}

// TestDovecotAsks: Debian's doveadm asks our server, with the libraries that Dovecot's other programs use.
func TestDovecotAsks(t *testing.T) {
	auth, users := open(t, server())
	conf := filepath.Join(t.TempDir(), "dovecot.conf")
	require.NoError(t, os.WriteFile(conf, []byte("ssl = no\nlog_path = /dev/stderr\n"), 0o600))
	doveadm := func(args ...string) (string, int) {
		if _, err := exec.LookPath("doveadm"); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("doveadm is not there")
			}
			t.Skip("doveadm is not there: run .ci/deps")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, "doveadm", append([]string{"-c", conf}, args...)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		exit := new(exec.ExitError)
		if errors.As(err, &exit) {
			return out.String(), exit.ExitCode()
		}
		require.NoError(t, err)
		return out.String(), 0
	}
	for _, tt := range []struct {
		user, password string
		code           int
		want           string
	}{{"alice", "secret", 0, "auth succeeded"}, {"alice", "wrong", 77, "auth failed"}, {"nobody", "x", 77, "auth failed"}, {"down", "x", 77, "temp_fail"}} {
		out, code := doveadm("auth", "test", "-a", auth, "-x", "service=imap", "-x", "secured", tt.user, tt.password)
		require.Equal(t, tt.code, code, "%v: %s", tt, out)
		require.Contains(t, out, tt.want, "%v", tt)
	}
	out, code := doveadm("user", "-a", users, "alice")
	require.Zero(t, code, out)
	require.Contains(t, out, "/home/alice")
	out, code = doveadm("user", "-a", users, "nobody")
	require.Equal(t, 67, code, out)
	out, code = doveadm("user", "-a", users, "u1?@*")
	require.Zero(t, code, out)
	require.Equal(t, 10, strings.Count(out, "@example.com"), out)
}

// TestPostfixAsks: Debian's Postfix has its users' logins checked by our server, with every mechanism that there is.
func TestPostfixAsks(t *testing.T) {
	s := server()
	s.AllowPlaintext = true
	auth, _ := open(t, s)
	m := peers.Postfix(t, "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = "+auth+"\nsmtpd_sasl_security_options = noanonymous\n"+
		"mynetworks =\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\nsmtpd_recipient_restrictions =\nrelay_domains =\ndefault_transport = discard\nmydestination =\n", nil)
	for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"} {
		for _, right := range []bool{true, false} {
			c := &mail.Credentials{Username: "alice", Password: "wrong", Token: "bad", Mechanisms: []string{mechanism}, AllowPlaintext: true}
			if right {
				c.Password, c.Token = "secret", "good"
			}
			err := send(t, m.SMTP, c)
			if right {
				require.NoError(t, err, mechanism)
			} else {
				require.ErrorContains(t, err, "535", mechanism)
			}
		}
	}
	require.ErrorContains(t, send(t, m.SMTP, nil), "554", "without a login nothing is relayed")
	last := s.Authenticator.(*site).last.Load()
	require.Equal(t, "127.0.0.1:0", last.Remote.String())
	require.Equal(t, "smtp", last.Service)
}

// send sends a message, logged in as somebody.
func send(t *testing.T, addr string, who *mail.Credentials) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := smtp.Dial(ctx, addr, &smtp.ClientOptions{LocalName: "client.test", TLS: smtp.TLSNone, Auth: who})
	if err != nil {
		return err
	}
	defer c.Close()
	results, err := c.Send(ctx, &mail.Envelope{From: "alice@example.test", Recipients: []mail.Recipient{{Address: "bob@example.org"}}}, strings.NewReader("Subject: x\r\n\r\nx\r\n"))
	if err == nil && results[0].Reply.Code/100 != 2 {
		err = results[0].Reply
	}
	return err
}
