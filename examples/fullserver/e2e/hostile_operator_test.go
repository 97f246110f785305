//go:build linux

package e2e

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHostileSignals: SIGHUP while mail comes in loses nothing and nobody; SIGTERM under load ends it soon and well, and what was
// answered 250 is there.
func TestHostileSignals(t *testing.T) {
	const users = 4
	far := newCatcher(t)
	s := start(t, users, "relayhost", bracketed(far.addr), "minimal_backoff_time", "1s", "maximal_backoff_time", "2s", "queue_run_delay", "1s")
	var number atomic.Int64
	var mu sync.Mutex
	acked := map[string]bool{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				load(s.smtp, &number, users, func(key string, elsewhere bool) {
					mu.Lock()
					defer mu.Unlock()
					acked[key] = acked[key] || !elsewhere
				})
			}
		})
	}
	list, err := os.ReadFile(s.dir + "/users")
	require.NoError(t, err)
	for i := range 10 {
		if i == 5 { // an editor that saves what it should not
			require.NoError(t, os.WriteFile(s.dir+"/users", []byte("\x00garbage\nu0@example.test:{PLAIN}x\nu0@example.test:{PLAIN}y\n"), 0o600))
		}
		require.NoError(t, s.cmd.Process.Signal(syscall.SIGHUP))
		time.Sleep(50 * time.Millisecond)
	}
	require.Contains(t, newTypist(s.imap, "u3", "secret3").do("NOOP"), "t OK", "the users known before stay")
	require.NoError(t, os.WriteFile(s.dir+"/users", list, 0o600))
	eventually(t, time.Minute, func() error { return match(`(?s)(reloaded.*){3}`, s.log()) })
	before := number.Load()
	eventually(t, time.Minute, func() error {
		if number.Load() < before+50 {
			return fmt.Errorf("mail no longer comes in")
		}
		return nil
	})
	began := time.Now()
	s.stop() // fails the test unless the status is 0
	require.Less(t, time.Since(began), 10*time.Second)
	close(stop)
	wg.Wait()
	found := map[string]bool{}
	for u := range users {
		for _, b := range s.maildir(fmt.Sprintf("u%d", u)) {
			if m := keyField.FindSubmatch(b); m != nil {
				found[string(m[1])] = true
			}
		}
	}
	for key, here := range acked {
		require.True(t, !here || found[key], "%s was answered 250 and is not there", key)
	}
	require.NotContains(t, s.log(), "panic")
}

// TestHostileModes: what it makes, mail, queue, log, key, is for its own user only, whatever the umask says.
func TestHostileModes(t *testing.T) {
	old := syscall.Umask(0)
	s := start(t, 2, "relayhost", "[127.0.0.1]:9", "data_directory", t.TempDir()+"/a/data")
	syscall.Umask(old)
	d := dial(t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<a@example.org>")
	for _, to := range []string{"u0@example.test", "u1@example.test", "far@elsewhere.test"} {
		d.smtp("RCPT TO:<" + to + ">")
	}
	d.smtp("DATA")
	require.Regexp(t, `^250 `, d.smtp("Subject: x\r\n\r\nx\r\n."))
	y := newTypist(s.imap, "u0", "secret0")
	for _, c := range []string{"CREATE a/b (USE (\\Junk))", "SUBSCRIBE a/b", "SELECT INBOX", `STORE 1 +FLAGS (\Flagged $K)`, "COPY 1 a/b", "FETCH 1 BODYSTRUCTURE"} {
		require.Contains(t, y.do(c), "t OK", c)
	}
	data := ""
	for i, a := range s.args {
		if strings.HasPrefix(a, "data_directory=") && s.args[i-1] == "-o" {
			data = filepath.Dir(strings.TrimPrefix(a, "data_directory="))
		}
	}
	n := 0
	for _, root := range []string{data, s.dir + "/mail", s.dir + "/mail.log"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // came and went
			}
			if info, err := d.Info(); err == nil {
				n++
				require.Zero(t, info.Mode().Perm()&0o077, "%v %s", info.Mode(), path)
			}
			return nil
		}))
	}
	require.Greater(t, n, 40)
}

