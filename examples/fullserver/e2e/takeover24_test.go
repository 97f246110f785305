package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/peers"
)

// conf24 is dovecot.conf of pairFiles, as Debian 13 has it.
const conf24 = `dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain login
auth_failure_delay = 0
log_path = /var/log/dovecot.log
mail_driver = maildir
mail_path = ~/Maildir
mail_uid = vmail
mail_gid = vmail
mail_fsync = never
mail_max_userip_connections = 50
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb passwd-file {
  passwd_file_path = /etc/dovecot/users
  fields {
    uid = vmail
    gid = vmail
    home = $D/vmail/%{user | domain}/%{user | username}
  }
}
` + mailboxesAndSockets

// TestTakeOver24: a pair with Debian 13's Dovecot 2.4 that runs is taken over, and given back: mbsync and fetchmail see nothing new either time, and passwords, keywords and subscriptions stay.
func TestTakeOver24(t *testing.T) {
	m := makePair(t, peers.Installed24, conf24)
	require.True(t, strings.HasPrefix(m.run("dovecot", "--version"), "2.4."))
	pairUsers, pairMessages, _ := sizes()
	imap, pop := m.reader(0, "mbsync"), m.reader(pairUsers/2, "fetchmail")
	added, _ := imap.mbsync()
	require.Equal(t, pairMessages, added)
	imap.flagged(1)
	imap.mbsync()
	imap.sameAsBefore("with Dovecot")
	require.NotZero(t, pop.fetchmail())
	require.Zero(t, pop.fetchmail())
	work := func(doveadm func(...string) string, n int, flag string) {
		doveadm("flags", "add", "-u", "u0@an.example", flag, "mailbox", "INBOX", "header", "message-id", fmt.Sprintf("<0.%d@b.example>", n))
	}
	theirs := func(args ...string) string { return m.run("doveadm", args...) }
	ours := func(args ...string) string { return m.fullserver(append([]string{"doveadm"}, args...)...) }
	work(theirs, 3, "$Work")
	theirs("mailbox", "create", "-s", "-u", "u0@an.example", "Thư.mới")
	// What each mailbox is to a client.
	status := func(doveadm func(...string) string, mailbox string) string {
		lines := strings.Split(strings.TrimSpace(doveadm("-f", "tab", "mailbox", "status", "-u", "u0@an.example", "uidvalidity uidnext messages", mailbox)), "\n")
		_, numbers, _ := strings.Cut(lines[len(lines)-1], "\t")
		return numbers
	}
	imap.mbsync()
	inbox, lists, thư := status(theirs, "INBOX"), status(theirs, "Lists.go"), status(theirs, "Thư.mới")

	out := m.take("-check", "-all")
	require.NotContains(t, out, "Blocks")
	require.Contains(t, out, fmt.Sprintf("the mailboxes of %d are where Dovecot says; %d have mail", pairUsers, pairUsers))
	before := m.state(t)
	t.Log(m.take("-take-over", "-drain", "5s"))
	require.Equal(t, before, m.state(t), "nothing of the pair's configuration is changed")
	imap.sameAsBefore("after the take-over")
	require.Zero(t, pop.fetchmail(), "after the take-over")
	require.Equal(t, []string{inbox, lists, thư}, []string{status(ours, "INBOX"), status(ours, "Lists/go"), status(ours, "Thư/mới")})
	require.Contains(t, ours("fetch", "-u", "u0@an.example", "flags", "mailbox", "INBOX", "header", "message-id", "<0.3@b.example>"), "$Work")
	require.Contains(t, ours("mailbox", "list", "-s", "-u", "u0@an.example"), "Thư/mới")
	for u := range min(pairUsers, 7) { // every form of password
		m.run("curl", "-sS", "imap://127.0.0.1/", "-u", fmt.Sprintf("u%d@an.example:secret%d", u, u))
	}
	_, err := m.try("", "curl", "-sS", "imap://127.0.0.1/", "-u", "u0@an.example:secret1")
	require.Error(t, err, "another's password")

	work(ours, 5, "$Later")
	work(ours, 5, `\Flagged`)
	ours("mailbox", "subscribe", "-u", "u0@an.example", "INBOX")
	m.give("Subject: arrived later\nFrom: x@b.example\nMessage-ID: <later@b.example>\n\nnew\n", binary, "-c", m.Dir+"/out/main.cf", "sendmail", "-f", "x@b.example", "u0@an.example")
	eventually(t, time.Minute, func() error {
		if got := strings.Fields(ours("search", "-u", "u0@an.example", "header", "message-id", "<later@b.example>")); len(got) != 2 {
			return fmt.Errorf("u0 has %q", got)
		}
		return nil
	})
	added, changed := imap.mbsync()
	require.Equal(t, []int{1, 1}, []int{added, changed})

	t.Log(m.take("-give-back", "-drain", "5s"))
	require.Equal(t, before, m.state(t))
	imap.sameAsBefore("after the way back")
	require.Zero(t, pop.fetchmail(), "after the way back")
	require.Equal(t, `$Later \Flagged \Seen`, m.flags(0, 5))
	require.Contains(t, m.flags(0, 3), "$Work")
	subscribed := strings.Fields(theirs("mailbox", "list", "-s", "-u", "u0@an.example"))
	slices.Sort(subscribed)
	require.Equal(t, []string{"INBOX", "Lists.go", "Thư.mới"}, subscribed)
	log, err := os.ReadFile(filepath.Join(m.Dir, "ns/log/dovecot.log"))
	require.NoError(t, err)
	for line := range strings.Lines(string(log)) {
		require.NotContains(t, line, "Error: ", "what Dovecot finds wrong")
	}
}
