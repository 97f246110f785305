package maillog_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/maillog"
)

// journald is systemd's own, with sockets and files in a folder of the test's.
type journald struct {
	t                *testing.T
	sockets, journal string
}

// startJournald starts one beside whatever runs on this machine: in a namespace of journald's, which has no part in the kernel's log, and one of the kernel's for mounts,
// so that it writes nowhere but into the folder.
func startJournald(t *testing.T) *journald {
	const program = "/lib/systemd/systemd-journald"
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs Debian's systemd")
	}
	if id, err := os.ReadFile("/etc/machine-id"); err != nil || len(id) < 32 {
		t.Skip("journald needs /etc/machine-id")
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("mounts of its own can't be had: %v: %s", err, out)
	}
	dir := t.TempDir()
	j := &journald{t, dir + "/s", dir + "/log/journal"}
	for _, d := range []string{j.sockets, j.journal} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	cmd := exec.Command("unshare", "-m", "sh", "-ec", `mount --bind "$1" /var/log && exec "$2" buuta`, "sh", dir+"/log", program)
	cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+j.sockets)
	said, err := os.Create(dir + "/said")
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		said.Close()
	})
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(j.sockets + "/socket"); err == nil {
			return j
		}
		select {
		case err := <-ended:
			ended <- err
			text, _ := os.ReadFile(said.Name())
			t.Fatalf("journald ended: %v: %s", err, text)
		default:
		}
		require.Less(t, time.Since(begun), patience, "journald doesn't listen")
	}
}

// find waits until journalctl finds so many entries, and returns them.
func (j *journald) find(n int, matches ...string) (out []map[string]any) {
	j.t.Helper()
	require.Eventually(j.t, func() bool {
		found, err := filepath.Glob(j.journal + "/*")
		if err != nil || len(found) != 1 { // made after the sockets
			return false
		}
		text, err := exec.Command("journalctl", append([]string{"-o", "json", "--all", "--directory=" + found[0]}, matches...)...).Output()
		out = nil
		for line := range strings.Lines(string(text)) {
			e := map[string]any{}
			if json.Unmarshal([]byte(line), &e) != nil {
				return false
			}
			out = append(out, e)
		}
		return err == nil && len(out) == n
	}, patience, 100*time.Millisecond, "%v", matches)
	return out
}

// Lines get to systemd's own journald with their fields, which journalctl finds them by: as entries of the journal, and by its syslog socket.
func TestJournald(t *testing.T) {
	j := startJournald(t)
	to, err := maillog.Journal(j.sockets+"/socket", "mail")
	require.NoError(t, err)
	classic, err := maillog.Syslog(j.sockets+"/dev-log", "mail")
	require.NoError(t, err)
	o := options
	o.Targets, o.NoFile = []maillog.Target{to, classic}, true
	l := open(t, "", o)
	const id = "4Xy1bC2dEfzGh"
	long := strings.Repeat("x", 20<<10)
	l.Print("postfix/qmgr", id, ": from=<lá@thư.test>\nMESSAGE=forged")
	l.Print("postfix/smtpd", "warning: it is full")
	l.Print("dovecot:", "imap-login: Login: ", long)
	require.NoError(t, l.Close())

	pid := fmt.Sprint(os.Getpid())
	e := j.find(1, "MAIL_QUEUE_ID="+id)[0]
	for name, want := range map[string]string{"MESSAGE": id + ": from=<lá@thư.test>?MESSAGE=forged", "PRIORITY": "6", "SYSLOG_FACILITY": "2", "SYSLOG_IDENTIFIER": "postfix/qmgr",
		"SYSLOG_PID": "3125", "_TRANSPORT": "journal", "_PID": pid} {
		require.Equal(t, want, e[name], name)
	}
	e = j.find(2, "-t", "postfix/smtpd", "-p", "warning")[0]
	require.Equal(t, "warning: it is full", e["MESSAGE"])
	require.NotContains(t, e, "MAIL_QUEUE_ID")
	for _, e := range j.find(2, "-t", "dovecot") {
		text, _ := e["MESSAGE"].(string)
		require.True(t, strings.HasPrefix(text, "imap-login: Login: "+long[:7000]), "%d octets", len(text))
		require.NotContains(t, text, "\n")
	}
	e = j.find(1, "-t", "postfix/qmgr", "_TRANSPORT=syslog")[0]
	require.Equal(t, id+": from=<lá@thư.test>?MESSAGE=forged", e["MESSAGE"])
	require.Equal(t, "2", e["SYSLOG_FACILITY"])
	require.Equal(t, "3125", e["SYSLOG_PID"])
}
