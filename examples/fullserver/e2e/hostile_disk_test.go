//go:build linux

package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smallDisk mounts a disk of a size in octets, which takes root.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a small disk can be mounted by root only")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mounting a small disk: %v, and CI has to have it", err)
		}
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill leaves no room on the disk of dir, and returns what frees it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	f, err := os.Create(dir + "/fill")
	require.NoError(t, err)
	block := make([]byte, 4096)
	for n := 0; err == nil; n++ {
		require.Less(t, n, 1<<20)
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	f.Close()
	return func() { require.NoError(t, os.Remove(f.Name())) }
}

// post sends a message and returns the last reply.
func post(t *testing.T, s *server, body string, to ...string) string {
	t.Helper()
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	out := d.smtp("MAIL FROM:<u1@example.test>")
	for _, a := range to {
		if strings.HasPrefix(out, "250 ") {
			out = d.smtp("RCPT TO:<" + a + ">")
		}
	}
	if strings.HasPrefix(out, "250 ") {
		out = d.smtp("DATA")
	}
	if strings.HasPrefix(out, "354 ") {
		out = d.smtp(body + "\r\n.")
	}
	require.Regexp(t, `^250 `, d.smtp("NOOP"), "the session goes on")
	return out
}

// TestHostileFullDisk: everything on one disk, and that full. Senders are told to come again, readers read on and can delete,
// nothing that was acknowledged is lost, and when there is room again everything goes on by itself.
func TestHostileFullDisk(t *testing.T) {
	disk := smallDisk(t, "60m")
	s := start(t, 2, "data_directory", disk, "mail_location", "maildir:"+disk+"/mail/%d/%n", "maillog_file", disk+"/mail.log",
		"relayhost", "[127.0.0.1]:9", "minimal_backoff_time", "1s", "maximal_backoff_time", "1s", "queue_run_delay", "1s")
	for _, to := range [][]string{{"u0@example.test"}, {"far@elsewhere.test"}, {"u0@example.test", "u1@example.test", "far@elsewhere.test"}} {
		require.Regexp(t, `^250 2\.0\.0 Ok: queued`, post(t, s, "Subject: before\r\n\r\nx", to...))
	}
	y := newTypist(s.imap, "u0", "secret0")
	require.Contains(t, y.do("CREATE Old"), "t OK")
	require.Contains(t, y.do("SELECT INBOX"), "* 2 EXISTS")

	free := fill(t, disk)
	large := strings.Repeat(strings.Repeat("x", 76)+"\r\n", 6000)
	for _, body := range []string{"Subject: full\r\n\r\nx", "Subject: full\r\n\r\n" + large} {
		for _, to := range [][]string{{"u0@example.test"}, {"far@elsewhere.test"}, {"u0@example.test", "u1@example.test"}, {"u0@example.test", "far@elsewhere.test"}} {
			require.Regexp(t, `^(452 4\.3\.1|451 4\.3\.0) `, post(t, s, body, to...), to)
		}
	}
	require.Contains(t, y.do("APPEND INBOX", "Subject: full\r\n\r\nx\r\n"), "t NO [OVERQUOTA] Not enough disk space.")
	require.Contains(t, y.do("CREATE New"), "t NO [OVERQUOTA]")
	require.Contains(t, y.do(`LIST "" *`), "t OK", "what could not be made hides nothing")
	require.Contains(t, y.do("FETCH 1:* BODY.PEEK[]"), "Subject: before\n")
	z := newTypist(s.imap, "u0", "secret0")
	require.Contains(t, z.do("SELECT INBOX"), "* 2 EXISTS")
	for _, dir := range []string{disk + "/mail/example.test/u0/tmp", disk + "/queue/incoming"} {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return filepath.Ext(e.Name()) == ".log" }) // of what was accepted before
		require.Empty(t, left, "a message that was refused leaves nothing in %s", dir)
	}
	left, _ := filepath.Glob(disk + "/spool-*")
	require.Empty(t, left)

	s.kill() // and not even then
	free()
	s.startAgain()
	y = newTypist(s.imap, "u0", "secret0")
	require.Contains(t, y.do("SELECT INBOX"), "* 2 EXISTS")
	require.Contains(t, y.do(`LIST "" *`), "Old\n")
	require.Regexp(t, `^250 2\.0\.0 Ok: queued`, post(t, s, "Subject: after\r\n\r\nx", "u0@example.test", "far@elsewhere.test"))
	require.Contains(t, y.do("NOOP"), "* 3 EXISTS")
	eventually(t, time.Minute, func() error {
		b, _ := os.ReadFile(disk + "/mail.log")
		if n := len(regexp.MustCompile(`to=<far@elsewhere\.test>.*status=deferred`).FindAll(b, -1)); n < 3 {
			return fmt.Errorf("%d attempts", n)
		}
		return match(`(?m)^\w{3} [ \d]\d [\d:]{8} mail postfix/master\[\d+\]: daemon started`, string(b))
	})
}

