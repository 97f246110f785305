package maillog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fixed() time.Time { return time.Date(2026, 11, 2, 9, 0, 7, 0, time.UTC) }

var options = maillog.Options{Host: "ubuntu.localdomain", PID: 3125, Now: fixed}

// The form of every line (issue: "… postfix/smtpd[3125]: disconnect from localhost[127.0.0.1]").
func TestForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	l, err := maillog.Open(path, options)
	require.NoError(t, err)
	l.Print("postfix/smtpd", "disconnect from ", "localhost[127.0.0.1]")
	l.Print("dovecot:", "imap-login: Login: user=<a>")
	require.NoError(t, l.Close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "Nov  2 09:00:07 ubuntu postfix/smtpd[3125]: disconnect from localhost[127.0.0.1]\n"+
		"Nov  2 09:00:07 ubuntu dovecot: imap-login: Login: user=<a>\n", string(got))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	l.Print("x", "dropped") // after the end: nothing happens
	require.NoError(t, l.Close())
}

func TestNothingIsLostOnClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	l, err := maillog.Open(path, options)
	require.NoError(t, err)
	var wg sync.WaitGroup
	const writers, lines = 8, 5000
	for w := range writers {
		wg.Go(func() {
			for i := range lines {
				l.Print("postfix/smtpd", fmt.Sprintf("writer %d line %d ", w, i), strings.Repeat("x", 100))
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, writers*lines, bytes.Count(got, []byte("\n")))
	next := [writers]int{}
	for line := range strings.Lines(string(got)) {
		var w, i int
		_, err := fmt.Sscanf(line[strings.Index(line, "writer"):], "writer %d line %d", &w, &i)
		require.NoError(t, err)
		require.Equal(t, next[w], i, "each writer's lines in their order")
		next[w]++
	}
}

func TestPeersCannotBeginALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	l, err := maillog.Open(path, options)
	require.NoError(t, err)
	l.Print("postfix/smtpd", "NOQUEUE: reject: helo=<", "x\r\nNov 22 09:00:00 ubuntu sshd[1]: Failed password\u2028\u0085\x00\x7f\xff\t", "> thư")
	require.NoError(t, l.Close())
	got, _ := os.ReadFile(path)
	require.Equal(t, "Nov  2 09:00:07 ubuntu postfix/smtpd[3125]: NOQUEUE: reject: helo=<x??Nov 22 09:00:00 ubuntu sshd[1]: Failed password??????> thư\n", string(got))
}

func TestLongLinesAreCut(t *testing.T) {
	var b bytes.Buffer
	o := options
	o.Stderr = &b
	l, err := maillog.Open("", o)
	require.NoError(t, err)
	l.Print("p", strings.Repeat("ư", 20000), "never")
	require.NoError(t, l.Close())
	require.Less(t, b.Len(), 8400)
	require.True(t, utf8.Valid(b.Bytes()))
	require.True(t, strings.HasSuffix(b.String(), "ư...\n"))
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	l, err := maillog.Open(path, options)
	require.NoError(t, err)
	l.Print("p", "one")
	require.NoError(t, l.Flush())
	require.NoError(t, os.Rename(path, path+".1"))
	l.Print("p", "two: rotated away, and still in the old file")
	require.NoError(t, l.Reopen())
	l.Print("p", "three")
	require.NoError(t, l.Close())
	old, _ := os.ReadFile(path + ".1")
	require.Equal(t, 2, strings.Count(string(old), "\n"))
	now, _ := os.ReadFile(path)
	require.Equal(t, 1, strings.Count(string(now), "\n"))

	_, err = maillog.Open(filepath.Join(path, "not-a-folder"), options)
	require.Error(t, err)
}

// failing is a full disk.
type failing struct {
	mu   sync.Mutex
	full bool
	got  bytes.Buffer
}

func (f *failing) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.got.Write(p)
}

func TestFullDisk(t *testing.T) {
	f := &failing{full: true}
	o := options
	o.Stderr = f
	l, err := maillog.Open("", o)
	require.NoError(t, err)
	l.Print("p", "a")
	l.Print("p", "b")
	require.Error(t, l.Flush())
	f.mu.Lock()
	f.full = false
	f.mu.Unlock()
	l.Print("p", "c")
	require.NoError(t, l.Close())
	require.Contains(t, f.got.String(), ": c\n")
	require.Contains(t, f.got.String(), "postfix/postlogd[3125]: warning: 2 lines could not be written and are lost\n")
}

