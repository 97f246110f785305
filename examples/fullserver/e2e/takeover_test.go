package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// installed is a machine with Debian's pair, as an admin of a small company has it.
type installed struct {
	*peers.Machine
	t *testing.T
}

// sizes are how many users there are, how many messages each has, and how many read by mbsync, and by fetchmail: with -soak the whole of a small company.
func sizes() (users, messages, readers int) {
	if *soak > 0 {
		return 50, 200, 20
	}
	return 10, 40, 2
}

// mailboxesAndSockets is the part of dovecot.conf that 2.3 and 2.4 have alike.
const mailboxesAndSockets = `namespace inbox {
  inbox = yes
  mailbox Trash {
    special_use = \Trash
    autoexpunge = 30 days
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0666
  }
}
`

var pairFiles = map[string]string{
	"postfix/main.cf": `compatibility_level = 3.6
myhostname = mail.an.example
mydestination =
inet_interfaces = loopback-only
maillog_file = /var/log/mail.log
virtual_mailbox_domains = an.example
virtual_alias_maps = hash:/etc/postfix/virtual
virtual_transport = lmtp:unix:private/dovecot-lmtp
transport_maps = hash:$config_directory/transport
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_peername_lookup = no
`,
	"postfix/virtual":   "info@an.example u1@an.example, u2@an.example\n",
	"postfix/transport": "late.example smtp:[127.0.0.1]:2525\n",
	"dovecot/dovecot.conf": `protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
log_path = /var/log/dovecot.log
mail_location = maildir:~/Maildir
mail_uid = vmail
mail_gid = vmail
mail_fsync = never
mail_max_userip_connections = 50
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = passwd-file
  args = /etc/dovecot/users
  override_fields = uid=vmail gid=vmail home=$D/vmail/%d/%n
}
` + mailboxesAndSockets,
}

// run runs a program on the machine, which must end well.
func (m *installed) run(name string, args ...string) string {
	m.t.Helper()
	out, err := m.try("", name, args...)
	require.NoError(m.t, err, "%s %q\n%s", name, args, out)
	return out
}

func (m *installed) try(stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	return m.Run(ctx, strings.NewReader(stdin), name, args...)
}

// give runs a program with something on its standard input.
func (m *installed) give(stdin, name string, args ...string) {
	m.t.Helper()
	out, err := m.try(stdin, name, args...)
	require.NoError(m.t, err, "%s %q\n%s", name, args, out)
}

// fullserver runs a command on the configuration that was imported.
func (m *installed) fullserver(args ...string) string {
	m.t.Helper()
	return m.run(binary, append([]string{"-c", m.Dir + "/out/main.cf"}, args...)...)
}

func (m *installed) take(args ...string) string {
	m.t.Helper()
	return m.run(binary, append([]string{"import", "postfix-dovecot", "-out", m.Dir + "/out", "-data", m.Dir + "/data"}, args...)...)
}

// stored is a user's password as the pair has it, in one form after the other.
func stored(t *testing.T, user int) string {
	schemes := []string{"SHA512-CRYPT", "BLF-CRYPT", "SSHA256"}
	if user >= 2*len(schemes) {
		return fmt.Sprintf("{PLAIN}secret%d", user)
	}
	return strings.TrimSpace(run(t, nil, "doveadm", "pw", "-s", schemes[user%len(schemes)], "-p", fmt.Sprintf("secret%d", user)))
}

