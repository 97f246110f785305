package server_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/examples/fullserver/server"
)

// Whatever keeps it from starting is one line that names the place, and no port stays open.
func TestOpenFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, tt := range map[string]struct{ lines, want string }{
		"port":       {"imap_listen = " + taken.Addr().String(), "main.cf, line 5: imap_listen: " + taken.Addr().String() + ": address already in use"},
		"address":    {"imap_listen = 192.0.2.1:143", "main.cf, line 5: imap_listen: 192.0.2.1:143: cannot assign requested address"},
		"file there": {"lmtp_listen = unix:$data_directory/users", "main.cf, line 5: lmtp_listen: unix:DIR/users: is there already and no socket"},
		"no folder":  {"lmtp_listen = unix:$data_directory/no/where", "main.cf, line 5: lmtp_listen: unix:DIR/no/where: no such file or directory"},
		"users":      {"passwd_file = $data_directory/none", "main.cf, line 5: passwd_file: DIR/none: no such file"},
		"bad users":  {"passwd_file = $data_directory/twice", "main.cf, line 5: passwd_file: DIR/twice, line 2: a@example.test stands on line 1 already"},
		"log":        {"maillog_file = $data_directory/users/log", "main.cf, line 5: maillog_file: mkdir DIR/users: not a directory"},
		"cert":       {"smtpd_tls_cert_file = $data_directory/none", "main.cf, line 5: smtpd_tls_cert_file: no such file"},
		"bad cert":   {"smtpd_tls_cert_file = $data_directory/users", "main.cf, line 5: smtpd_tls_cert_file: DIR/users: tls: failed to find any PEM data in certificate input"},
		"no cert":    {"smtpd_tls_cert_file =\nimaps_listen = 127.0.0.1:0", "main.cf, line 6: imaps_listen: needs a certificate, and smtpd_tls_cert_file is empty"},
		"queue":      {"queue_directory = $data_directory/users/queue", "main.cf, line 5: queue_directory: mkdir DIR/users: not a directory"},
		"mbox":       {"mail_location = mbox:~/mail", "main.cf, line 5: mail_location: must be maildir:PATH; other formats are not supported"},
		"options":    {"mail_location = maildir:~/Maildir:LAYOUT=fs:INDEX=/x", `main.cf, line 5: mail_location: the option "INDEX=/x" is not supported; there are LAYOUT=fs, LAYOUT=maildir++ and UTF-8`},
		"all in one": {"mail_location = maildir:/var/mail/%d", "main.cf, line 5: mail_location: is the same for every user; it needs %u, %n or %h"},
		"variable":   {"mail_location = maildir:/var/mail/%x", "main.cf, line 5: mail_location: %x is not a variable; there are %u %n %d %h and %%"},
		"percent":    {"mail_location = maildir:/var/mail/%u%", "main.cf, line 5: mail_location: ends with a lone %"},
		"backoff":    {"minimal_backoff_time = 2h", "main.cf, line 5: minimal_backoff_time: is greater than maximal_backoff_time"},
		"unique-ids": {"pop3_uidl_format = %v", `main.cf, line 5: pop3_uidl_format: pop3: UIDLFormat "%v": all messages would have the same unique-id`},
		"level":      {"zlib_save = gz\nzlib_save_level = 22", "main.cf, line 6: zlib_save_level: is 9 at most for gz"},
		"quota":      {"quota_rule = 1G", `main.cf, line 5: quota_rule: "1G" must begin with *: and a limit, like *:storage=1G`},
		"quota size": {"quota_rule = *:storage=many", `main.cf, line 5: quota_rule: "many" is no size like 500M or 2G`},
		"quota what": {"quota_rule = *:files=1", `main.cf, line 5: quota_rule: "files=1" is no limit: there are storage=, bytes=, messages= and ignore`},
		"expire":     {"autoexpunge = Trash", "main.cf, line 5: autoexpunge: \"Trash\" is not a mailbox, a time, and perhaps a number"},
		"expire 4":   {"autoexpunge = Trash 30 2 1", "main.cf, line 5: autoexpunge: \"Trash 30 2 1\" is not a mailbox, a time, and perhaps a number"},
		"expire few": {"autoexpunge = Junk 1d, Trash 30d few", "main.cf, line 5: autoexpunge: \"Trash 30d few\": \"few\" is no number of messages"},
		"expire 0":   {"autoexpunge = Trash 0", "main.cf, line 5: autoexpunge: \"Trash 0\" lets everything stay"},
		"capability": {"imap_capability = IDLE", "main.cf, line 5: imap_capability: \"IDLE\" must begin with - or +: what is announced follows from what the server can do"},
		"no IMAP":    {"imaps_capability = -imap4REV1", "main.cf, line 5: imaps_capability: imap4REV1 can't be taken away"},
		"no name":    {"imap_capability = -", "main.cf, line 5: imap_capability: \"-\" names no capability"},
		"relayhost":  {"relayhost = [smart.test", "main.cf, line 5: relayhost: missing ']'"},
		"relay port": {"relayhost = [smart.test]:99999", "main.cf, line 5: relayhost: has no valid port"},
		"relay junk": {"relayhost = [smart.test]587", "main.cf, line 5: relayhost: what follows ']' must be ':' and a port"},
		"relay url":  {"relayhost = a@smart.test", "main.cf, line 5: relayhost: is not of the form domain, host:port or [host]:port"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			users(t, dir, "alice:{PLAIN}x\n")
			require.NoError(t, os.WriteFile(dir+"/twice", []byte("a:{PLAIN}x\na:{PLAIN}x\n"), 0o600))
			free := freePort(t)
			file := filepath.Join(t.TempDir(), "main.cf")
			require.NoError(t, os.WriteFile(file, []byte("myhostname = mail.example.test\nmydomain = example.test\ndata_directory = "+dir+"\nsmtp_listen = "+free+"\n"+tt.lines+"\n"), 0o600))
			c, err := config.Load(config.Options{File: file})
			require.NoError(t, err)
			var out bytes.Buffer
			_, err = server.Open(c, server.Options{Stderr: &out})
			require.Error(t, err)
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), dir, "DIR"), filepath.Dir(file)+"/", "")
			require.Equal(t, tt.want, got)
			_, err = net.Dial("tcp", free)
			require.Error(t, err, "half started")
		})
	}
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestNothingToServe(t *testing.T) {
	_, err := server.Open(load(t, "data_directory="+t.TempDir()), server.Options{})
	require.ErrorContains(t, err, "nothing to serve: set smtp_listen")
}

