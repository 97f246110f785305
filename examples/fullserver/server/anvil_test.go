package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smtpd_client_*_limit, by service, with Postfix's answers and log lines; smtpd_client_event_limit_exceptions are not counted.
func TestClientLimits(t *testing.T) {
	r := withMaster(t, `smtpd_client_event_limit_exceptions = 127.0.0.8
smtpd_client_message_rate_limit = 1
smtpd_client_connection_count_limit = 2
smtpd_error_sleep_time = 0
smtpd_junk_command_limit = 3
smtpd_hard_error_limit = 2
`, `127.0.0.1:0 inet n - y - - smtpd
127.0.0.2:0 inet n - y - - smtpd
  -o smtpd_client_message_rate_limit=0
  -o smtpd_client_auth_rate_limit=1
`)
	m, _ := r.hello("127.0.0.1:0/inet")
	m.say("MAIL FROM:<a@c.test>", "250 2.1.0 Ok")
	m.say("RSET", "250 ")
	m.say("MAIL FROM:<a@c.test>", "450 4.7.1 Error: too much mail from 127.0.0.1")
	for range 2 {
		m.say("NOOP", "250 ")
	}
	m.say("NOOP", "250 ", "421 4.7.0 mail.example.test Error: too many errors")
	r.logged(`postfix/smtpd\[\d+\]: warning: Message delivery request rate limit exceeded: 2 from localhost\[127.0.0.1\] for service 127.0.0.1:0\n`)
	require.NotContains(t, r.log(), "NOQUEUE: reject: MAIL")

	m, _ = r.hello("127.0.0.2:0/inet")
	for range 3 {
		m.say("MAIL FROM:<a@c.test>", "250 2.1.0 Ok")
		m.say("RSET", "250 ")
	}
	another, _ := r.hello("127.0.0.2:0/inet")
	r.dial("127.0.0.2:0/inet").until("421 4.7.0 mail.example.test Error: too many connections from 127.0.0.1")
	another.say("STARTTLS", "220 ")
	another.startTLS()
	another.say("EHLO c.test", "250 ")
	another.say("AUTH PLAIN "+plain("alice", "wrong"), "535 ")
	another.say("AUTH PLAIN "+plain("alice", "secret"), "450 4.7.1 Error: too many AUTH commands from 127.0.0.1")
	r.logged(`warning: Connection concurrency limit exceeded: 3 from localhost\[127.0.0.1\] for service 127.0.0.2:0\n`)
	r.end()
	r.logged(`postfix/anvil\[\d+\]: statistics: max connection count 3 for \(127.0.0.2:0:127.0.0.1\) at \w{3} [ \d]\d \d\d:\d\d:\d\d\n`)
	r.logged(`postfix/anvil\[\d+\]: statistics: max auth rate 2/60s for \(127.0.0.2:0:127.0.0.1\) at `)
}

// smtpd_upstream_proxy_protocol, smtpd_authorized_xclient_hosts and smtpd_forbidden_commands.
func TestWhoSpeaksForOthers(t *testing.T) {
	r := withMaster(t, "smtpd_client_connection_count_limit = 1\n", `127.0.0.1:0 inet n - y - - smtpd
  -o smtpd_upstream_proxy_protocol=haproxy
127.0.0.2:0 inet n - y - - smtpd
  -o smtpd_authorized_xclient_hosts=127.0.0.0/8
  -o smtpd_discard_ehlo_keywords=chunking,dsn
`)
	m := r.dial("127.0.0.1:0/inet")
	fmt.Fprint(m.c, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n")
	m.until("220 ")
	hello := m.say("EHLO c.test", "250 ")
	require.NotContains(t, hello, "PLAIN", "a password of somebody far away would cross the network as it is")
	require.Contains(t, hello, "CHUNKING")
	m.say("MAIL FROM:<a@c.test>", "250 ")
	m.say("RCPT TO:<x@elsewhere.test>", "554 5.7.1 <x@elsewhere.test>: Relay access denied")
	another := r.dial("127.0.0.1:0/inet")
	fmt.Fprint(another.c, "PROXY TCP4 192.0.2.7 192.0.2.1 4712 25\r\n")
	another.until("421 4.7.0 mail.example.test Error: too many connections from 192.0.2.7")
	m.say("GET / HTTP/1.1", "221 2.7.0 Error: I can break rules, too. Goodbye.")
	silent := r.dial("127.0.0.1:0/inet")
	require.NoError(t, silent.c.SetDeadline(time.Now().Add(20*time.Second)))
	fmt.Fprint(silent.c, "EHLO c.test\r\n"+"0123456789")
	_, err := silent.r.ReadByte()
	require.Error(t, err, "without the header nothing is said")

	m = r.dial("127.0.0.2:0/inet")
	m.until("220 ")
	hello = m.say("EHLO c.test", "250 ")
	require.Contains(t, hello, "XCLIENT")
	require.NotContains(t, hello, "CHUNKING")
	require.NotContains(t, hello, "DSN")
	m.say("XCLIENT ADDR=192.0.2.9 NAME=far.example", "220 ")
	m.say("EHLO far.example", "250 ")
	m.say("MAIL FROM:<a@c.test>", "250 ")
	m.say("RCPT TO:<x@elsewhere.test>", "554 5.7.1 <x@elsewhere.test>: Relay access denied")
	m.say("Subject: x", "221 2.7.0 Error: I can break rules, too. Goodbye.")
	r.logged(`reject: RCPT from far.example\[192.0.2.9\]: 554 5.7.1 `)
}
