package maillog_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/stretchr/testify/require"
)

const patience = time.Minute

// daemon is a syslogd or journald that has been started.
type daemon struct {
	t *testing.T
	c *net.UnixConn
}

func startDaemon(t *testing.T, path string) *daemon {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &daemon{t, c}
}

func (d *daemon) next() string {
	d.t.Helper()
	b := make([]byte, 64<<10)
	require.NoError(d.t, d.c.SetReadDeadline(time.Now().Add(patience)))
	n, err := d.c.Read(b)
	require.NoError(d.t, err)
	return string(b[:n])
}

func (d *daemon) stop(path string) {
	d.c.Close()
	require.NoError(d.t, os.RemoveAll(path))
}

func open(t *testing.T, path string, o maillog.Options) *maillog.Log {
	l, err := maillog.Open(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// Lines in the form of syslog(3), with the facility and a severity; a daemon that is started anew is found again, and told what it missed.
func TestSyslog(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "log")
	d := startDaemon(t, socket)
	to, err := maillog.Syslog(socket, "mail")
	require.NoError(t, err)
	o := options
	o.Targets, o.Name = []maillog.Target{to}, "mx2"
	l := open(t, dir+"/mail.log", o)
	for _, c := range []struct{ program, text, want string }{
		{"postfix/smtpd", "connect from x[192.0.2.1]", "<22>Nov  2 09:00:07 mx2/smtpd[3125]: connect from x[192.0.2.1]"},
		{"postfix/smtpd", "warning: a\nb", "<20>Nov  2 09:00:07 mx2/smtpd[3125]: warning: a?b"},
		{"postfix/master", "fatal: x", "<18>Nov  2 09:00:07 mx2/master[3125]: fatal: x"},
		{"dovecot:", "imap(a)<1>: Error: x", "<19>Nov  2 09:00:07 dovecot: imap(a)<1>: Error: x"},
	} {
		l.Print(c.program, c.text)
		require.Equal(t, c.want, d.next())
	}
	l.Print("p", strings.Repeat("ư", 20000))
	require.Less(t, len(d.next()), 8400)

	d.stop(socket)
	l.Print("p", "missed")
	inFile := func(want string) {
		require.Eventually(t, func() bool {
			b, _ := os.ReadFile(dir + "/mail.log")
			return strings.Contains(string(b), want)
		}, patience, time.Millisecond)
	}
	inFile("mx2/postlogd[3125]: warning: syslog can't be written to, its lines are dropped: ")
	d = startDaemon(t, socket)
	got := ""
	for !strings.Contains(got, "back") { // it is looked for now and then
		l.Print("p", "back")
		require.NoError(t, d.c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		b := make([]byte, 1000)
		n, _ := d.c.Read(b)
		got = string(b[:n])
	}
	for !strings.Contains(got, "postlogd") {
		got = d.next()
	}
	require.Regexp(t, `^<20>Nov  2 09:00:07 mx2/postlogd\[3125\]: warning: \d+ lines could not be written to syslog and are lost$`, got)
	inFile("lines could not be written to syslog and are lost")
	require.NoError(t, l.Close())
	_, err = maillog.Syslog("", "post")
	require.ErrorContains(t, err, `there is no facility "post"`)
}

// A daemon that reads nothing keeps nobody waiting, and neither does closing the log.
func TestSyslogStands(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	startDaemon(t, socket)
	to, err := maillog.Syslog(socket, "local7")
	require.NoError(t, err)
	o := options
	o.Targets, o.NoFile = []maillog.Target{to}, true
	l := open(t, "", o)
	begin := time.Now()
	for range 20000 {
		l.Print("p", strings.Repeat("x", 1000))
	}
	require.NoError(t, l.Flush())
	require.NoError(t, l.Close())
	require.Less(t, time.Since(begin), patience)
	to2, err := maillog.Syslog(socket+"-none", "mail")
	require.NoError(t, err)
	o.Targets = []maillog.Target{to2}
	l = open(t, "", o)
	l.Print("p", "nobody")
	require.NoError(t, l.Close())
}

// A daemon that listens for a stream gets lines that end in NUL, as from syslog(3).
func TestSyslogStream(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	ln, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer ln.Close()
	to, err := maillog.Syslog(socket, "mail")
	require.NoError(t, err)
	o := options
	o.Targets, o.NoFile = []maillog.Target{to}, true
	l := open(t, "", o)
	l.Print("p", "one")
	l.Print("p", "two")
	c, err := ln.Accept()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "<22>Nov  2 09:00:07 p[3125]: one\x00<22>Nov  2 09:00:07 p[3125]: two\x00", string(b))
}

// The journal's own protocol: a field a line.
func TestJournal(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "journal")
	d := startDaemon(t, socket)
	to, err := maillog.Journal(socket, "mail")
	require.NoError(t, err)
	o := options
	o.Targets, o.NoFile = []maillog.Target{to}, true
	l := open(t, "", o)
	l.Print("postfix/qmgr", "4Xy1bC2dEfzGh: ", "from=<a@b.test>\nMESSAGE=x")
	require.Equal(t, "PRIORITY=6\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/qmgr\nSYSLOG_PID=3125\nMAIL_QUEUE_ID=4Xy1bC2dEfzGh\nMESSAGE=4Xy1bC2dEfzGh: from=<a@b.test>?MESSAGE=x\n", d.next())
	l.Print("dovecot:", "imap-login: Login: x")
	require.Equal(t, "PRIORITY=6\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=dovecot\nMESSAGE=imap-login: Login: x\n", d.next())
	for _, text := range []string{"NOQUEUE: reject", "statistics: x", "warning: 12345678", "4Xy1", "4Xy1bC2d-Efz: x"} {
		l.Print("postfix/smtpd", text)
		require.NotContains(t, d.next(), "MAIL_QUEUE_ID")
	}
}