// makePair makes the machine, its users and their mail, and starts both servers. conf is dovecot.conf.
func makePair(t *testing.T, machine func(peers.TB, map[string]string) *peers.Machine, conf string) *installed {
	need(t, "mbsync", "fetchmail", "smtp-sink", "postfix", "dovecot")
	files := map[string]string{}
	pairUsers, pairMessages, _ := sizes()
	var users strings.Builder
	for i := range pairUsers {
		fmt.Fprintf(&users, "u%d@an.example:%s::::::\n", i, stored(t, i))
	}
	for name, text := range pairFiles {
		files[name] = text
	}
	files["dovecot/users"], files["dovecot/dovecot.conf"] = users.String(), conf
	master, err := os.ReadFile("/usr/share/postfix/master.cf.dist")
	require.NoError(t, err)
	files["postfix/master.cf"] = string(master)
	m := &installed{machine(t, files), t}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, log := range []string{"ns/log/mail.log", "ns/log/dovecot.log", "out/fullserver.log"} {
			b, _ := os.ReadFile(filepath.Join(m.Dir, log))
			t.Logf("%s:\n%s", log, b[max(0, len(b)-4000):])
		}
	})
	when := time.Now().Add(-30 * 24 * time.Hour)
	for u := range pairUsers {
		home := fmt.Sprintf("%s/vmail/an.example/u%d/Maildir", m.Dir, u)
		for _, folder := range []string{"", ".Lists.go"} {
			for _, sub := range []string{"new", "cur", "tmp"} {
				require.NoError(t, os.MkdirAll(filepath.Join(home, folder, sub), 0o700))
			}
		}
		require.NoError(t, os.WriteFile(home+"/.Lists.go/maildirfolder", nil, 0o600))
		require.NoError(t, os.WriteFile(home+"/subscriptions", []byte("V\t2\n\nLists\tgo\n"), 0o600))
		for n := range pairMessages {
			folder, flags := "", "S"
			if n%4 == 0 {
				folder = ".Lists.go"
			}
			if n%7 == 0 {
				flags = "FRS"
			}
			text := fmt.Sprintf("From: a@b.example\r\nTo: u%d@an.example\r\nSubject: message %d\r\nMessage-ID: <%d.%d@b.example>\r\nDate: %s\r\n\r\nText %d of %d.\r\n", u, n, u, n, when.Format(time.RFC1123Z), n, u)
			text = strings.ReplaceAll(text, "\r\n", "\n")
			name := fmt.Sprintf("%s/%s/cur/%d.M%dP1.old,S=%d:2,%s", home, folder, when.Unix()+int64(n), n, len(text), flags)
			require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		}
	}
	m.run("chown", "-R", "vmail:vmail", m.Dir+"/vmail")
	m.run("postmap", "/etc/postfix/virtual", "/etc/postfix/transport")
	m.run("postfix", "start") // it makes the folders of the sockets
	m.run("dovecot")
	m.run("doveadm", "index", "-A", "*")
	return m
}

// mailReader is a program that keeps a copy of somebody's mail.
type mailReader struct {
	m    *installed
	user int
	dir  string
}

func (m *installed) reader(user int, kind string) *mailReader {
	r := &mailReader{m, user, fmt.Sprintf("%s/%s%d", m.Dir, kind, user)}
	require.NoError(m.t, os.MkdirAll(r.dir+"/mail", 0o700))
	return r
}

// mbsync synchronises in both directions and returns how many messages the local copy has more, and how many have other flags than before or are gone.
func (r *mailReader) mbsync() (added, changed int) {
	r.m.t.Helper()
	before := r.copies()
	r.synchronise()
	after := r.copies()
	name := func(file string) string { return strings.Split(filepath.Base(file), ":2,")[0] }
	had, has := map[string]bool{}, map[string]bool{}
	for f := range before {
		had[name(f)] = true
	}
	for f := range after {
		if has[name(f)] = true; !strings.Contains(f, "/cur/") && !strings.Contains(f, "/new/") {
			continue
		}
		if !had[name(f)] {
			added++
		} else if _, same := before[f]; !same {
			changed++
		}
	}
	for n := range had {
		if !has[n] {
			changed++
		}
	}
	return added, changed
}

// copies are all files of the local copy: messages, with their flags in their names, and what mbsync knows of both sides' UIDs.
func (r *mailReader) copies() map[string]string {
	r.m.t.Helper()
	files := map[string]string{}
	require.NoError(r.m.t, filepath.WalkDir(r.dir+"/mail", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var b []byte
			b, err = os.ReadFile(path)
			files[path] = string(b)
		}
		return err
	}))
	return files
}

func (r *mailReader) synchronise() {
	r.m.t.Helper()
	rc := r.dir + "/rc"
	require.NoError(r.m.t, os.WriteFile(rc, fmt.Appendf(nil, `IMAPAccount a
Host 127.0.0.1
User u%[1]d@an.example
Pass secret%[1]d
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path %[2]s/mail/
Inbox %[2]s/mail/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns *
Create Near
Sync All
SyncState *
`, r.user, r.dir), 0o600))
	r.m.run("mbsync", "-c", rc, "c")
}

// sameAsBefore wants mbsync to have nothing to do, on either side: no message, flag, UID or UIDVALIDITY is another than it knows.
func (r *mailReader) sameAsBefore(when string) {
	r.m.t.Helper()
	before := r.copies()
	r.synchronise()
	require.Equal(r.m.t, before, r.copies(), "u%d %s", r.user, when)
}

