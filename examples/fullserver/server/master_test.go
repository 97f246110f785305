package server_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// withMaster starts a server with a main.cf and a master.cf; $D in them is its folder.
func withMaster(t *testing.T, mainCF, masterCF string) *running {
	t.Helper()
	return withOptions(t, mainCF, masterCF, server.Options{})
}

func withOptions(t *testing.T, mainCF, masterCF string, o server.Options) *running {
	t.Helper()
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\nbob@example.test:{PLAIN}geheim\n")
	mainCF = strings.Join(base(dir)[:7], "\n") + "\nimap_listen = 127.0.0.1:0\n" + mainCF
	for name, text := range map[string]string{"main.cf": mainCF, "master.cf": masterCF} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "$D", dir)), 0o600))
	}
	load := func() (*config.Config, error) {
		return config.Load(config.Options{File: filepath.Join(dir, "main.cf")})
	}
	c, err := load()
	require.NoError(t, err)
	r := &running{t: t, dir: dir}
	o.Config = load
	r.s, err = server.Open(c, o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.done = cancel, make(chan error, 1)
	go func() { r.done <- r.s.Serve(ctx, nil) }()
	t.Cleanup(r.end)
	return r
}

// hello connects to a service of master.cf.
func (r *running) hello(key string) (*typist, string) {
	r.t.Helper()
	m := r.dial(key)
	m.until("220 ")
	return m, m.say("EHLO c.test", "250 ")
}

const insiders = `pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
smtp      unix  -       -       y       -       -       smtp
`

// A service of master.cf is an SMTP server with parameters of its own, as Debian's submission and Amavis' way back are.
func TestMasterServices(t *testing.T) {
	r := withMaster(t, "mua_recipient_restrictions = permit_sasl_authenticated, reject\n", insiders+`
127.0.0.1:0 inet n - y - - smtpd
127.0.0.2:0 inet n - y - 2 smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes
  -o smtpd_recipient_restrictions=$mua_recipient_restrictions
  -o { smtpd_banner = $myhostname is for you }
127.0.0.3:0 inet n - y - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.4:0 inet n - - - - smtpd
  -o mynetworks=192.0.2.0/24 -o local_recipient_maps= -o smtpd_sasl_auth_enable=no -o message_size_limit=5000
127.0.0.5:0 inet n - - - - smtpd
sock unix n - - - - smtpd
# comments and what is off
127.0.0.1:1 inet n - - - - smtpd
`+"\n")
	m, _ := r.hello("127.0.0.1:0/inet")
	require.Contains(t, m.mail("alice@example.test"), "250 2.0.0 Ok: queued as ")

	m = r.dial("127.0.0.2:0/inet")
	require.Equal(t, "220 mail.example.test is for you", m.until("220 "))
	require.NotContains(t, m.say("EHLO c.test", "250 "), "AUTH")
	m.say("MAIL FROM:<alice@example.test>", "530 5.7.0")
	m.say("STARTTLS", "220 ")
	m.startTLS()
	require.Contains(t, m.say("EHLO c.test", "250 "), "AUTH PLAIN")
	m.say("MAIL FROM:<alice@example.test>", "250 ")
	require.Equal(t, "554 5.7.1 <bob@example.test>: Recipient address rejected: Access denied", m.say("RCPT TO:<bob@example.test>", "5", "2", "4"))
	m.say("RSET", "250 ")
	m.say("AUTH PLAIN "+plain("alice", "secret"), "235 ")
	require.Contains(t, m.mailFrom("alice@example.test", "bob@example.test"), "250 2.0.0 Ok: queued as ")
	r.logged(`postfix/submission/smtpd\[\d+\]: NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: 554 5\.7\.1 <bob@example\.test>`)

	y := &typist{t: t, c: r.dial("127.0.0.3:0/inet").c}
	y.startTLS()
	y.until("220 ")

	m, caps := r.hello("127.0.0.4:0/inet")
	require.Contains(t, caps, "SIZE 5000")
	require.NotContains(t, caps, "AUTH")
	m.say("MAIL FROM:<a@far.test>", "250 ")
	require.Equal(t, "554 5.7.1 <x@elsewhere.test>: Relay access denied", m.say("RCPT TO:<x@elsewhere.test>", "5"))
	m.say("RCPT TO:<nobody@localhost>", "250 ")

	m, _ = r.hello("sock/unix")
	require.Contains(t, m.mail("alice@example.test"), "250 2.0.0 Ok: queued as ")
}

// Two sessions are as many as a service with maxproc 2 has.
func TestMasterMaxproc(t *testing.T) {
	r := withMaster(t, "smtpd_client_connection_count_limit = 0\n", "127.0.0.1:0 inet n - y - 2 smtpd\n")
	r.hello("127.0.0.1:0/inet")
	r.hello("127.0.0.1:0/inet")
	r.dial("127.0.0.1:0/inet").until("421 ")
}