// A server that was opened and never served gives everything back.
func TestOpenAndClose(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}x\n")
	for range 2 {
		s, err := server.Open(load(t, base(dir)...), server.Options{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
}

// A socket that a killed server left behind is no reason not to start.
func TestLeftoverSocket(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}x\n")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/lmtp", Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	s, err := server.Open(load(t, base(dir)...), server.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// %h is the home directory of passwd_file; names keep their case out of folders.
func TestMailLocations(t *testing.T) {
	for location, want := range map[string]string{
		"maildir:~/Maildir": "home/Maildir/new", "maildir:%h/mail": "home/mail/new",
		"maildir:$data_directory/v/%d/%n": "v/example.test/alice/new", "maildir:$data_directory/%Lu/100%%": "alice@example.test/100%/new",
	} {
		r := &running{t: t, dir: t.TempDir()}
		users(t, r.dir, "Alice:{PLAIN}secret::::"+r.dir+"/home\n")
		r.run(append(base(r.dir), "mail_location="+location)...)
		m := r.dial("smtp_listen")
		m.until("220 ")
		m.say("HELO c.test", "250 ")
		require.Contains(t, m.mail("ALICE@example.test"), "250 2.0.0")
		_, err := os.Stat(filepath.Join(r.dir, want))
		require.NoError(t, err, location)
		r.end()
	}
}

// Mailboxes lie as mail_location says, and other programs are told of it.
func TestLayouts(t *testing.T) {
	for options, want := range map[string]string{"": "mail/alice/.a\\2eb.Th&AbA-/cur", ":LAYOUT=maildir++": "mail/alice/.a\\2eb.Th&AbA-/cur", ":LAYOUT=fs": "mail/alice/a.b/Th&AbA-/cur", ":LAYOUT=fs:UTF-8": "mail/alice/a.b/Thư/cur"} {
		r := start(t, "mail_location=maildir:$data_directory/mail/%n"+options)
		i := r.dial("imap_listen")
		i.until("* OK")
		i.say("a LOGIN alice secret", "a OK")
		i.say(`b CREATE "a.b/Th&AbA-"`, "b OK")
		require.DirExists(t, filepath.Join(r.dir, want), options)
		var out, said bytes.Buffer
		status, err := queuecmd.Call(t.Context(), filepath.Join(r.dir, queuecmd.SocketName), "doveadm", []string{"user", "-f", "mail", "alice"}, strings.NewReader(""), &out, &said)
		require.NoError(t, err)
		require.Zero(t, status, said.String())
		require.Equal(t, "maildir:"+r.dir+"/mail/alice"+strings.TrimSuffix(options, ":LAYOUT=maildir++")+"\n", out.String())
		r.end()
	}
}

// Two domains in two lists are the operator's to mend, and the log's to tell.
func TestNotesGoToTheLog(t *testing.T) {
	r := start(t, "mydestination=example.test")
	r.logged(`warning: do not list domain example\.test in BOTH mydestination and virtual_mailbox_domains`)
}

// Without a certificate the rest works, and TLS is not offered.
func TestWithoutTLS(t *testing.T) {
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\n")
	r := &running{t: t, dir: dir}
	r.run("data_directory="+dir, "mydomain=example.test", "myhostname=m.example.test", "smtpd_tls_cert_file=", "smtp_listen=127.0.0.1:0", "imap_listen=127.0.0.1:0",
		"maillog_file="+dir+"/mail.log")
	m := r.dial("smtp_listen")
	m.until("220 ")
	require.NotContains(t, m.say("EHLO c.test", "250 "), "STARTTLS")
	i := r.dial("imap_listen")
	require.NotContains(t, i.until("* OK"), "STARTTLS")
	i.say("a LOGIN alice secret", "a OK")
}
