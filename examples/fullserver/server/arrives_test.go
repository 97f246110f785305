package server_test

import (
	"fmt"
	"net"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// routed is a main.cf whose mail all goes to one server elsewhere: through aliases, virtual aliases, canonical maps and copies.
const routed = `compatibility_level = 3.6
myhostname = mail.example.test
mydomain = example.test
myorigin = mail.example.test
mydestination = localhost, mail.example.test
virtual_alias_domains = alias.test
virtual_alias_maps = inline:{ {one@alias.test = a@far.test}, {two@alias.test = a@far.test b@far.test, c@far.test}, {@catch.test = caught@far.test}, {mixed@alias.test = list@localhost x@far.test}, {same@alias.test = a@far.test A@far.test a@far.test}, {bare@alias.test = bare}, {bare@mail.example.test = bare@far.test} }
relay_domains = relay.test, catch.test
canonical_maps = inline:{ {old@far.test = new@far.test} }
sender_canonical_maps = inline:{ {sold@far.test = snew@far.test} }
recipient_canonical_maps = inline:{ {rold@far.test = rnew@far.test} }
masquerade_domains = masq.test
smtp_generic_maps = inline:{ {local@mail.example.test = generic@isp.test}, {@internal.test = @isp.test} }
sender_bcc_maps = inline:{ {watched@far.test = watcher@far.test} }
recipient_bcc_maps = inline:{ {seen@far.test = watcher@far.test} }
recipient_delimiter = +
local_header_rewrite_clients = static:all
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_banner = $myhostname ESMTP
`

const routedAliases = `list: a@far.test, b@far.test
owner-list: owner@far.test
nested: list, c@far.test
outer: nested, d@far.test
owner-outer: outerowner@far.test
single: a@far.test
quoted: "q q"@far.test
named: Some Body <named@far.test>, (comment) other@far.test
twice: a@far.test, A@far.test, a@far.test
ext+special: special@far.test
ext: plain@far.test
local: list@localhost, one@alias.test
`

// arrivals are what a server elsewhere got, a line a recipient: which message, from whom, to whom, and the addresses in its header.
func arrivals(f *smtptest.Server) []string {
	var out []string
	for _, m := range f.Messages() {
		head, _, _ := strings.Cut(string(m.Data), "\r\n\r\n")
		var fields []string
		for line := range strings.SplitSeq(head, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			if slices.Contains([]string{"From", "To", "Cc", "Subject", "Delivered-To", "Reply-To"}, name) {
				fields = append(fields, strings.ReplaceAll(line, "> (", ">(")) // Postfix writes a field that it changes anew
			}
		}
		for _, r := range m.Recipients {
			out = append(out, fmt.Sprintf("%s -> %s %s", m.From, r.Address, strings.Join(fields, "; ")))
		}
	}
	sort.Strings(out)
	return out
}

// TestArrivesWherePostfixs: with the same main.cf and aliases, the same messages arrive at the same recipients from the same senders with the same
// addresses in their headers as with Debian's Postfix. An alias that leads back to itself is left out: Postfix tells the sender that there is no such
// user, here everybody whom it names has got the message, and that is all.
func TestArrivesWherePostfixs(t *testing.T) {
	theirs, ours := smtptest.NewServer(t), smtptest.NewServer(t)
	hop := func(f *smtptest.Server) string {
		host, port, err := net.SplitHostPort(f.Addr())
		require.NoError(t, err)
		return "[" + host + "]:" + port
	}
	m := peers.Postfix(t, routed+"alias_maps = texthash:$D/aliasmap\nlocal_recipient_maps = $alias_maps\nrelayhost = "+hop(theirs)+"\nsmtp_tls_security_level = none\n", map[string]string{"aliasmap": strings.ReplaceAll(routedAliases, ": ", " ")})
	params := []string{"alias_maps=texthash:" + file(t, "aliases", routedAliases), "relayhost=" + hop(ours), "smtp_tls_security_level=none", "smtpd_tls_security_level=none"}
	for line := range strings.Lines(routed) {
		params = append(params, strings.TrimSuffix(line, "\n"))
	}
	r := start(t, params...)
	addr := r.s.Addrs("smtp_listen")[0].String()
	n := 0
	for _, to := range []string{"one@alias.test", "ONE+x@alias.test", "two@alias.test", "any@catch.test", "any+x@catch.test", "mixed@alias.test", "same@alias.test", "bare@alias.test", "old@far.test", "old+x@far.test", "rold@far.test", "sold@far.test", "x@sub.masq.test", "seen@far.test",
		"list@localhost", "List+x@localhost", "nested@localhost", "outer@localhost", "single@localhost", "quoted@localhost", "named@localhost", "twice@localhost", "ext+special@localhost", "ext+other@localhost", "local@localhost", "x@internal.test", "plain@far.test",
		"x%far.test", "far.test!x", "x%far.test@localhost", "owner-list@localhost"} {
		for _, from := range []string{"s@far.test", "", "sold@far.test", "old+y@far.test", "s@sub.masq.test", "watched@far.test", "local", "u@internal.test"}[:2+n%7] {
			text := "From: Me <" + strings.ReplaceAll(from, "@", ".") + "x@sub.masq.test>, bare\r\nTo: <" + to + ">\r\nCc: old@far.test, \"Old\" <rold@far.test> (sold@far.test)\r\nReply-To: local@mail.example.test\r\nSubject: " + fmt.Sprint(n) + "\r\n\r\nx\r\n."
			for _, a := range []string{m.SMTP, addr} {
				replies := speak(a, "EHLO c.test|MAIL FROM:<"+from+">|RCPT TO:<"+to+">|DATA|"+text+"|QUIT")
				require.Contains(t, replies[len(replies)-2], "250 2.0.0 Ok", "%s to %s: %q", from, to, replies)
			}
			n++
		}
	}
	same := func() bool { return slices.Equal(arrivals(theirs), arrivals(ours)) && len(arrivals(ours)) > n }
	// They may be the same while the last messages are still on their way at both: they have to stay so for a while.
	for steady, deadline := 0, time.Now().Add(60*time.Second); steady < 30 && time.Now().Before(deadline); steady++ {
		if !same() {
			steady = -1
		}
		<-time.After(50 * time.Millisecond)
	}
	a, b := arrivals(theirs), arrivals(ours)
	t.Logf("%d messages, %d arrivals", n, len(a))
	for _, x := range a {
		if i, found := slices.BinarySearch(b, x); found {
			b = slices.Delete(b, i, i+1)
			continue
		}
		t.Errorf("only with Postfix: %s", x)
	}
	for _, x := range b {
		t.Errorf("only here: %s", x)
	}
}