// TestHostileVanish: a client that goes away while it hands in a message, by whatever protocol, leaves nothing behind, and a
// session that was killed with it isn't heard of again.
func TestHostileVanish(t *testing.T) {
	s := start(t, 2)
	y := newTypist(s.imap, "u0", "secret0")
	require.Contains(t, y.do("SELECT INBOX"), "* 0 EXISTS")
	half := "Subject: half\r\n\r\n" + strings.Repeat("half\r\n", 100_000)
	for _, x := range []struct {
		addr string
		say  []string
	}{
		{s.imap, []string{"a LOGIN u0 secret0", "b APPEND INBOX {9000000+}\r\n" + half}},
		{s.imap, []string{"a LOGIN u0 secret0", "b APPEND INBOX {5+}\r\nwhole {9000000+}\r\n" + half}},
		{s.imap, []string{"a LOGIN u0 secret0", "b APPEND INBOX {9+}\r\nSubject: "}},
		{s.smtp, []string{"EHLO x", "MAIL FROM:<>", "RCPT TO:<u0@example.test>", "RCPT TO:<u1@example.test>", "DATA", half}},
		{s.smtp, []string{"EHLO x", "MAIL FROM:<>", "RCPT TO:<u0@example.test>", "BDAT 16\r\nSubject: half\r\n\r", "BDAT 9000000 LAST\r\n" + half}},
		{s.smtp, []string{"EHLO x", "MAIL FROM:<>", "RCPT TO:<u0@example.test>", "BDAT 16\r\nSubject: half\r\n\r"}},
		{s.lmtp, []string{"LHLO x", "MAIL FROM:<>", "RCPT TO:<u0@example.test>", "RCPT TO:<u1@example.test>", "DATA", half + "\r\n."}},
	} {
		d := dial(t, x.addr)
		d.line()
		last := len(x.say) - 1
		for _, c := range x.say[:last] {
			require.Regexp(t, `^(250|354|a OK)`, strings.TrimPrefix(d.smtp(c), "* CAPABILITY"))
		}
		d.send(x.say[last])
		require.NoError(t, d.c.(*net.TCPConn).CloseWrite())
		io.Copy(io.Discard, d.r) // until the server has ended it, too
		d.c.Close()
	}
	left := 0
	eventually(t, time.Minute, func() error {
		left = 0
		filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && d.Name() != "mail.log" {
				if b, _ := os.ReadFile(path); strings.Contains(string(b), "half") || filepath.Base(filepath.Dir(path)) == "tmp" {
					left++
				}
			}
			return nil
		})
		if left > 0 {
			return fmt.Errorf("%d files left behind", left)
		}
		return nil
	})
	require.Zero(t, s.count(2))
	require.Contains(t, y.do("NOOP"), "t OK")
	require.NotContains(t, y.do("STATUS INBOX (MESSAGES)"), "MESSAGES 1")
	require.Contains(t, y.do("STATUS INBOX (MESSAGES)"), "MESSAGES 0")
}

// Mail waits in the queue's log when the machine goes down, and the disk is full when it comes up again: the server waits for room, and has lost nothing.
func TestFullDiskAtStart(t *testing.T) {
	disk := smallDisk(t, "64m")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing: a first delivery that doesn't end
	require.NoError(t, err)
	defer silent.Close()
	s := start(t, 2, "data_directory", disk, "mail_location", "maildir:"+disk+"/mail/%d/%n", "relayhost", bracketed(silent.Addr().String()))
	const n = 20
	for range n {
		require.Contains(t, post(t, s, "Subject: x\r\n\r\n"+strings.Repeat("x\r\n", 1000), "far@elsewhere.test"), "250 2.0.0 Ok")
	}
	s.kill()
	free := fill(t, disk)
	later := time.AfterFunc(3*time.Second, free)
	defer later.Stop()
	s.startAgain()
	for _, line := range []string{`warning: waiting for room on the disk: `, `(?s)waiting for room.*daemon started`} {
		eventually(t, time.Minute, func() error { return match(line, s.log()) })
	}
	require.Contains(t, run(t, nil, binary, append(s.args[:len(s.args):len(s.args)], "mailq")...), fmt.Sprintf(" in %d Requests.", n))
	require.Contains(t, post(t, s, "Subject: y\r\n\r\nx", "u1@example.test"), "250 2.0.0 Ok")
}