// TestHostileStart: what can't be right is one line on standard error and status 1, at once, and leaves no listener behind.
func TestHostileStart(t *testing.T) {
	s := start(t, 1) // holds its folders and ports
	port := freePorts(t, 1)[0]
	file := s.dir + "/file"
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	base := func(over ...string) []string {
		args := []string{"-o", "myhostname=mail.example.test", "-o", "data_directory=" + t.TempDir(), "-o", "passwd_file=" + s.dir + "/users", "-o", "smtp_listen=" + port}
		for _, o := range over {
			args = append(args, "-o", o)
		}
		return args
	}
	for _, x := range []struct{ over, want string }{
		{"https_listen=" + s.smtp, `https_listen: .*: address already in use`}, // the last of the listeners
		{"queue_directory=" + s.dir + "/queue", `queue_directory: .*locked by another process`},
		{"data_directory=" + file, `data_directory|smtpd_tls_cert_file`},
		{"queue_directory=" + file, `queue_directory: .*not a directory`},
		{"maillog_file=" + file + "/log", `maillog_file: .*not a directory`},
		{"smtpd_tls_cert_file=" + file, `smtpd_tls_cert_file: .*PEM`},
		{"smtpd_tls_cert_file=/nonexistent", `smtpd_tls_cert_file: .*no such file`},
		{"passwd_file=/nonexistent", `passwd_file: .*no such file`},
		{"passwd_file=/", `passwd_file: `},
		{"mail_location=maildir:/same/for/all", `mail_location: `},
		{"smtpd_banner=$myhostname x\r\n250 y", `smtpd_banner: control character`},
		{"nonsense", `"nonsense" is not of the form name=value`},
		{"smtp_listne=:25", `unknown parameter.*did you mean smtp_listen`},
	} {
		began := time.Now()
		out, err := exec.Command(binary, base(x.over)...).CombinedOutput()
		require.Error(t, err, "%s: %s", x.over, out)
		require.Equal(t, 1, err.(*exec.ExitError).ExitCode(), "%s: %s", x.over, out)
		require.Regexp(t, `^fullserver: fatal: .*`+x.want, string(out), x.over)
		require.Equal(t, 1, strings.Count(string(out), "\n"), "one line: %s", out)
		require.Less(t, time.Since(began), 5*time.Second, x.over)
	}
	l, err := net.Listen("tcp", port)
	require.NoError(t, err, "the port of a server that did not start is free")
	l.Close()
}

// TestHostileExposure: the demo listens on loopback, on the ports that it prints, and nowhere else.
func TestHostileExposure(t *testing.T) {
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("this system has no /proc/net/tcp")
	}
	if l, err := net.Listen("tcp", "127.0.0.1:2525"); err != nil {
		t.Skip("the demo's port 2525 is taken on this machine")
	} else {
		l.Close()
	}
	out := &lines{}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), out, out
	require.NoError(t, cmd.Start())
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		require.NoError(t, cmd.Wait())
	}()
	eventually(t, time.Minute, func() error { return match(`Ctrl-C stops it`, out.String()) })
	mine := map[string]bool{}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid))
	require.NoError(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", cmd.Process.Pid, fd.Name())); err == nil {
			mine[to] = true
		}
	}
	n := 0
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, _ := os.ReadFile("/proc/net/" + table)
		for _, line := range strings.Split(string(b), "\n")[1:] {
			f := strings.Fields(line)
			if len(f) < 10 || !mine["socket:["+f[9]+"]"] {
				continue
			}
			n++
			require.Equal(t, "tcp", table, line)
			host, hex, _ := strings.Cut(f[1], ":")
			require.Equal(t, "0100007F", host, "not on loopback: %s", line)
			var p int
			fmt.Sscanf(hex, "%X", &p)
			require.Regexp(t, regexp.MustCompile(fmt.Sprintf(`(?m)^  \S+ +127\.0\.0\.1:%d\b`, p)), out.String())
		}
	}
	require.Equal(t, 6, n)
}