// fetchmail fetches by POP3 what it has not had yet, and leaves it there. It returns how many that were.
func (r *mailReader) fetchmail() int {
	r.m.t.Helper()
	rc, box := r.dir+"/rc", r.dir+"/box"
	require.NoError(r.m.t, os.WriteFile(rc, fmt.Appendf(nil, "poll 127.0.0.1 protocol pop3 uidl username \"u%[1]d@an.example\" password \"secret%[1]d\" keep sslproto '' mda \"cat >> %[2]s\"\n", r.user, box), 0o600))
	before, _ := os.ReadFile(box)
	out, err := r.m.try("", "fetchmail", "--nosyslog", "--nodetach", "--norewrite", "-f", rc, "-i", r.dir+"/ids", "--pidfile", r.dir+"/pid")
	if err != nil {
		require.Contains(r.m.t, err.Error(), "exit status 1", "1 is: nothing new\n%s", out)
	}
	after, _ := os.ReadFile(box)
	return bytes.Count(after, []byte("\nMessage-ID: ")) - bytes.Count(before, []byte("\nMessage-ID: "))
}

// flagged sets a flag on one of the local copies and returns its subject.
func (r *mailReader) flagged(n int) {
	r.m.t.Helper()
	file := r.local(n)
	require.NoError(r.m.t, os.Rename(file, strings.TrimSuffix(file, "S")+"FS"))
}

// local is the file of a message.
func (r *mailReader) local(n int) string {
	r.m.t.Helper()
	found := ""
	_ = filepath.WalkDir(r.dir+"/mail", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(path, "/cur/") {
			b, _ := os.ReadFile(path)
			if bytes.Contains(b, fmt.Appendf(nil, "\nSubject: message %d\n", n)) {
				found = path
			}
		}
		return nil
	})
	require.NotEmpty(r.m.t, found, "message %d of u%d", n, r.user)
	return found
}