// torn takes a part of what is written and then says that the disk is full, once.
type torn struct {
	got  bytes.Buffer
	part int
}

func (w *torn) Write(p []byte) (int, error) {
	if w.part == 0 {
		return w.got.Write(p)
	}
	n, _ := w.got.Write(p[:w.part])
	w.part = 0
	return n, errors.New("no space left on device")
}

// A line that was written in part doesn't become the beginning of the next.
func TestTornLine(t *testing.T) {
	w := &torn{part: 20}
	o := options
	o.Stderr = w
	l, err := maillog.Open("", o)
	require.NoError(t, err)
	l.Print("p", "a")
	require.Error(t, l.Flush())
	l.Print("p", "b")
	require.NoError(t, l.Close())
	lines := strings.Split(w.got.String(), "\n")
	require.Len(t, lines, 4, "%q", lines)
	require.Len(t, lines[0], 20)
	require.Equal(t, "Nov  2 09:00:07 ubuntu p[3125]: b", lines[1])
	require.Contains(t, lines[2], "1 lines could not be written")
}

// An operator who makes room by taking the log away gets it back.
func TestReopenOnFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("this system has no /dev/full")
	}
	l, err := maillog.Open(path, options)
	require.NoError(t, err)
	l.Print("p", "a")
	require.Error(t, l.Flush())
	require.NoError(t, os.Remove(path))
	require.NoError(t, l.Reopen())
	l.Print("p", "b")
	require.NoError(t, l.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), ": b\n")
	require.Contains(t, string(b), "1 lines could not be written and are lost")
}

func TestClient(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4711} }
	require.Equal(t, "localhost[127.0.0.1]", maillog.Client("", tcp("127.0.0.1")))
	require.Equal(t, "localhost[::1]", maillog.Client("", tcp("::1")))
	require.Equal(t, "unknown[192.0.2.1]", maillog.Client("", tcp("192.0.2.1")))
	require.Equal(t, "mx.example.net[2001:db8::1]", maillog.Client("mx.example.net", tcp("2001:db8::1")))
	require.Equal(t, "localhost[local]", maillog.Client("", &net.UnixAddr{Name: "/x"}))
	require.Equal(t, "localhost[local]", maillog.Client("", nil))
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	o := options
	o.Stderr = &b
	l, err := maillog.Open("", o)
	require.NoError(t, err)
	log := l.Logger("postfix/qmgr", slog.LevelInfo)
	log.Debug("unseen")
	log.Info("started")
	log.With("a", 1).WithGroup("g").Warn("disk", "free", "3 MiB", slog.Group("h", "x", "y\nz"))
	log.Error("bad", "error", errors.New("line\nbreak"))
	require.NoError(t, l.Close())
	want := []string{"started", `warning: disk, a=1, g.free="3 MiB", g.h.x=y?z`, "error: bad, error=line?break"}
	for i, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		require.Equal(t, "Nov  2 09:00:07 ubuntu postfix/qmgr[3125]: "+want[i], line)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\nb\xffư\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		got := maillog.AppendClean([]byte("p"), s)
		require.True(t, utf8.Valid(got))
		require.False(t, bytes.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }))
		require.Equal(t, string(got), string(maillog.AppendClean(nil, string(got))), "cleaning twice changes nothing")
	})
}

func BenchmarkPrint(b *testing.B) {
	o := options
	o.Stderr, o.Name = discard{}, "postfix"
	l, err := maillog.Open("", o)
	require.NoError(b, err)
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		l.Print("postfix/smtpd", "913E010089F", ": client=", "localhost[127.0.0.1]")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func ExampleOpen() {
	l, err := maillog.Open("", maillog.Options{Host: "ubuntu.localdomain", PID: 3125, Now: fixed, Stderr: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	l.Print("postfix/smtpd", "disconnect from ", maillog.Client("", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	l.Close()
	// Output: Nov  2 09:00:07 ubuntu postfix/smtpd[3125]: disconnect from localhost[127.0.0.1]
}

func ExampleLog_Logger() {
	l, err := maillog.Open("", maillog.Options{Host: "ubuntu.localdomain", PID: 3125, Now: fixed, Stderr: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	l.Logger("postfix/qmgr", nil).Warn("disk nearly full", "free", "3M")
	l.Close()
	// Output: Nov  2 09:00:07 ubuntu postfix/qmgr[3125]: warning: disk nearly full, free=3M
}

func ExampleClient() {
	fmt.Println(maillog.Client("", &net.TCPAddr{IP: net.ParseIP("192.0.2.1")}))
	// Output: unknown[192.0.2.1]
}
