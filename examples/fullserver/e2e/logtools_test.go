package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLogTools: what administrators have reading their logs reads ours: pflogsumm counts what came, went and was refused, and fail2ban's own filters for postfix
// and dovecot find who guesses passwords and who tries to relay.
func TestLogTools(t *testing.T) {
	need(t, "pflogsumm", "fail2ban-regex")
	far := newCatcher(t)
	s := start(t, 2, append(elsewhere, "relayhost", bracketed(far.addr))...)
	send := func(from, to, want string) {
		d := dial(t, s.smtp)
		d.smtp("")
		d.smtp("EHLO client.example.org")
		d.smtp("MAIL FROM:<" + from + ">")
		reply := d.smtp("RCPT TO:<" + to + ">")
		require.Regexp(t, want, reply)
		if reply[0] == '2' {
			d.smtp("DATA")
			require.Regexp(t, `^250 `, d.smtp("Subject: x\r\n\r\nx\r\n."))
		}
		d.smtp("QUIT")
	}
	for range 5 {
		send("a@example.org", "u0@example.test", `^250 `)
	}
	for range 3 {
		send("a@example.org", "b@elsewhere.test", `^554 5\.7\.1 .*Relay access denied`)
	}
	send("a@example.org", "nobody@example.test", `^550 5\.1\.1 `)
	d := dialIMAP(t, s)
	require.Contains(t, d.imap("LOGIN u1@example.test wrong"), "t NO")
	d.imap("LOGOUT")
	p := dial(t, s.pop3)
	p.line()
	p.pop3("USER u1@example.test")
	require.Regexp(t, `^-ERR`, p.pop3("PASS wrong"))
	p.pop3("QUIT")
	b := dial(t, s.submission)
	b.smtp("")
	b.smtp("EHLO client.example.org")
	require.Regexp(t, `^535 `, b.smtp("AUTH PLAIN AHUwQGV4YW1wbGUudGVzdAB3cm9uZw==")) // u0@example.test, wrong
	b.smtp("QUIT")
	eventually(t, time.Minute, func() error { return match(`pop3-login: Disconnected.*`, s.log()) })
	s.stop()

	sum := run(t, nil, "pflogsumm", s.dir+"/mail.log")
	for what, n := range map[string]int{"received": 5, "delivered": 5, "rejected": 4, "deferred": 0, "bounced": 0} {
		require.Regexp(t, fmt.Sprintf(`(?m)^\s+%d\s+%s`, n, what), sum)
	}
	require.Regexp(t, `Relay access denied \(total: 3\)`, sum)
	hits := regexp.MustCompile(`Failregex: (\d+) total`)
	for filter, least := range map[string]int{"postfix": 3, "postfix[mode=auth]": 1, "dovecot": 2} {
		out := run(t, nil, "fail2ban-regex", s.dir+"/mail.log", filter)
		m := hits.FindStringSubmatch(out)
		require.NotNil(t, m, out)
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, least, "%s\n%s\n%s", filter, out, s.log())
	}
	out := run(t, nil, "fail2ban-regex", "-v", s.dir+"/mail.log", "dovecot")
	require.Contains(t, out, "127.0.0.1", "whom to ban")
}