// Files are put away by size, compressed, and the oldest go; every line is in one of them.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail[1].log")
	for _, other := range []string{".20250101-000000x-not-mine", ".old", ".20250101-000000.gz"} {
		require.NoError(t, os.WriteFile(path+other, nil, 0o600))
	}
	require.NoError(t, os.Remove(path+".20250101-000000x-not-mine"))
	o := options
	o.Rotation = maillog.Rotation{Size: 1000, Keep: 12, Gzip: true}
	l := open(t, path, o)
	text := func() (all string, files int) {
		list, err := filepath.Glob(strings.ReplaceAll(path, "[1]", "?1?") + ".2026*")
		require.NoError(t, err)
		for _, name := range list {
			f, err := os.Open(name)
			if err != nil {
				continue // it has been compressed meanwhile
			}
			var r io.Reader = f
			if strings.HasSuffix(name, ".gz") {
				r, err = gzip.NewReader(f)
				require.NoError(t, err)
			}
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			f.Close()
			all += string(b)
		}
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		return all + string(now), len(list)
	}
	const lines = 200
	for i := range lines / 2 {
		l.Print("p", fmt.Sprintf("line %d ", i), strings.Repeat("x", 100))
		require.NoError(t, l.Flush())
	}
	require.NoError(t, l.Close())
	all, files := text()
	require.Equal(t, 12, files)
	require.NoFileExists(t, path+".20250101-000000.gz", "older than all")
	require.FileExists(t, path+".old")
	for i := range lines / 2 {
		require.Equal(t, 1, strings.Count(all, fmt.Sprintf("line %d x", i)))
	}
	_, err := os.Stat(path + ".20261102-090007.gz")
	require.NoError(t, err)

	// The limit holds across restarts, and the oldest of many go.
	l = open(t, path, o)
	for i := range lines {
		l.Print("p", fmt.Sprintf("again %d ", i), strings.Repeat("x", 100))
		require.NoError(t, l.Flush())
	}
	require.NoError(t, l.Close())
	all, files = text()
	require.Equal(t, 12, files)
	require.Contains(t, all, fmt.Sprintf("again %d x", lines-1))
	require.NotContains(t, all, "line 0 x")

}
