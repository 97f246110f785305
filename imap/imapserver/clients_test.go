package imapserver_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mbsync keeps a Maildir and the server alike, both ways, over several runs.
func TestMbsync(t *testing.T) {
	mbsync := program(t, "mbsync")
	f := newFixture(t, nil)
	f.add("INBOX", simple, nested)
	f.add("Lists/Go", simple)
	host, port, err := net.SplitHostPort(f.addr)
	require.NoError(t, err)
	dir := t.TempDir()
	local := filepath.Join(dir, "mail")
	require.NoError(t, os.Mkdir(local, 0o700))
	config := filepath.Join(dir, "mbsyncrc")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `IMAPAccount test
Host %s
Port %s
User alice
Pass secret
AuthMechs LOGIN
SSLType None

IMAPStore far
Account test

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
`, host, port, local, local), 0o600))
	sync := func() { t.Helper(); runProgram(t, mbsync, "-c", config, "-a") }
	files := func(pattern string) []string {
		got, err := filepath.Glob(filepath.Join(local, pattern))
		require.NoError(t, err)
		return got
	}
	sync()
	require.Len(t, files("INBOX/*/*,U=*"), 2)
	require.Len(t, files("Lists/Go/*/*,U=*"), 1)
	// A change on each side, and a new message on each.
	p := f.login("INBOX")
	p.do(`a STORE 1 +FLAGS (\Flagged)`)
	f.add("INBOX", simple)
	require.NoError(t, os.WriteFile(filepath.Join(local, "INBOX/cur/1700000000.1.x:2,S"), []byte("Subject: near\n\nHi\n"), 0o600))
	sync()
	require.Len(t, files("INBOX/cur/*:2,*F*"), 1)
	p.do("b NOOP")
	lines := p.do("b UID FETCH 4 (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
	require.Contains(t, strings.Join(lines, "\n"), "Subject: near")
	require.Contains(t, strings.Join(lines, "\n"), `\Seen`)
	// Deleted on the server: gone here after the next run.
	p.do(`c STORE 1:2 +FLAGS (\Deleted)`)
	p.do("d EXPUNGE")
	sync()
	require.Len(t, append(files("INBOX/new/*"), files("INBOX/cur/*")...), 2)
	// And the other way round.
	for _, name := range files("INBOX/cur/*:2,S") {
		require.NoError(t, os.Rename(name, name+"T"))
	}
	sync()
	require.Equal(t, []string{"* STATUS INBOX (MESSAGES 1)"}, f.login("").do("a STATUS INBOX (MESSAGES)"))
}

// fetchmail takes everything and leaves the mailbox empty.
func TestFetchmail(t *testing.T) {
	fetchmail := program(t, "fetchmail")
	f := newFixture(t, nil)
	f.add("INBOX", simple, nested, simple)
	host, port, err := net.SplitHostPort(f.addr)
	require.NoError(t, err)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	config := filepath.Join(dir, "rc")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "set no bouncemail\npoll %s port %s protocol imap user alice password secret "+
		"mda \"cat >> %s\" sslproto '' nokeep fetchall\n", host, port, out), 0o700))
	runProgram(t, fetchmail, "-f", config, "--nodetach", "--pidfile", filepath.Join(dir, "pid"), "--idfile", filepath.Join(dir, "ids"), "-v")
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(got), "Subject: afternoon meeting"))
	require.Equal(t, []string{"* STATUS INBOX (MESSAGES 0)"}, f.login("").do("a STATUS INBOX (MESSAGES)"))
}

// mutt opens the mailbox, marks everything and syncs.
func TestMutt(t *testing.T) {
	mutt := program(t, "mutt")
	f := newFixture(t, nil)
	f.add("INBOX", simple, nested)
	dir := t.TempDir()
	config := filepath.Join(dir, "muttrc")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `set folder="imap://alice@%s/" spoolfile="+INBOX" imap_pass="secret"
set ssl_starttls=no ssl_force_tls=no quit=yes header_cache="" record="" sleep_time=0
set imap_check_subscribed=no
push "<tag-pattern>~A<enter><tag-prefix><set-flag>!<sync-mailbox><quit>"
`, f.addr), 0o600))
	runProgram(t, "/usr/bin/env", "TERM=dumb", "HOME="+dir, program(t, "script"), "-qec", mutt+" -n -F "+config, "/dev/null")
	require.Equal(t, []string{"* SEARCH 1 2"}, f.login("INBOX").do("a SEARCH FLAGGED"))
}
