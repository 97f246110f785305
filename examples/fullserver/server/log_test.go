package server_test

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// How SMTP connections end, in the words of Postfix's log.
func TestEndsInTheLog(t *testing.T) {
	r := start(t, "smtpd_hard_error_limit=3", "smtpd_timeout=1s")
	lost := r.dial("smtp_listen")
	lost.until("220 ")
	lost.c.Close()
	r.logged(`postfix/smtpd\[\d+\]: lost connection after CONNECT from localhost\[127\.0\.0\.1\]\n.*postfix/smtpd\[\d+\]: disconnect from localhost\[127\.0\.0\.1\] commands=0\n`)

	within := r.dial("smtp_listen")
	within.until("220 ")
	within.say("EHLO c.test", "250 ")
	within.say("MAIL FROM:<s@far.test>", "250 ")
	within.say("RCPT TO:<alice@example.test>", "250 ")
	within.say("DATA", "354 ")
	_, err := io.WriteString(within.c, "Subject: half\r\n")
	require.NoError(t, err)
	within.c.Close()
	r.logged(`lost connection after DATA \(\d+ bytes\) from localhost\[127\.0\.0\.1\]\n`)

	silent := r.dial("smtp_listen")
	silent.until("220 ")
	silent.say("EHLO c.test", "250 ")
	silent.until("421 4.4.2 mail.example.test Error: timeout exceeded")
	r.logged(`timeout after EHLO from localhost\[127\.0\.0\.1\]\n`)

	wrong := r.dial("smtp_listen")
	wrong.until("220 ")
	for range 2 {
		wrong.say("FROB", "502 ", "500 ")
	}
	wrong.say("FROB", "421 4.7.0 mail.example.test Error: too many errors")
	r.logged(`too many errors after \S+ from localhost\[127\.0\.0\.1\]\n`)

	eager := r.dial("smtp_listen")
	eager.until("220 ")
	eager.say("EHLO c.test\r\nMAIL FROM:<a@b.test>", "554 5.5.0 Error: SMTP protocol synchronization")
	r.logged(`improper command pipelining after \S+ from localhost\[127\.0\.0\.1\]`)

	scanner := r.dial("smtp_listen")
	scanner.until("220 ")
	scanner.say("EHLO c.test", "250 ")
	scanner.say("STARTTLS", "220 ")
	require.Error(t, tls.Client(scanner.c, &tls.Config{ServerName: "mail.example.test"}).Handshake(), "nobody has signed it")
	r.logged(`SSL_accept error from localhost\[127\.0\.0\.1\]: `)
}

// Refusals of policy are told with everything that was known; mistakes in the protocol are only counted.
func TestRefusalsInTheLog(t *testing.T) {
	r := start(t, "mynetworks=192.0.2.0/24", "message_size_limit=1000")
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("HELO c.test", "250 ")
	m.say("RCPT TO:<alice@example.test>", "503 ")
	m.say("MAIL FROM:<>", "250 ")
	m.say("RCPT TO:<x@far.test>", "554 ")
	m.say("RCPT TO:<nobody@example.test>", "550 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	m.say("DATA", "354 ")
	m.say(base64.StdEncoding.EncodeToString(make([]byte, 1500))+"\r\n.", "552 5.3.4 ")
	r.logged(`postfix/smtpd\[\d+\]: NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: 554 5\.7\.1 <x@far\.test>: Relay access denied; from=<> to=<x@far\.test> proto=SMTP helo=<c\.test>\n`)
	r.logged(`NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: 550 5\.1\.1 <nobody@example\.test>: Recipient address rejected: User unknown in virtual mailbox table; from=<> to=<nobody@example\.test> proto=SMTP helo=<c\.test>\n`)
	r.logged(`NOQUEUE: reject: END-OF-MESSAGE from localhost\[127\.0\.0\.1\]: 552 5\.3\.4 Error: message file too big; from=<> to=<alice@example\.test> proto=SMTP helo=<c\.test>\n`)
	require.NotContains(t, r.log(), "503")
}
