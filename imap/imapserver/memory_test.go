//go:build unix

package imapserver_test

import (
	"bufio"
	"compress/flate"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
)

var connections = flag.Int("connections", 0, "idle connections to measure the memory of; 0 means 2000, but 500 with TLS, for the time that handshakes take")

// TestMemory opens many connections to a server over a Maildir in a process of its own. Each logs in, fetches the envelopes of
// a mailbox of 100 messages, and stays in IDLE. What the process has grown by, as the kernel counts it, is divided by their
// number. Nothing makes the server collect garbage for the occasion: the figure is what an operator sees.
func TestMemory(t *testing.T) {
	if _, err := os.ReadFile("/proc/self/smaps_rollup"); err != nil {
		t.Skip("there is no /proc to measure by")
	}
	if raceEnabled {
		t.Skip("the race detector's own memory would be measured")
	}
	for _, k := range []struct {
		name, commands string
		n              int
		limit          float64 // KiB
	}{
		{"plain", "", 2000, 16},
		{"TLS", "STARTTLS", 500, 27},
		{"compressed", "COMPRESS", 2000, 24},
	} {
		t.Run(k.name, func(t *testing.T) {
			if *connections > 0 {
				k.n = *connections
			}
			openFiles(t, k.n)
			addr, pid := serveElsewhere(t)
			// A few first, so that what a first connection costs once isn't counted.
			occupy(t, addr, k.commands, 50)()
			before := memoryOf(t, pid)
			release := occupy(t, addr, k.commands, k.n)
			defer release()
			after := memoryOf(t, pid)
			each := float64(after-before) / float64(k.n)
			t.Logf("%d connections in IDLE, %s: %d KiB before, %d KiB after, %.1f KiB each", k.n, k.name, before, after, each)
			require.LessOrEqual(t, each, k.limit)
		})
	}
}

// openFiles raises the number of files that this process and its children may open to what it takes.
func openFiles(t *testing.T, connections int) {
	t.Helper()
	var lim syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim))
	want := uint64(connections + 200)
	if lim.Cur >= want {
		return
	}
	lim.Cur, lim.Max = want, max(lim.Max, want)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		t.Skipf("%d files can't be open here: %v", want, err)
	}
}

// serveElsewhere starts a server in a process of its own, with mail in it.
func serveElsewhere(t *testing.T) (addr string, pid int) {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{T: t, srv: &imapserver.Server{Store: &maildir.Store{Path: dir + "/%u", NoSync: true}}}
	fill(f, "INBOX", 100)
	cmd := exec.Command(os.Args[0])
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), serveEnv+"="+dir)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the server's process has ended")
	return strings.TrimSpace(line), cmd.Process.Pid
}

// memoryOf returns how much of a process's memory is its own (its proportional set size), in KiB.
func memoryOf(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
			kib, err := strconv.Atoi(f[1])
			require.NoError(t, err)
			return kib
		}
	}
	t.Fatalf("no Pss in %s", b)
	return 0
}

// occupy opens n connections and brings each into IDLE, where they stay until release is called.
func occupy(t *testing.T, addr, first string, n int) (release func()) {
	t.Helper()
	conns := make([]net.Conn, n)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				c, err := rest(addr, first)
				conns[i] = c
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	release = func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}
	if t.Failed() {
		release()
		t.FailNow()
	}
	return release
}

// rest makes one connection that has fetched and is in IDLE.
func rest(addr, first string) (net.Conn, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	var rw io.ReadWriter = raw
	r := bufio.NewReaderSize(rw, 4096)
	until := func(prefix string) error {
		_ = raw.SetDeadline(time.Now().Add(30 * time.Second))
		for {
			l, err := r.ReadString('\n')
			if err != nil || strings.HasPrefix(l, prefix) {
				return err
			}
			if strings.HasPrefix(l, "a NO") || strings.HasPrefix(l, "a BAD") {
				return fmt.Errorf("%s", l)
			}
		}
	}
	do := func(command, prefix string) {
		if err == nil {
			_, err = rw.Write([]byte("a " + command + "\r\n"))
			if f, ok := rw.(deflated); ok && err == nil {
				err = f.Flush()
			}
		}
		if err == nil {
			err = until(prefix)
		}
	}
	if err = until("* OK"); err == nil && first == "STARTTLS" {
		if do("STARTTLS", "a OK"); err == nil {
			rw = tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
			r.Reset(rw)
		}
	}
	do("LOGIN alice secret", "a OK")
	if first == "COMPRESS" {
		if do("COMPRESS DEFLATE", "a OK"); err == nil {
			w, _ := flate.NewWriter(raw, flate.BestSpeed)
			rw = deflated{flate.NewReader(raw), w}
			r.Reset(rw)
		}
	}
	do("SELECT INBOX", "a OK")
	do("FETCH 1:* (UID FLAGS ENVELOPE)", "a OK")
	do("IDLE", "+")
	return raw, err
}

// deflated is a compressed connection.
type deflated struct {
	io.Reader
	*flate.Writer
}