// Transports of master.cf: a pipe, a client with parameters of its own, error with a name of its own.
func TestMasterTransports(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a pipe's user= needs root")
	}
	out, err := os.MkdirTemp("", "out") // t.TempDir is for this user alone
	require.NoError(t, err)
	require.NoError(t, os.Chmod(out, 0o777))
	t.Cleanup(func() { os.RemoveAll(out) })
	f, _ := far(t)
	maps := file(t, "transport", "list.test script:hop\nslow.test later:5.7.1 go away\nfar.test branch:["+strings.ReplaceAll(f.Addr(), ":", "]:")+"\n")
	r := withMaster(t, "transport_maps = texthash:"+maps+"\nrelay_domains = list.test, slow.test\nrecipient_delimiter = +\nscript_destination_recipient_limit = 1\nbranch_destination_concurrency_limit = 1\n", insiders+`
127.0.0.1:0 inet n - y - - smtpd
script unix - n n - - pipe
  flags=DRhu user=nobody argv=/bin/sh -c {cat > "$$1"; echo "$$*" > "$$1.args"} sh `+out+`/${user} $sender $extension $nexthop
branch unix - - n - - smtp
  -o smtp_helo_name=branch.test -o syslog_name=postfix/branch -o { smtp_generic_maps = inline:{alice@example.test=office@branch.test} }
later unix - - n - - error
`)
	m, _ := r.hello("127.0.0.1:0/inet")
	m.mailFrom("alice@example.test", "Team+Y@LIST.test")
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(out, name))
		return string(b)
	}
	r.logged(`postfix/pipe\[\d+\]: [^ ]+: to=<Team\+Y@LIST\.test>, .* status=sent \(delivered via program\)`)
	require.Equal(t, out+"/team alice@example.test y hop\n", read("team.args"))
	require.True(t, strings.HasPrefix(read("team"), "Return-Path: <alice@example.test>\nDelivered-To: Team+Y@LIST.test\nReceived: "), read("team"))

	m.mailFrom("alice@example.test", "x@far.test")
	got := sent(t, f, 1)
	require.Equal(t, "office@branch.test", got[0].From)
	r.logged(`postfix/branch/smtp\[\d+\]: [^ ]+: to=<x@far\.test>`)

	m.mailFrom("alice@example.test", "x@slow.test")
	r.logged(`postfix/error\[\d+\]: [^ ]+: to=<x@slow\.test>, .* status=bounced \(550 5\.7\.1 go away\)`)
}

// spawn starts a policy server for each client of its socket.
func TestMasterSpawn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("user= needs root")
	}
	r := withMaster(t, "smtpd_recipient_restrictions = check_policy_service unix:private/judge\n", `
127.0.0.1:0 inet n - y - - smtpd
judge unix - n n - 0 spawn user=nobody argv=/bin/sh -c
  {while read line; do case "$line" in recipient=bob*) no=1;; "") if [ "$no" ]; then echo "action=reject not bob today"; else echo action=dunno; fi; no=; echo;; esac; done}
`)
	m, _ := r.hello("127.0.0.1:0/inet")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	require.Equal(t, "554 5.7.1 <bob@example.test>: Recipient address rejected: not bob today", m.say("RCPT TO:<bob@example.test>", "5", "2", "4"))
}

// Reloading gives services their parameters anew.
func TestMasterReload(t *testing.T) {
	r := withMaster(t, "", "127.0.0.1:0 inet n - y - - smtpd\n  -o smtpd_client_restrictions=permit\n")
	m, _ := r.hello("127.0.0.1:0/inet")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	require.NoError(t, os.WriteFile(r.dir+"/master.cf", []byte("127.0.0.1:0 inet n - y - - smtpd\n  -o { smtpd_client_restrictions = permit }\n  -o smtpd_recipient_restrictions=reject\n"), 0o600))
	r.s.Reload()
	m.say("RSET", "250 ")
	m.say("MAIL FROM:<s@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "554 5.7.1 <alice@example.test>: Recipient address rejected: Access denied")
	require.NoError(t, os.WriteFile(r.dir+"/master.cf", []byte("127.0.0.1:0 inet n - y - - smtpd\n  -o smtpd_recipient_restrictions=rejekt\n"), 0o600))
	r.s.Reload()
	r.logged(`warning: .*master\.cf, line 1: smtpd_recipient_restrictions: `)
}

// What master.cf says wrong is told with its line, and nothing starts.
func TestMasterMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"x inet n - - - - qmqpd":                                                          `master.cf, line 1: there is no program "qmqpd" here; take the line out, or name the service in master_service_disable`,
		"nosuchport inet n - - - - smtpd":                                                 `master.cf, line 1: ":nosuchport": "nosuchport" is neither a port from 0 to 65535 nor a service's name`,
		"\n127.0.0.1:0 inet n - - - - smtpd -o smtpd_timeout=x":                           `master.cf, line 2: smtpd_timeout: "x" is not a time: a whole number and s, m, h, d or w`,
		"127.0.0.1:0 inet n - - - - smtpd\np unix - - - - - pipe":                         "master.cf, line 2: needs user=NAME, and not root: the command sees what strangers send",
		"127.0.0.1:0 inet n - - - - smtpd\np unix - - - - - pipe user=x argv=/x $foo":     `master.cf, line 2: "$foo": there is no macro "foo" for a command; write $$ for a dollar sign`,
		"127.0.0.1:0 inet n - - - - smtpd\np unix - - - - - pipe user=x flags=Dz argv=/x": `master.cf, line 2: flags=Dz: there is no flag 'z'`,
		"127.0.0.1:0 inet n - - - - smtpd -o smtpd_relay_restrictions=permit_mynetworks":  "master.cf, line 1: smtpd_relay_restrictions: everybody could send anywhere through this server: add reject_unauth_destination",
	} {
		dir := t.TempDir()
		users(t, dir, "alice:{PLAIN}secret\n")
		require.NoError(t, os.WriteFile(dir+"/main.cf", []byte(strings.Join(base(dir)[:7], "\n")), 0o600))
		require.NoError(t, os.WriteFile(dir+"/master.cf", []byte(text), 0o600))
		c, err := config.Load(config.Options{File: dir + "/main.cf"})
		if err == nil {
			_, err = server.Open(c, server.Options{})
		}
		require.EqualError(t, err, dir+"/"+want, text)
	}
}
