package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/imap/imapclient"
)

// runServer runs a server as main.cf says, until the test or end ends it.
func runServer(t *testing.T, file string, over ...string) (s *server.Server, end func()) {
	t.Helper()
	c, err := config.Load(config.Options{File: file, Overrides: over})
	require.NoError(t, err)
	s, err = server.Open(c, server.Options{Stderr: io.Discard})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	ended := false
	end = func() {
		if !ended {
			ended = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(end)
	return s, end
}

// imapSays is what a client sees of INBOX.
func imapSays(t *testing.T, addr net.Addr, commands ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "a LOGIN an@example.test secret\r\n"+strings.Join(commands, "\r\n")+"\r\nz LOGOUT\r\n")
	require.NoError(t, err)
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(b)
}

// A backup of a running server, put onto another machine, is that server; one message, or one user, is put back into a running one.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\nmydomain = example.test\nimap_listen = 127.0.0.1:0\nvirtual_mailbox_domains = example.test\nmaillog_file = $data_directory/log\ndata_directory = "+dir+"/data\n"), 0o600))
	require.NoError(t, os.Mkdir(dir+"/data", 0o700))
	require.NoError(t, os.WriteFile(dir+"/data/users", []byte("an@example.test:{PLAIN}secret\nbinh@example.test:{PLAIN}secret\n"), 0o600))
	s, end := runServer(t, file)
	client, err := imapclient.Dial(t.Context(), s.Addrs("imap_listen")[0].String(), &imapclient.Options{TLS: imapclient.TLSNone, Auth: &mail.Credentials{Username: "an@example.test", Password: "secret"}})
	require.NoError(t, err)
	for _, subject := range []string{"one", "two", "three"} {
		_, err = client.Append(t.Context(), "INBOX", imapclient.NewDraft([]byte("Message-ID: <"+subject+"@example.test>\r\nSubject: "+subject+"\r\n\r\nx\r\n")))
		require.NoError(t, err)
	}
	require.NoError(t, client.Close())
	look := []string{"b SELECT INBOX", "c UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"}
	lines := func(s string) (out []string) {
		for l := range strings.Lines(strings.ReplaceAll(s, `\Recent`, "")) { // nobody has seen them before the first look
			if !strings.Contains(l, "UIDNEXT") && !strings.Contains(l, "HIGHESTMODSEQ") && !strings.Contains(l, "RECENT") && !strings.HasPrefix(l, "a OK") && !strings.HasPrefix(l, "* OK [CAP") && !strings.Contains(l, "PERMANENT") {
				out = append(out, l)
			}
		}
		return out
	}
	before := imapSays(t, s.Addrs("imap_listen")[0], look...)
	require.Contains(t, before, "* 3 EXISTS")

	backups := dir + "/backups"
	do := func(args ...string) (int, string, string) {
		return command(t, "", append([]string{"-c", file}, args...)...)
	}
	status, out, errs := do("backup", backups)
	require.Zero(t, status, errs)
	require.Regexp(t, `: 1 accounts, 3 messages \(3 copied, 0 as before\), 0 in the queue, [3-9] files of the server; read `, out)
	status, _, errs = do("backup", backups+".tar")
	require.Zero(t, status, errs)
	for _, name := range []string{backups, backups + ".tar"} {
		status, out, errs = do("backup", "-verify", name)
		require.Zero(t, status, errs)
		require.Contains(t, out, "files are as they were written on")
		status, out, errs = do("restore", name, "-list")
		require.Zero(t, status, errs)
		require.Regexp(t, `an@example.test +\d mailboxes +3 messages`, out)
		status, out, errs = do("restore", name, "-list", "-user", "an@example.test", "-text", "TWO")
		require.Zero(t, status, errs)
		require.Regexp(t, `^INBOX +2 .* two +<two@example.test>\n$`, out)
	}
	// The stream of backup - is a tar file, too.
	status, stream, errs := do("backup", "-")
	require.Zero(t, status, errs)
	require.Contains(t, errs, "3 messages")
	require.NoError(t, os.WriteFile(dir+"/stream.tar", []byte(stream), 0o600))
	status, _, errs = do("backup", "-verify", dir+"/stream.tar")
	require.Zero(t, status, errs)

	status, _, errs = do("restore", backups, "-all")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "a server is running")
	status, out, errs = do("restore", backups, "-user", "an@example.test", "-message", "two@example.test")
	require.Zero(t, status, errs)
	require.Equal(t, "1 messages restored to Restored/INBOX\n", out)
	require.Contains(t, imapSays(t, s.Addrs("imap_listen")[0], "b SELECT Restored/INBOX", "c FETCH 1 BODY[]"), "Subject: two")
	imapSays(t, s.Addrs("imap_listen")[0], "b SELECT INBOX", `c STORE 1 +FLAGS (\Deleted)`, "d EXPUNGE")
	status, out, errs = do("restore", "-user", "an@example.test", "-merge", backups)
	require.Zero(t, status, errs)
	require.Contains(t, out, "1 messages restored")
	require.Contains(t, out, "; 2 were there")
	require.Contains(t, imapSays(t, s.Addrs("imap_listen")[0], "b SELECT INBOX", "c UID FETCH 4 BODY[]"), "Subject: one")
	end()

	root := dir + "/elsewhere"
	status, out, errs = do("restore", backups+".tar", "-all", "-root", root)
	require.Zero(t, status, errs)
	require.Contains(t, out, "1 accounts with 3 messages")
	there, _ := runServer(t, filepath.Join(root, file), "data_directory="+root+dir+"/data")
	after := imapSays(t, there.Addrs("imap_listen")[0], look...)
	require.Equal(t, lines(before), lines(after))
	status, _, errs = do("restore", backups+".tar", "-all", "-root", root)
	require.Equal(t, 1, status)
	require.Contains(t, errs, "a server is running")

	for _, args := range [][]string{{"backup"}, {"backup", "-x", "y"}, {"backup", "a", "b"}, {"restore"}, {"restore", backups}, {"restore", backups, "-message", "3", "-user", "an"}, {"restore", backups, "-mailbox", "x", "-list"}, {"restore", backups, "-all", "-merge"}} {
		status, out, errs := do(args...)
		require.Equal(t, 2, status, args)
		require.Empty(t, out)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
	for _, args := range [][]string{{"backup", "-verify", dir + "/none"}, {"restore", dir, "-list"}, {"restore", backups, "-user", "chi@example.test"}, {"restore", file, "-list"}} {
		status, _, errs := do(args...)
		require.Equal(t, 1, status, args)
		require.Contains(t, errs, ": ")
	}
	for _, name := range []string{"backup", "restore"} {
		status, out, _ := do(name, "-h")
		require.Zero(t, status)
		require.Contains(t, out, "fullserver ")
	}
}

// lmtpSays is what a server answers, line by line.
func lmtpSays(t *testing.T, addr string, commands ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	var all strings.Builder
	r := bufio.NewReader(c)
	reply := func() {
		for {
			l, err := r.ReadString('\n')
			require.NoError(t, err)
			all.WriteString(l)
			if len(l) > 3 && l[3] == ' ' {
				return
			}
		}
	}
	reply()
	for _, cmd := range append(commands, "QUIT") {
		_, err := io.WriteString(c, cmd+"\r\n")
		require.NoError(t, err)
		reply()
	}
	return all.String()
}

// imapAs is what a login is answered.
func imapAs(t *testing.T, addr, user, password string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "a LOGIN "+user+" "+password+"\r\nz LOGOUT\r\n")
	require.NoError(t, err)
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(b)
}
