//go:build linux

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Root starts the server; it takes a port that only root can take, and is somebody else before it reads a byte of mail. Mail comes in, goes out and is
// read, commands of aliases run, SIGHUP reads everything again, and what lies outside of its folders can't be seen from it, though everybody may write there.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	need(t, "swaks", "curl")
	const privileged = "127.0.9.80:80"
	named, outside := everybodys(t), everybodys(t)
	far := newCatcher(t)
	require.NoError(t, os.WriteFile(named+"/aliases", []byte(fmt.Sprintf("inside: \"|cat >>%s/mail\"\noutside: \"|cat >>%s/mail\"\n", named, outside)), 0o644))
	s := start(t, 3, "mail_owner", "daemon", "http_listen", privileged, "relayhost", bracketed(far.addr), "mydestination", "here.test",
		"alias_maps", "texthash:"+named+"/aliases", "confine_write", named, "minimal_backoff_time", "1s", "maximal_backoff_time", "1s")
	answer, err := http.Get("http://" + privileged + "/healthz")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 200, answer.StatusCode)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^Uid:\s+1\s+1\s+1\s+1$`, string(status))
	require.Regexp(t, `(?m)^CapPrm:\s+0+$`, string(status))
	require.Regexp(t, `(?m)^NoNewPrivs:\s+1$`, string(status))
	send := func(to string) {
		run(t, nil, "swaks", "--server", s.smtp, "--from", "a@example.test", "--to", to, "--silent", "2")
	}
	for _, to := range []string{"u0@example.test", "far@else.test", "inside@here.test", "outside@here.test"} {
		send(to)
	}
	for _, line := range []string{`to=<far@else\.test>.* status=sent`, `to=<inside@here\.test>.* status=sent`, `to=<outside@here\.test>.* status=(bounced|deferred) .*Permission denied`} {
		eventually(t, time.Minute, func() error { return match(line, s.log()) })
	}
	require.FileExists(t, named+"/mail")
	require.NoFileExists(t, outside+"/mail")

	list, err := os.ReadFile(s.dir + "/users")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.dir+"/users", append(list, "late@example.test:{PLAIN}late\n"...), 0o600))
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, time.Minute, func() error { return match(`postfix/master\[\d+\]: reloaded`, s.log()) })
	send("late@example.test")
	out := run(t, nil, "curl", "-sS", "imap://"+s.imap+"/INBOX/;UID=1", "-u", "late@example.test:late")
	require.Contains(t, out, "To: late@example.test")
	require.NotContains(t, strings.ReplaceAll(s.log(), outside, ""), "warning")
	// An operator's commands, called by root: while it runs, and when the queue lies there alone.
	command := append(s.args[:len(s.args):len(s.args)], "mailq")
	require.Equal(t, "Mail queue is empty\n", run(t, nil, binary, command...))
	s.stop()
	require.Equal(t, "Mail queue is empty\n", run(t, nil, binary, command...))
	strange, err := exec.Command("find", s.dir+"/queue", "-not", "-user", "daemon").Output()
	require.NoError(t, err)
	require.Empty(t, string(strange))
	for _, file := range []string{"/mail.log", "/queue", "/mail/example.test/u0"} {
		info, err := os.Stat(s.dir + file)
		require.NoError(t, err)
		require.EqualValues(t, 1, info.Sys().(*syscall.Stat_t).Uid, file)
	}
}

// everybodys is a folder that everybody may write to.
func everybodys(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

// What hinders it is told with the way out, and nothing was changed.
func TestOwnerRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir := everybodys(t)
	require.NoError(t, os.Mkdir(dir+"/roots", 0o700))
	for _, c := range []struct{ args, want string }{
		{"mail_owner=nobody-here data_directory=" + dir + "/new", "mail_owner: there is no user nobody-here: make one with useradd"},
		{"mail_owner=root data_directory=" + dir + "/new", "mail_owner: root is root"},
		{"mail_owner=daemon data_directory=" + dir + "/roots", "data_directory: " + dir + "/roots isn't daemon's: chown -R daemon " + dir + "/roots"},
	} {
		args := []string{"-o", "smtp_listen=127.0.0.1:0"}
		for _, a := range strings.Fields(c.args) {
			args = append(args, "-o", a)
		}
		out, err := try(t, nil, binary, args...)
		require.Error(t, err)
		require.Contains(t, out, c.want)
		require.NoDirExists(t, dir+"/new")
	}
}

// systemd's own program opens the port and hands it over when somebody comes, so that the server never needs the right to.
func TestSocketActivation(t *testing.T) {
	need(t, "systemd-socket-activate")
	dir, addr := t.TempDir(), freePorts(t, 1)[0]
	require.NoError(t, os.WriteFile(dir+"/users", []byte("u0@example.test:{PLAIN}secret0\n"), 0o600))
	args := []string{"-l", addr, binary}
	for _, o := range []string{"smtp_listen=" + addr, "data_directory=" + dir, "confine=yes", "myhostname=mail.example.test", "mail_auth_check=no", "smtpd_peername_lookup=no"} {
		args = append(args, "-o", o)
	}
	cmd := exec.Command("systemd-socket-activate", args...)
	var out lines
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, cmd.Wait(), out.String())
	}()
	var c net.Conn
	eventually(t, time.Minute, func() (err error) {
		c, err = net.Dial("tcp", addr)
		return err
	})
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	b := make([]byte, 512)
	n, err := c.Read(b)
	require.NoError(t, err, out.String())
	require.Contains(t, string(b[:n]), "220 mail.example.test")
}

// The unit is one that systemd understands, and leaves the service little to do beside its work: 2 of 10 at most.
func TestUnits(t *testing.T) {
	need(t, "systemd-analyze")
	dir := t.TempDir()
	for _, name := range []string{"fullserver.service", "fullserver.socket"} {
		unit, err := os.ReadFile("../systemd/" + name)
		require.NoError(t, err)
		unit = []byte(strings.ReplaceAll(string(unit), "/usr/local/bin/fullserver", binary))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), unit, 0o644))
	}
	require.Empty(t, run(t, nil, "systemd-analyze", "verify", dir+"/fullserver.service", dir+"/fullserver.socket"))
	out, err := try(t, nil, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", dir+"/fullserver.service")
	require.NoError(t, err, out)
}
