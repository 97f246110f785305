//go:build unix

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/internal/peers"
)

// system is a mail system that the dialogues are tried on.
type system struct {
	name  string // what known lines call it, for each of its servers
	title string
	start func(t *testing.T) *script.Target
	slow  bool // minutes, which only make conformance waits for
}

var systems = []system{
	{"buuta", "examples/fullserver, as it is set without a main.cf", func(t *testing.T) *script.Target {
		if *writeDoc {
			return fullserver(t)
		}
		return fullserver(t, "auth_failure_delay=0s", "smtpd_error_sleep_time=0") // it waits as Debian's does, for nothing
	}, false},
	{"postfix+dovecot", "Debian's Postfix 3.7 with Dovecot 2.3 behind it, by LMTP", debian, false},
	{"exim", "Debian's Exim 4.96", func(t *testing.T) *script.Target {
		cert, key := certificate(t, open(t))
		return mta("exim", peers.EximMTA(t, cert, key))
	}, true},
	{"opensmtpd", "Debian's OpenSMTPD 6.8, without TLS, which its package does with nobody", func(t *testing.T) *script.Target { return mta("opensmtpd", peers.OpenSMTPD(t)) }, true},
	{"cyrus", "Debian's Cyrus IMAP 3.6", func(t *testing.T) *script.Target { return store("cyrus", peers.Cyrus(t)) }, true},
	{"courier", "Debian's Courier IMAP 5.0", func(t *testing.T) *script.Target { return store("courier", peers.Courier(t)) }, true},
}

func dial(addr string) script.Dialer { return dialer(addr, false, nil, 10*time.Second) }

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// fullserver is ours, with what it does by default; strangers are all clients.
func fullserver(t *testing.T, params ...string) *script.Target {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/users", []byte("user1@example.test:{PLAIN}secret\n"), 0o600))
	protocols := []script.Protocol{script.SMTP, script.LMTP, script.IMAP, script.POP3, script.POP2}
	overrides := []string{"data_directory=" + dir, "myhostname=mail.example.test", "mydomain=example.test", "virtual_mailbox_domains=example.test",
		"mynetworks=127.0.0.9/32", "passwd_file=" + dir + "/users", "maillog_file=" + dir + "/mail.log", "mail_location=maildir:" + dir + "/mail/%d/%n",
		"disable_plaintext_auth=no", "mail_auth_check=no", "submission_listen="}
	for _, p := range protocols {
		overrides = append(overrides, string(p)+"_listen=127.0.0.1:0")
	}
	c, err := config.Load(config.Options{Overrides: append(overrides, params...)})
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	out := &script.Target{Name: "buuta", User: "user1@example.test", Password: "secret", From: "user1@example.test", To: "user1@example.test",
		TLS: &tls.Config{InsecureSkipVerify: true}, Dial: map[script.Protocol]script.Dialer{}}
	for _, p := range protocols {
		out.Dial[p] = dial(s.Addrs(string(p) + "_listen")[0].String())
	}
	return out
}

// certificate writes a key and its certificate into a folder.
func certificate(t *testing.T, dir string) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o644))
	return cert, key
}

// open is a folder that servers which change users can read.
func open(t *testing.T) string {
	dir, err := os.MkdirTemp("", "conformance")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	return dir
}

// debian is Postfix that hands to Dovecot by LMTP and asks it for passwords.
func debian(t *testing.T) *script.Target {
	dir := open(t)
	cert, key := certificate(t, dir)
	lmtp, auth := freePort(t), freePort(t)
	_, lmtpPort, _ := net.SplitHostPort(lmtp)
	_, authPort, _ := net.SplitHostPort(auth)
	d := peers.Dovecot(t, fmt.Sprintf(`protocols = imap pop3 lmtp
ssl = yes
ssl_cert = <%[1]s
ssl_key = <%[2]s
auth_username_format = %%Ln
mail_plugins = quota acl zlib
mail_attribute_dict = file:%%h/attributes
imap_metadata = yes
imap_urlauth_host = localhost
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %[3]s
  }
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = %[4]s
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
protocol imap {
  mail_plugins = quota imap_quota acl imap_acl zlib imap_zlib
}
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=100M
  acl = vfile
  acl_shared_dict = file:%[5]s/shared
}
`, cert, key, lmtpPort, authPort, dir))
	m := peers.Postfix(t, fmt.Sprintf(`compatibility_level = 3.6
myhostname = mail.example.test
mydestination = mail.example.test
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = example.test
virtual_mailbox_maps = inline:{ user1@example.test=x, postmaster@example.test=x }
virtual_transport = lmtp:inet:%[1]s
mynetworks = 127.0.0.9/32
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated reject_unauth_destination
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:%[2]s
smtpd_tls_security_level = may
smtpd_tls_cert_file = %[3]s
smtpd_tls_key_file = %[4]s
smtpd_error_sleep_time = 0
`, lmtp, auth, cert, key), nil)
	out := store("dovecot", d)
	out.Name = "postfix+dovecot"
	out.From, out.To = "user1@example.test", "user1@example.test"
	out.TLS = &tls.Config{InsecureSkipVerify: true}
	out.Dial[script.SMTP], out.Dial[script.LMTP] = dial(m.SMTP), dial(lmtp)
	return out
}

// mta is a server of SMTP.
func mta(name string, m *peers.MTA) *script.Target {
	return &script.Target{Name: name, User: "user1", Password: peers.Password, From: "user1@example.test", To: "user1@example.test",
		TLS: &tls.Config{InsecureSkipVerify: true}, Dial: map[script.Protocol]script.Dialer{script.SMTP: dial(m.SMTP)}}
}

// store is a server of IMAP and POP3.
func store(name string, s *peers.Server) *script.Target {
	return &script.Target{Name: name, User: "user1", Password: peers.Password,
		Dial: map[script.Protocol]script.Dialer{script.IMAP: dial(s.IMAP), script.POP3: dial(s.POP3)}}
}
