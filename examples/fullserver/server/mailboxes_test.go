package server_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// settled waits for what a log says became of mail for a recipient: the enhanced code, the status and why.
func settled(t *testing.T, log func() string, to string) string {
	t.Helper()
	re := regexp.MustCompile(`to=<` + regexp.QuoteMeta(to) + `>.* dsn=(\S+), status=(.*)`)
	what := ""
	require.Eventually(t, func() bool {
		if m := re.FindStringSubmatch(log()); m != nil {
			what = m[1] + " " + m[2]
		}
		return what != ""
	}, time.Minute, 20*time.Millisecond, "%s in %s", to, "the log")
	return what
}

// TestMailboxParametersArePostfixs: mailbox_transport_maps, mailbox_command_maps, mailbox_command, fallback_transport_maps and fallback_transport do with each user's mail what
// Postfix's local(8) does, in this order, and the log says it with the same words.
func TestMailboxParametersArePostfixs(t *testing.T) {
	dir, err := os.MkdirTemp("", "mailboxes") // where those commands may write that aren't the server's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	const cf = `compatibility_level = 3.6
myhostname = mail.example.test
mydomain = example.test
mydestination = localhost, mail.example.test
local_recipient_maps =
alias_maps =
recipient_delimiter = +
default_privs = nobody
mailbox_transport_maps = inline:{ {daemon = error:5.2.1 not for daemons}, {sync = discard:}, {ghost = error:5.1.3 ghosts are elsewhere} }
mailbox_command_maps = texthash:WHERE/commands
mailbox_command = echo $USER >> WHERE/others
fallback_transport_maps = inline:{ {stranger = error:5.1.6 moved away}, {bounced = retry:4.2.2 full} }
fallback_transport = error:5.1.1 nobody has heard of him
`
	accounts := []string{"daemon", "sync", "games", "news", "man", "mail"}
	strangers := []string{"ghost", "stranger", "unknown", "bounced", "Stranger+x"}

	play := func(where string, smtp string, log func() string) (out map[string]string, files string) {
		out = map[string]string{}
		for _, to := range append(accounts, strangers...) {
			to += map[bool]string{true: "+ext"}[to == "games"] + "@localhost"
			reply := speak(smtp, "EHLO c.test|MAIL FROM:<>|RCPT TO:<"+to+">|DATA|Subject: x\r\n\r\nthe body\r\n.")
			require.Contains(t, reply[len(reply)-1], "250 2.0.0 Ok", to)
			out[to] = strings.NewReplacer(where, "WHERE", " )", ")").Replace(settled(t, log, to)) // the end of a line of output is no blank here
		}
		games, _ := os.ReadFile(where + "/games")
		require.Contains(t, string(games), "Delivered-To: games+ext@localhost")
		require.Contains(t, string(games), "the body")
		others, _ := os.ReadFile(where + "/others")
		first, _, _ := strings.Cut(string(games), "\n")
		return out, first + "\n" + string(others)
	}
	in := func(name string) string {
		sub := dir + "/" + name
		require.NoError(t, os.Mkdir(sub, 0o777))
		require.NoError(t, os.Chmod(sub, 0o777))
		require.NoError(t, os.WriteFile(sub+"/commands", []byte("games echo own $USER.$EXTENSION.$DOMAIN >> "+sub+"/games; cat >> "+sub+"/games\nnews exit 67\nmail echo so; exit 75\n"), 0o644))
		return sub
	}
	a, b := in("theirs"), in("ours")
	m := peers.Postfix(t, strings.ReplaceAll(cf, "WHERE", a)+"header_checks =\n", nil)
	theirs, theirFiles := play(a, m.SMTP, func() string { b, _ := os.ReadFile(m.Dir + "/maillog"); return string(b) })

	users(t, dir, strings.Join(accounts, "@localhost:{PLAIN}x\n")+"@localhost:{PLAIN}x\n")
	r := &running{t: t, dir: dir}
	params := base(dir)
	for line := range strings.Lines(strings.ReplaceAll(cf, "WHERE", b)) {
		params = append(params, strings.TrimSuffix(line, "\n"))
	}
	r.run(params...)
	ours, ourFiles := play(b, r.s.Addrs("smtp_listen")[0].String(), r.log)
	for to, want := range theirs {
		t.Logf("%s: %s", to, want)
		require.Equal(t, want, ours[to], to)
	}
	require.Equal(t, theirFiles, ourFiles)
}
