package imapserver_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// subjects returns what is in one of a user's mailboxes, sorted: subjects and flags.
func (f *fixture) subjects(user, box string) (out []string) {
	f.Helper()
	p := f.as(user)
	defer p.Close()
	p.do("s EXAMINE " + box)
	lines, _ := p.try("f FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
	flags := ""
	for _, l := range lines {
		if x := flagsRE.FindStringSubmatch(l); x != nil {
			flags = strings.Join(strings.Fields(strings.ReplaceAll(x[1], `\Recent`, "")), " ")
		}
		if s, ok := strings.CutPrefix(l, "Subject: "); ok {
			out = append(out, strings.TrimSpace(s+" "+flags))
		}
	}
	slices.Sort(out)
	return out
}

// interimap keeps two accounts of ours alike by QRESYNC, with changes on both sides.
func TestInterimap(t *testing.T) {
	interimap := program(t, "interimap")
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: one\n\n1\n", "Subject: two\n\n2\n", "Subject: three\n\n3\n")
	f.add("Lists", "Subject: list\n\nl\n")
	host, port, err := net.SplitHostPort(f.addr)
	require.NoError(t, err)
	dir := t.TempDir()
	side := func(user string) string {
		return fmt.Sprintf("type = imap\nhost = %s\nport = %s\nSTARTTLS = NO\nauth = LOGIN\nusername = %s\npassword = secret\n", host, port, user)
	}
	config := filepath.Join(dir, "config")
	require.NoError(t, os.WriteFile(config, []byte("database = "+dir+"/state.db\n\n[local]\n"+side("alice")+"\n[remote]\n"+side("bob")), 0o600))
	sync := func() {
		t.Helper()
		runProgram(t, "/usr/bin/env", "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, interimap, "--config="+config, "-q")
	}
	same := func(box string, want ...string) {
		t.Helper()
		require.Equal(t, want, f.subjects("alice", box))
		require.Equal(t, want, f.subjects("bob", box))
	}
	sync()
	same("INBOX", "one", "three", "two")
	same("Lists", "list")
	// A flag, a removal and a new message on each side.
	p, q := f.login("INBOX"), f.as("bob")
	p.do(`a STORE 1 +FLAGS (\Flagged)`)
	p.do(`b STORE 2 +FLAGS (\Deleted)`)
	p.do("c EXPUNGE")
	p.do(fixLiteral("d APPEND INBOX {0+}\r\nSubject: by alice\r\n\r\n"))
	q.do("s SELECT INBOX")
	q.do(`a STORE 3 +FLAGS (\Seen $Work)`)
	q.do(fixLiteral("b APPEND Lists {0+}\r\nSubject: by bob\r\n\r\n"))
	sync()
	same("INBOX", "by alice", `one \Flagged`, `three \Seen $Work`)
	same("Lists", "by bob", "list")
	q.do(`c UID STORE 1 +FLAGS (\Deleted)`)
	q.do("d EXPUNGE")
	sync()
	same("INBOX", "by alice", `three \Seen $Work`)
}

// offlineimap keeps a Maildir and the server alike, both ways.
func TestOfflineIMAP(t *testing.T) {
	offlineimap := program(t, "offlineimap")
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: one\n\n1\n", "Subject: two\n\n2\n")
	f.add("Lists/Go", "Subject: list\n\nl\n")
	host, port, err := net.SplitHostPort(f.addr)
	require.NoError(t, err)
	dir := t.TempDir()
	config := filepath.Join(dir, "rc")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `[general]
accounts = a
metadata = %[1]s/meta
ui = quiet
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = %[1]s/mail
[Repository far]
type = IMAP
remotehost = %[2]s
remoteport = %[3]s
remoteuser = alice
remotepass = secret
ssl = no
starttls = no
auth_mechanisms = PLAIN
`, dir, host, port), 0o600))
	sync := func() { t.Helper(); runProgram(t, "/usr/bin/env", "HOME="+dir, offlineimap, "-c", config, "-o") }
	files := func(pattern string) []string {
		got, err := filepath.Glob(filepath.Join(dir, "mail", pattern))
		require.NoError(t, err)
		return got
	}
	sync()
	require.Len(t, append(files("INBOX/cur/*"), files("INBOX/new/*")...), 2)
	require.Len(t, append(files("Lists.Go/cur/*"), files("Lists.Go/new/*")...), 1)
	p := f.login("INBOX")
	p.do(`a STORE 1 +FLAGS (\Flagged \Seen)`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mail/INBOX/cur/1700000000.1.x:2,S"), []byte("Subject: near\n\nHi\n"), 0o600))
	sync()
	require.Len(t, files("INBOX/cur/*:2,FS"), 1)
	require.Equal(t, []string{`near \Seen`, `one \Seen \Flagged`, "two"}, f.subjects("alice", "INBOX"))
	// Removed on each side.
	p.do("b NOOP")
	p.do(`c UID STORE 2 +FLAGS (\Deleted)`)
	p.do("d EXPUNGE")
	for _, name := range files("INBOX/cur/*:2,FS") {
		require.NoError(t, os.Remove(name))
	}
	sync()
	require.Equal(t, []string{`near \Seen`}, f.subjects("alice", "INBOX"))
	require.Len(t, append(files("INBOX/cur/*"), files("INBOX/new/*")...), 1)
}

// imapfilter searches, marks, copies and moves by a Lua program.
func TestImapfilter(t *testing.T) {
	imapfilter := program(t, "imapfilter")
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: offer\nFrom: spam@example.test\n\nbuy\n", "Subject: list\nList-Id: <go>\n\nl\n", "Subject: mine\n\nm\n")
	host, port, err := net.SplitHostPort(f.addr)
	require.NoError(t, err)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.lua")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
options.timeout = 20
options.create = true
options.starttls = false
a = IMAP { server = %q, port = %s, username = 'alice', password = 'secret' }
a:create_mailbox('Lists')
a.INBOX:contain_from('spam@'):delete_messages()
a.INBOX:contain_field('List-Id', '<go>'):move_messages(a.Lists)
r = a.INBOX:contain_subject('mine') * a.INBOX:is_unseen() * a.INBOX:is_smaller(1000)
r:mark_flagged()
r:copy_messages(a.Lists)
`, host, port), 0o600))
	runProgram(t, "/usr/bin/env", "HOME="+dir, "IMAPFILTER_HOME="+dir, imapfilter, "-c", config)
	require.Equal(t, []string{`mine \Flagged`}, f.subjects("alice", "INBOX"))
	require.Equal(t, []string{"list", `mine \Flagged`}, f.subjects("alice", "Lists"))
}