// TestTakeOverAndBack: an installed Debian pair with its users and their mail (50 with 10,000 messages under -soak), and what waits in its queue, is taken over by one command and given back by
// another; those who read by mbsync and fetchmail see nothing new either time, and what was changed in between.
func TestTakeOverAndBack(t *testing.T) {
	m := makePair(t, peers.Installed, pairFiles["dovecot/dovecot.conf"])
	mark := func(what string) { t.Logf("%v %s", time.Now().Format("05.0"), what) }
	mark("the pair runs")
	pairUsers, pairMessages, readers := sizes()
	var imap, pop []*mailReader
	for u := range readers {
		imap = append(imap, m.reader(u, "mbsync"))
		pop = append(pop, m.reader(pairUsers/2+u, "fetchmail"))
	}
	inbox := 0
	for n := range pairMessages {
		if n%4 != 0 {
			inbox++
		}
	}
	for _, r := range imap {
		added, _ := r.mbsync()
		require.Equal(t, pairMessages, added)
		r.flagged(1)
		r.mbsync()
		r.sameAsBefore("with Dovecot")
	}
	for _, r := range pop {
		require.Equal(t, inbox, r.fetchmail())
		require.Zero(t, r.fetchmail())
	}
	mark("clients have read")

	// In the queue: one that nobody takes yet, one on hold, and one that somebody has got already.
	got := fmt.Sprintf("u%d@an.example", pairUsers-1)
	m.give("Subject: late\n\ntext é\n.\nend\n", "sendmail", "-i", "-f", "sender@b.example", "-N", "failure", "-V", "env1", "--", "one@late.example", "two@late.example", got)
	m.give("Subject: null\n\nreport\n", "sendmail", "-i", "-f", "<>", "--", "three@late.example")
	eventually(t, time.Minute, func() error { return m.waits(t, "deferred", 2) })
	m.give("Subject: held\n\nheld\n", "sendmail", "-i", "-f", "sender@b.example", "--", "four@late.example")
	eventually(t, time.Minute, func() error { return m.waits(t, "deferred", 3) })
	id := regexp.MustCompile(`"queue_id": "(\w+)"[^\n]*four@late`).FindStringSubmatch(m.run("postqueue", "-j"))
	require.NotNil(t, id)
	m.run("postsuper", "-h", id[1])

	times := arrivals(m.run("postqueue", "-j"))
	require.Len(t, times, 3)
	before := m.state(t)
	m.brokenTakeOver(t)
	require.Equal(t, before, m.state(t), "nothing of the pair's configuration is changed")
	mark("taken over, and back, by half")
	out := m.take("-take-over", "-n")
	require.Contains(t, out, "would stop Postfix")
	out = m.take("-take-over", "-drain", "5s")
	t.Log(out)
	require.Contains(t, out, "3 moved")
	mark("taken over")
	require.Equal(t, before, m.state(t), "nothing of the pair's configuration is changed")

	for _, r := range imap {
		r.sameAsBefore("after the take-over")
	}
	for _, r := range pop {
		require.Zero(t, r.fetchmail(), "u%d after the take-over", r.user)
	}
	mark("clients have looked")
	queue := m.fullserver("postqueue", "-j")
	for _, want := range []string{"one@late.example", "two@late.example", "three@late.example", `"queue_name":"hold"`, "four@late.example"} {
		require.Contains(t, queue, want)
	}
	require.NotContains(t, queue, got, "who has got it")
	now := arrivals(queue)
	require.Len(t, now, 3)
	require.Equal(t, times, now, "also of the one that was given back in between")
	_, err := m.try("", "curl", "-sS", "imap://127.0.0.1/", "-u", "u0@an.example:secret1")
	require.Error(t, err, "another's password")

	// A program that still has Postfix's sendmail.
	m.give("Subject: still there\nFrom: x@b.example\nMessage-ID: <still@b.example>\n\nnew\n", "sendmail", "-i", "-f", "x@b.example", "--", "u4@an.example")
	require.Contains(t, m.take("-take-over"), "1 more")
	require.NotContains(t, m.take("-take-over"), "more, that")

	// Somebody works with it: flags and keywords both ways, a new folder, a subscription, new mail, mail that waits.
	imap[0].flagged(2)
	imap[0].mbsync()
	m.fullserver("doveadm", "flags", "add", "-u", "u0@an.example", `\Flagged`, "mailbox", "INBOX", "header", "message-id", "<0.3@b.example>")
	m.fullserver("doveadm", "flags", "add", "-u", "u0@an.example", `$Work`, "mailbox", "INBOX", "header", "message-id", "<0.3@b.example>")
	m.fullserver("doveadm", "mailbox", "create", "-s", "-u", "u0@an.example", "Projects/mail")
	m.give("Subject: arrived later\nFrom: x@b.example\nMessage-ID: <later@b.example>\n\nnew\n", binary, "-c", m.Dir+"/out/main.cf", "sendmail", "-f", "x@b.example", "info@an.example")
	m.give("Subject: from ours\n\nwaits\n", binary, "-c", m.Dir+"/out/main.cf", "sendmail", "-f", "x@b.example", "five@late.example")
	arrived := func(user, id string) {
		eventually(t, time.Minute, func() error {
			if got := strings.Fields(m.fullserver("doveadm", "search", "-u", user, "header", "message-id", id)); len(got) != 2 {
				return fmt.Errorf("%s has %q", user, got)
			}
			return nil
		})
	}
	arrived("u1@an.example", "<later@b.example>")
	arrived("u2@an.example", "<later@b.example>")
	arrived("u4@an.example", "<still@b.example>")
	added, changed := imap[0].mbsync()
	require.Equal(t, []int{0, 1}, []int{added, changed}, "the flag that was set on the server")
	require.Contains(t, filepath.Base(imap[0].local(3)), "F")
	added, changed = imap[1].mbsync()
	require.Equal(t, []int{1, 0}, []int{added, changed}, "what has come")

	for _, r := range imap[2:] {
		r.mbsync()
	}

	m.take("-give-back", "-n")
	out = m.take("-give-back", "-drain", "5s")
	t.Log(out)
	mark("given back")
	require.Equal(t, before, m.state(t))
	for _, r := range imap {
		r.sameAsBefore("after the way back")
	}
	for _, r := range pop {
		require.Zero(t, r.fetchmail(), "u%d after the way back", r.user)
	}
	require.Equal(t, `$Work \Flagged \Seen`, m.flags(0, 3))
	require.Contains(t, m.flags(0, 2), `\Flagged`)
	require.Contains(t, m.flags(0, 1), `\Flagged`)
	subscribed := strings.Fields(m.run("doveadm", "mailbox", "list", "-s", "-u", "u0@an.example"))
	slices.Sort(subscribed)
	require.Equal(t, []string{"Lists.go", "Projects.mail"}, subscribed)
	mark("clients have looked")

	// What waited on both sides goes out.
	eventually(t, time.Minute, func() error { return m.waits(t, "deferred", 3) })
	now = arrivals(m.run("postqueue", "-j"))
	for _, who := range []string{"one", "three"} {
		require.Equal(t, times[who], now[who], "%s keeps the time of its arrival", who)
	}
	sink := m.Dir + "/sink"
	require.NoError(t, os.Mkdir(sink, 0o777))
	require.NoError(t, os.Chmod(sink, 0o777))
	m.run("sh", "-c", "smtp-sink -u nobody -d "+sink+"/%M. 127.0.0.1:2525 10 >/dev/null 2>&1 &")
	eventually(t, time.Minute, func() error {
		m.run("postqueue", "-f")
		if left := m.run("postqueue", "-j"); left != "" {
			return fmt.Errorf("in Postfix's queue: %s", left)
		}
		return nil
	})
	var sent strings.Builder
	files, _ := filepath.Glob(sink + "/*")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		sent.Write(b)
	}
	for who, times := range map[string]int{"one": 1, "two": 1, "three": 1, "four": 0, "five": 1} {
		require.Equal(t, times, strings.Count(sent.String(), "X-Rcpt-Args: <"+who+"@late.example>"), "%s\n%s", who, sent.String())
	}
	require.Contains(t, sent.String(), "text é\n.\nend\n")
	require.Contains(t, sent.String(), "X-Mail-Args: <>")
	held := m.fullserver("postqueue", "-j")
	require.Equal(t, 1, strings.Count(held, "queue_id"), held)
	require.Contains(t, held, "four@late.example")
}

