package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Restrictions work from main.cf to the mailbox: what access tables refuse, and what else they have done.
func TestRestrictions(t *testing.T) {
	r := start(t, "smtpd_client_restrictions=check_helo_access inline:{ { bad.test = REJECT 5.7.9 We know you } }",
		"smtpd_sender_restrictions=check_sender_access inline:{ { a@far.test = PREPEND X-Seen: yes }, { b@far.test = DISCARD }, { c@far.test = REDIRECT bob@example.test }, { d@far.test = strict } }, warn_if_reject reject_non_fqdn_sender",
		"smtpd_restriction_classes=strict", "strict=check_recipient_access inline:{ { bob@example.test = OK } }, reject",
		"smtpd_data_restrictions=reject_multi_recipient_bounce", "smtpd_end_of_data_restrictions=check_sender_access inline:{ { e@far.test = DEFER come again } }")
	m := r.dial("smtp_listen")
	m.until("220 ")
	m.say("EHLO bad.test", "250 ")
	m.say("MAIL FROM:<a@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "554 5.7.9 <bad.test>: Helo command rejected: We know you")
	m.say("EHLO good.test", "250 ")
	send := func(from, to, want string) {
		m.say("MAIL FROM:<"+from+">", "250 ")
		m.say("RCPT TO:<"+to+">", "250 ")
		m.say("DATA", "354 ")
		m.say("Subject: from "+from+"\r\n\r\nx\r\n.", want)
	}
	send("a@far.test", "alice@example.test", "250 2.0.0 Ok")
	send("b@far.test", "alice@example.test", "250 2.0.0 Ok")
	send("c@far.test", "alice@example.test", "250 2.0.0 Ok")
	send("d@far.test", "bob@example.test", "250 2.0.0 Ok")
	send("e@far.test", "alice@example.test", "450 4.7.1 <e@far.test>: Sender address rejected: come again")
	send("x", "alice@example.test", "250 2.0.0 Ok")
	m.say("MAIL FROM:<d@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "554 5.7.1 <d@far.test>: Sender address rejected: Access denied")
	m.say("RSET", "250 ")
	m.say("MAIL FROM:<>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	m.say("RCPT TO:<bob@example.test>", "250 ")
	m.say("DATA", "550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce")
	m.say("RSET", "250 ")
	m.say("MAIL FROM:<>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "250 ")
	m.say("RCPT TO:<nobody@example.test>", "550 ")
	m.say("VRFY bob@example.test", "252 ")
	m.say("DATA", "354 ") // neither who doesn't exist nor who was only asked about is a second recipient
	m.say("Subject: from nobody\r\n\r\nx\r\n.", "250 2.0.0 Ok")
	m.say("QUIT", "221 ")
	r.logged(`postfix/smtpd\[\d+\]: NOQUEUE: reject_warning: RCPT from localhost\[127\.0\.0\.1\]: 504 5\.5\.2 <x>: Sender address rejected: need fully-qualified address; from=<x> to=<alice@example\.test> proto=ESMTP helo=<good\.test>\n`)

	for user, want := range map[string][]string{"alice secret": {"from a@far.test", "from x"}, "bob@example.test geheim": {"from c@far.test", "from d@far.test"}} {
		i := r.dial("imap_listen")
		i.until("* OK")
		i.say("a LOGIN "+user, "a OK")
		i.say("b SELECT INBOX", "b OK")
		got := i.say("c FETCH 1:* BODY.PEEK[]", "c OK")
		for _, w := range want {
			require.Contains(t, got, "Subject: "+w)
		}
		require.NotContains(t, got, "from b@far.test")
		require.NotContains(t, got, "from e@far.test")
		if user == "alice secret" {
			require.Contains(t, got, "X-Seen: yes\n")
		}
	}
}
