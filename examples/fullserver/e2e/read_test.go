package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readFolder returns what lies in the files of a folder.
func readFolder(t *testing.T, dir string) (out [][]byte) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		if e.Type().IsRegular() {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			out = append(out, b)
		}
	}
	return out
}

func readMaildir(t *testing.T, s *server, user int) (out [][]byte) {
	for _, b := range s.maildir(fmt.Sprintf("u%d", user)) {
		out = append(out, crlf(b))
	}
	return out
}

func readPython(program string, addr func(*server) string) func(*testing.T, *server, int) [][]byte {
	return func(t *testing.T, s *server, user int) [][]byte {
		dir := t.TempDir()
		python(t, program, addr(s), fmt.Sprintf("u%d@example.test", user), fmt.Sprintf("secret%d", user), dir)
		return readFolder(t, dir)
	}
}

// readCurlIMAP asks for each message by its UID, which curl does with FETCH uid BODY[].
func readCurlIMAP(t *testing.T, s *server, user int) (out [][]byte) {
	login := fmt.Sprintf("u%d@example.test:secret%d", user, user)
	list := run(t, nil, "curl", "-sS", "-u", login, "imap://"+s.imap+"/INBOX", "-X", "UID SEARCH ALL")
	for _, uid := range strings.Fields(strings.TrimPrefix(strings.TrimSpace(list), "* SEARCH")) {
		file := filepath.Join(t.TempDir(), "m")
		run(t, nil, "curl", "-sS", "-u", login, "-o", file, "imap://"+s.imap+"/INBOX;UID="+uid)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		out = append(out, b)
	}
	return out
}

func readCurlPOP3(t *testing.T, s *server, user int) (out [][]byte) {
	login := fmt.Sprintf("u%d@example.test:secret%d", user, user)
	for line := range strings.Lines(run(t, nil, "curl", "-sS", "-u", login, "pop3://"+s.pop3+"/")) {
		n := strings.Fields(line)[0]
		file := filepath.Join(t.TempDir(), "m")
		run(t, nil, "curl", "-sS", "-u", login, "-o", file, "pop3://"+s.pop3+"/"+n)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		out = append(out, b)
	}
	return out
}

// readMpop has mpop keep the mail on the server and file it in a Maildir of its own.
func readMpop(t *testing.T, s *server, user int) (out [][]byte) {
	dir := t.TempDir()
	for _, d := range []string{"/m/tmp", "/m/new", "/m/cur"} {
		require.NoError(t, os.MkdirAll(dir+d, 0o700))
	}
	conf := dir + "/mpoprc"
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `account default
host 127.0.0.1
port %s
user u%d@example.test
password secret%d
auth user
keep on
received_header off
uidls_file %s/uidls
delivery maildir %s/m
`, port(s.pop3), user, user, dir, dir), 0o600))
	run(t, nil, "mpop", "-C", conf)
	for _, b := range readFolder(t, dir+"/m/new") {
		out = append(out, crlf(b))
	}
	return out
}

var tuid = regexp.MustCompile(`(?m)^X-TUID: [^\r\n]*\r?\n`)

// readMbsync mirrors the mailbox into a Maildir, as people do who keep their mail on a laptop.
func readMbsync(t *testing.T, s *server, user int) (out [][]byte) {
	dir := t.TempDir()
	conf := dir + "/mbsyncrc"
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `FSync no

IMAPAccount s
Host 127.0.0.1
Port %s
User u%d@example.test
Pass secret%d
SSLType None
AuthMechs LOGIN

IMAPStore far
Account s

MaildirStore near
Path %s/
Inbox %s/inbox
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState %s/
`, port(s.imap), user, user, dir, dir, dir), 0o600))
	run(t, nil, "mbsync", "-c", conf, "c")
	run(t, nil, "mbsync", "-c", conf, "c") // a second run finds nothing to do
	for _, sub := range []string{"new", "cur"} {
		for _, b := range readFolder(t, dir+"/inbox/"+sub) {
			out = append(out, crlf(tuid.ReplaceAll(b, nil)))
		}
	}
	return out
}

// readers take a user's letters out of a server, each with another program, and leave them there. exact tells of those that
// hand out what they got; fetchmail and mutt are judged apart, since they edit.
var readers = []struct {
	program, by, what string
	read              func(t *testing.T, s *server, user int) [][]byte
}{
	{"", "file", "the Maildir itself", readMaildir},
	{"python3", "IMAP", "imaplib", readPython("fetch_imap.py", func(s *server) string { return s.imap })},
	{"python3", "POP3", "poplib", readPython("fetch_pop3.py", func(s *server) string { return s.pop3 })},
	{"curl", "IMAP", "curl by IMAP", readCurlIMAP},
	{"curl", "POP3", "curl by POP3", readCurlPOP3},
	{"mpop", "POP3", "mpop", readMpop},
	{"mbsync", "IMAP", "mbsync", readMbsync},
}

// readFetchmail gets a user's mail by POP3 and returns what fetchmail handed on, which has fields of its own added.
func readFetchmail(t *testing.T, s *server, user int) [][]byte {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/got", 0o700))
	mda := dir + "/mda"
	require.NoError(t, os.WriteFile(mda, fmt.Appendf(nil, "#!/bin/sh\nexec cat > \"$(mktemp %s/got/XXXXXXXX)\"\n", dir), 0o700))
	conf := dir + "/fetchmailrc"
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `set no bouncemail
poll 127.0.0.1 protocol pop3 port %s no envelope
  user "u%d@example.test" password "secret%d" is root here keep fetchall no rewrite sslproto ""
  mda %q
`, port(s.pop3), user, user, mda), 0o600))
	run(t, nil, "fetchmail", "-f", conf, "--invisible", "--idfile", dir+"/ids", "--pidfile", dir+"/pid", "--nosyslog")
	return readFolder(t, dir+"/got")
}

// readMutt opens the INBOX with mutt on a terminal of its own and has it save all messages into an mbox file, of which it
// returns the bodies' X-Corpus fields.
func readMutt(t *testing.T, s *server, user int) []byte {
	dir := t.TempDir()
	rc, box := dir+"/muttrc", dir+"/saved"
	require.NoError(t, os.WriteFile(rc, fmt.Appendf(nil, `set imap_user="u%d@example.test"
set imap_pass="secret%d"
set imap_authenticators="login"
set ssl_starttls=no
set ssl_force_tls=no
set folder=%q
set mbox_type=mbox
set confirmappend=no
set confirmcreate=no
set copy=no
set quit=yes
set wait_key=no
push '<tag-pattern>~A<enter><tag-prefix><copy-message>%s<enter><exit>'
`, user, user, dir, box), 0o600)) // without folder mutt asks whether to make one, and takes the next key for the answer
	out := run(t, nil, "script", "-qec", "mutt -n -F "+rc+" -f imap://"+s.imap+"/INBOX", "/dev/null")
	b, err := os.ReadFile(box)
	require.NoError(t, err, "%s", out)
	return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
}
