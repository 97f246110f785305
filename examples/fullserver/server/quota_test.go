package server_test

import (
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// The user's own rule comes first, then the address's, then the domain's, then everybody's; a full mailbox is said at once.
func TestQuotaRules(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "own@example.test:{PLAIN}x::::::userdb_quota_rule=*:storage=40k\naddress@example.test:{PLAIN}x\nother@example.test:{PLAIN}x\nx@free.test:{PLAIN}x\nx@usual.test:{PLAIN}x\n")
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), "virtual_mailbox_domains=example.test free.test usual.test", "quota_rule=*:messages=1",
		"quota_rule_maps=inline:{ {address@example.test = *:bytes=20000}, {@example.test = *:storage=10}, {@free.test = *:ignore} }")...)
	body := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 100) // 7.6 kB
	for to, want := range map[string]int{"own@example.test": 5, "address@example.test": 2, "other@example.test": 1, "x@usual.test": 1, "x@free.test": 8} {
		n := 0
		for ; n < 8; n++ {
			if reply := r.send("s@far.test", to, body); !strings.Contains(reply, "250 2.0.0 Ok") {
				require.Contains(t, reply, "552 5.2.2 ", to)
				break
			}
		}
		require.Equal(t, want, n, to)
	}
}

// All of a domain's mailboxes share its limit; another domain's have room. A recipient who is full is refused when he is named, where the size is known or
// the limit is reached; his address and his domain's quota root say why.
func TestDomainQuota(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "a@example.test:{PLAIN}x\nb@example.test:{PLAIN}x\na@other.test:{PLAIN}x\n")
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), "virtual_mailbox_domains=example.test other.test", "domain_quota_rule=*:storage=1M", "domain_quota_rule_maps=inline:{example.test=*:bytes=20480}",
		"virtual_alias_maps=inline:{ {list@example.test = a@example.test, a@other.test} }")...)
	body := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 100) // 7.6 kB
	require.Contains(t, r.send("s@far.test", "a@example.test", body), "250 2.0.0 Ok")
	require.Contains(t, r.send("s@far.test", "b@example.test", body), "250 2.0.0 Ok")
	require.Contains(t, r.send("s@far.test", "a@example.test", body), "552 5.2.2 ")
	require.Contains(t, r.send("s@far.test", "a@other.test", body), "250 2.0.0 Ok")

	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<s@far.test> SIZE=7700", "250 ")
	require.Equal(t, "552 5.2.2 <b@example.test>: Recipient address rejected: Mailbox is full", m.say("RCPT TO:<b@example.test>", "250 ", "4", "5"))
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<a@other.test>", "250 ", "4", "5"))
	require.Equal(t, "250 2.1.5 Ok", m.say("RCPT TO:<list@example.test>", "250 ", "4", "5"), "those who have room get theirs")
	m.say("QUIT", "221 ")
	r.logged(`NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: 552 5\.2\.2 <b@example\.test>: Recipient address rejected: Mailbox is full; from=<s@far\.test> to=<b@example\.test>`)

	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN a@example.test x", "a OK")
	require.Contains(t, i.say("b GETQUOTAROOT INBOX", "b OK"), `* QUOTA "Domain quota" (STORAGE 16 20)`)
	i.say("c SELECT INBOX", "c OK")
	i.say("d STORE 1:* +FLAGS.SILENT (\\Deleted)", "d OK")
	i.say("e EXPUNGE", "e OK")
	require.Contains(t, r.send("s@far.test", "b@example.test", body), "250 2.0.0 Ok", "what one removes is room for another")
}

// quota_full_tempfail: senders come again.
func TestFullForNow(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "a@example.test:{PLAIN}x\n")
	r := &running{t: t, dir: dir}
	r.run(append(base(dir), "quota_rule=*:bytes=10000", "quota_full_tempfail=yes")...)
	body := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 100)
	require.Contains(t, r.send("s@far.test", "a@example.test", body), "250 2.0.0 Ok")
	require.Contains(t, r.send("s@far.test", "a@example.test", body), "452 4.2.2 ")
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO c.test", "250 ")
	m.say("MAIL FROM:<s@far.test> SIZE=7700", "250 ")
	require.Equal(t, "452 4.2.2 <a@example.test>: Recipient address rejected: Mailbox is full", m.say("RCPT TO:<a@example.test>", "250 ", "4", "5"))
	m.say("QUIT", "221 ")
}

// A limit that isn't one is told at the start.
func TestDomainQuotaMistake(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "a@example.test:{PLAIN}x\n")
	_, err := server.Open(load(t, append(base(dir), "domain_quota_rule=*:users=4")...), server.Options{})
	require.ErrorContains(t, err, `domain_quota_rule: "users=4" is no limit of a domain`)
}
