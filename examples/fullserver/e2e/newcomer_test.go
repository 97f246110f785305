package e2e

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// demo starts the server in an empty folder without a word of configuration, waits for it, asks what the newcomer would ask,
// and ends it with Ctrl-C. The ports are the demo's own, so only one can run.
func demo(t *testing.T, dir string, ask func(out string)) string {
	t.Helper()
	if c, err := net.Dial("tcp", "127.0.0.1:2525"); err == nil {
		c.Close()
		t.Skip("something listens on port 2525 already, so the demo can't")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &screen{}
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	require.NoError(t, cmd.Start())
	for _, p := range []string{"2525", "2587", "1143", "1110", "2424"} {
		eventually(t, time.Minute, func() error {
			c, err := net.Dial("tcp", "127.0.0.1:"+p)
			if err == nil {
				c.Close()
			}
			return err
		})
	}
	eventually(t, time.Minute, func() error { return match(`bob@example\.test`, out.String()) })
	ask(out.String())
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, cmd.Wait(), "Ctrl-C ends it well:\n%s", out)
	return out.String()
}

// TestNewcomer: the README's first command, twice.
func TestNewcomer(t *testing.T) {
	need(t, "curl")
	dir := t.TempDir()
	var alice string
	out := demo(t, dir, func(out string) {
		m := regexp.MustCompile(`alice@example\.test\s+(\S+)`).FindStringSubmatch(out)
		require.NotNil(t, m, out)
		alice = m[1]
		require.NoError(t, os.WriteFile(dir+"/m", []byte("Subject: first\r\n\r\nHello\r\n"), 0o600))
		run(t, nil, "curl", "-sS", "smtp://127.0.0.1:2525", "--mail-from", "bob@example.test", "--mail-rcpt", "alice@example.test", "--upload-file", dir+"/m")
		require.Contains(t, run(t, nil, "curl", "-sS", "-u", "alice@example.test:"+alice, "imap://127.0.0.1:1143/INBOX;MAILINDEX=1"), "Subject: first")
	})
	for _, want := range []string{"2525", "2587", "1143", "1110", "2424", "bob@example.test"} {
		require.Contains(t, out, want)
	}
	for _, f := range []string{"main.cf", "users"} {
		require.FileExists(t, filepath.Join(dir, "fullserver-data", f))
	}
	cf, err := os.ReadFile(dir + "/fullserver-data/main.cf")
	require.NoError(t, err)
	require.Contains(t, string(cf), "\n#", "a commented main.cf")
	users, err := os.ReadFile(dir + "/fullserver-data/users")
	require.NoError(t, err)
	require.NotContains(t, string(users), alice, "passwords are not stored as they are")

	demo(t, dir, func(string) {
		require.Contains(t, run(t, nil, "curl", "-sS", "-u", "alice@example.test:"+alice, "pop3://127.0.0.1:1110/1"), "Subject: first", "it keeps what it has")
	})
	again, err := os.ReadFile(dir + "/fullserver-data/main.cf")
	require.NoError(t, err)
	require.True(t, bytes.Equal(cf, again), "the configuration is the operator's now")
}

// TestBadConfiguration: one clear line that names file, line and parameter, status 1, and nothing half started.
func TestBadConfiguration(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	free := freePorts(t, 1)[0]
	dir := t.TempDir()
	cf := dir + "/main.cf"
	for _, x := range []struct{ lines, want string }{
		{"message_size_limit = many\n", `main\.cf(:| line |, line )1: .*message_size_limit`},
		{"data_directory = " + dir + "\nsmtp_listen = " + free + "\nimap_listen = " + taken.Addr().String() + "\n", `main\.cf(:| line |, line )3: .*imap_listen.*in use`},
		{"smtp_listen = nonsense\n", `main\.cf(:| line |, line )1: .*smtp_listen`},
		{"mydomain = ${mydomain}\n", `main\.cf(:| line |, line )1: .*mydomain`},
	} {
		require.NoError(t, os.WriteFile(cf, []byte(x.lines), 0o600))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, binary, "-c", cf)
		cmd.Dir, cmd.Stderr = dir, &stderr
		err := cmd.Run()
		cancel()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, x.lines)
		require.Equal(t, 1, exit.ExitCode(), x.lines)
		require.Regexp(t, x.want, stderr.String())
		require.Equal(t, 1, strings.Count(strings.TrimSpace(stderr.String())+"\n", "\n"), "one line:\n%s", stderr.String())
	}
	// A parameter that doesn't exist is told, as Postfix tells it, and stops nobody.
	require.NoError(t, os.WriteFile(cf, []byte("myhostname = a.test\nmyhostnmae = b.test\n"), 0o600))
	out, err := exec.Command(binary, "-c", cf, "postconf", "-n").CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "main.cf, line 2: unused parameter: myhostnmae=b.test; did you mean myhostname?\n")
	c, err := net.Dial("tcp", free)
	if err == nil {
		c.Close()
	}
	require.Error(t, err, "half started")
}

// TestPostconf: the parameters in force.
func TestPostconf(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/main.cf", []byte("# comment\nmyhostname = mx.example.test\nmydestination = $myhostname,\n  localhost\nsmtpd_banner = ${myhostname?yes} $mydomain\n"), 0o600))
	out := run(t, nil, binary, "-c", dir+"/main.cf", "postconf", "-n")
	require.Contains(t, out, "myhostname = mx.example.test\n")
	require.NotContains(t, out, "message_size_limit")
	require.Equal(t, "message_size_limit = 10240000\n", run(t, nil, binary, "-c", dir+"/main.cf", "postconf", "message_size_limit"))
	require.Contains(t, run(t, nil, binary, "-c", dir+"/main.cf", "postconf"), "\nmaillog_file =\n")
	require.Contains(t, run(t, nil, binary, "-c", dir+"/main.cf", "-o", "mydomain=x.test", "postconf", "mydomain"), "mydomain = x.test\n")
}