// brokenTakeOver begins a take-over in which postsuper removes one message from Postfix's queue and fails then: all of them are Postfix's again, once, and the
// pair runs.
func (m *installed) brokenTakeOver(t *testing.T) {
	dir := m.Dir + "/broken"
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(dir+"/postsuper", []byte("#!/bin/sh\nread id\n[ -e "+dir+"/once ] || echo $id | /usr/sbin/postsuper \"$@\"\ntouch "+dir+"/once\nexit 1\n"), 0o755))
	out, err := m.try("", "env", "PATH="+dir+":"+os.Getenv("PATH")+":/usr/sbin", binary, "import", "postfix-dovecot", "-out", m.Dir+"/out", "-data", m.Dir+"/data", "-take-over", "-drain", "5s")
	t.Log(out)
	require.Error(t, err)
	require.Contains(t, out, "2 messages could not be removed")
	require.Contains(t, out, "1 moved")
	m.run("postfix", "status")
	eventually(t, time.Minute, func() error { return m.waits(t, "deferred", 2) })
	require.NoError(t, m.waits(t, "hold", 1))
	for _, who := range []string{"one", "two", "three", "four"} {
		require.Equal(t, 1, strings.Count(m.run("postqueue", "-j"), who+"@late.example"), who)
	}
}

// arrivals are when messages have arrived, by what their first recipients' names begin with, in what postqueue -j prints, ours or Postfix's.
func arrivals(text string) map[string]string {
	out := map[string]string{}
	for _, x := range regexp.MustCompile(`"arrival_time": ?(\d+)[^\n]*?"address": ?"(\w+)@late`).FindAllStringSubmatch(text, -1) {
		out[x[2]] = x[1]
	}
	return out
}

// waits wants so many messages in a state of Postfix's queue.
func (m *installed) waits(t *testing.T, state string, n int) error {
	if got := strings.Count(m.run("postqueue", "-j"), `"queue_name": "`+state+`"`); got != n {
		return fmt.Errorf("%d messages are %s", got, state)
	}
	return nil
}

// flags are those that Dovecot has for a message.
func (m *installed) flags(user, n int) string {
	m.t.Helper()
	out := m.run("doveadm", "-f", "tab", "fetch", "-u", fmt.Sprintf("u%d@an.example", user), "flags", "mailbox", "INBOX", "header", "message-id", fmt.Sprintf("<%d.%d@b.example>", user, n))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(m.t, lines, 2, out)
	flags := strings.Fields(lines[1])
	slices.Sort(flags)
	return strings.Join(flags, " ")
}

// state is the pair's configuration.
func (m *installed) state(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(m.Dir+"/ns/etc", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			info, err := d.Info()
			require.NoError(t, err)
			out[path] = info.ModTime().String() + string(b)
		}
		return err
	}))
	return out
}
