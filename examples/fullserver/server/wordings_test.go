package server_test

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// What clients say may be taken for something else, and what refuses them may have a footer, as with Debian's Postfix; the log has the reply without.
func TestWordings(t *testing.T) {
	params := `compatibility_level = 3.6
myhostname = mail.example.test
mydestination = example.test
local_recipient_maps = inline:{alice=ok}
smtpd_banner = $myhostname ESMTP
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = reject_unauth_destination
smtpd_helo_required = yes
smtpd_error_sleep_time = 0
smtpd_command_filter = regexp:{ {/^HELO[[:space:]]*$$/ HELO domain.invalid}, {/^[[:space:]]*$$/ NOOP}, {/^(RCPT TO:<)'([^']*)'(>.*)/ $$1$$2$$3} }
smtpd_reject_footer = \n\cCall 1-800. time ($localtime) client (${client_address}) port $client_port server ($server_name)\nsecond line
smtpd_reject_footer_maps = regexp:{ {/5.5.1/ \c. Read the RFC.}, {/Relay/ For $$$$client_address on its own line} }
`
	lines := []string{"", "MAIL FROM:<s@example.test>", "HELO", "MAIL FROM:<s@example.test>", "RCPT TO:<'alice@example.test'>", "RCPT TO:<bob@example.test>", "RCPT TO:<x@elsewhere.test>", "DATA x", "FOO", "RCPT TO:<bob@example.test>", "QUIT"}
	for _, footer := range []string{`\cCall 1-800. time ($localtime) client (${client_address}) port $client_port server ($server_name)\nsecond line`, `Call\n$client_address`} {
		p := strings.Replace(params, `\n\cCall 1-800. time ($localtime) client (${client_address}) port $client_port server ($server_name)\nsecond line`, footer, 1)
		pf := peers.Postfix(t, p, nil)
		r := withMaster(t, p+"virtual_mailbox_domains =\n", "127.0.0.1:0 inet n - n - - smtpd -o smtpd_peername_lookup=no -o smtpd_sender_restrictions=\n")
		say := func(addr string) string {
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
			got := strings.Join(newTypist(t, c).scene(&scene{lines: lines}), "\n")
			got = regexp.MustCompile(`time \([^)]*\)`).ReplaceAllString(got, "time")
			return regexp.MustCompile(`port \d+`).ReplaceAllString(got, "port")
		}
		theirs := say(pf.SMTP)
		if testing.Verbose() {
			t.Log(theirs)
		}
		require.Equal(t, theirs, say(r.s.Addrs("127.0.0.1:0/inet")[0].String()))
		r.logged(`: replacing command "RCPT TO:<'alice@example\.test'>" with "RCPT TO:<alice@example\.test>"\n`)
		r.logged(`550 5\.1\.1 <bob@example\.test>: Recipient address rejected: User unknown in local recipient table; from=`)
	}
}
