package restrict_test

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

var record = flag.Bool("record", false, "write what Debian's Postfix answers into testdata/dialogues.txt")

const postfixMain = `compatibility_level = 3.6
queue_directory = $D/spool
data_directory = $D/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = $D/log
maillog_file_prefixes = $D
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_base = $D/box
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtp_dns_support_level = enabled
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = $D/auth
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 100
defer_transports = smtp relay local virtual
default_process_limit = 20
`

const postfixServices = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

// nameserverAt is where the zone is served for Postfix, which asks at port 53 only.
const nameserverAt = "127.0.0.77:53"

// What the dialogues say is what Postfix says. With -record it is written down anew.
func TestPostfixSaysSo(t *testing.T) {
	lack := func(why string) {
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	version, err := exec.Command("postconf", "-dh", "mail_version").Output()
	switch {
	case err != nil || !strings.HasPrefix(string(version), "3.7."):
		lack("needs Debian's Postfix 3.7")
	case os.Getuid() != 0:
		lack("a Postfix of the test's own needs root")
	case exec.Command("unshare", "--mount", "true").Run() != nil:
		lack("namespaces can't be made here")
	}
	zoneText, err := os.ReadFile("testdata/zone.txt")
	require.NoError(t, err)
	ns, err := nameserver.StartAt(mailauthtest.MustParse(string(zoneText)), nameserverAt)
	if err != nil {
		t.Skip("somebody else has " + nameserverAt + ": " + err.Error()) // what Postfix said is compared all the same
	}
	defer ns.Close()
	ds := readDialogues(t)
	dir, err := os.MkdirTemp("", "postfix") // not TempDir: its parents can't be entered by other users
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	site, err := os.ReadFile("testdata/site.cf")
	require.NoError(t, err)
	ports := make([]string, len(ds))
	services := postfixServices
	var taken []net.Listener
	for i, d := range ds {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		taken = append(taken, l) // until all have theirs: a port that is free again may be given twice
		ports[i] = l.Addr().String()
		services += ports[i] + " inet n - n - - smtpd\n -o syslog_name=postfix/" + fmt.Sprint(d.line) + "\n"
		for k, v := range d.params {
			services += " -o { " + k + " = " + v + " }\n"
		}
	}
	for _, l := range taken {
		l.Close()
	}
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "$D", dir)), 0o644))
	}
	// Postfix asks who offers mechanisms, once, and XCLIENT does the rest.
	auth, err := net.Listen("unix", filepath.Join(dir, "auth"))
	require.NoError(t, err)
	require.NoError(t, os.Chmod(filepath.Join(dir, "auth"), 0o666))
	defer auth.Close()
	go func() {
		for {
			c, err := auth.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			fmt.Fprint(c, "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\nDONE\n")
		}
	}()
	write("etc/main.cf", postfixMain+string(site))
	write("etc/master.cf", services)
	write("resolv.conf", "nameserver 127.0.0.77\noptions attempts:1 timeout:2\n")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "spool"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o755))
	var out strings.Builder
	// The shell stays: it is whom the kernel ends when the test ends, and all processes of its namespace with it.
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c",
		"mount --bind $1/resolv.conf /etc/resolv.conf && chown postfix $1/data && postfix -c $1/etc start-fg; exit", "sh", dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("%s\n%s", out.String(), log[max(0, len(log)-4000):])
		}
	}()
	got := make([][]string, len(ds))
	var all sync.WaitGroup
	turn := make(chan struct{}, 8)
	for i, d := range ds {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			got[i] = d.withPostfix(ports[i])
		})
	}
	all.Wait()
	for i, d := range ds {
		for j := range d.lines {
			if *record {
				d.lines[j].answer = got[i][j]
			} else if got[i][j] != d.lines[j].answer {
				t.Errorf("dialogues.txt, line %d: to %q Postfix says %q, not %q", d.line, d.lines[j].says, got[i][j], d.lines[j].answer)
			}
		}
	}
	if *record {
		var all []string
		for _, d := range ds {
			all = append(all, d.String())
		}
		require.NoError(t, os.WriteFile("testdata/dialogues.txt", []byte(strings.Join(all, "\n")), 0o644))
	}
}

// withPostfix has the conversation with the smtpd at addr.
func (d *dialogue) withPostfix(addr string) []string {
	var c net.Conn
	var err error
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err = net.DialTimeout("tcp", addr, time.Second); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		return slices.Repeat([]string{err.Error()}, len(d.lines))
	}
	defer c.Close()
	patience := 60 * time.Second
	if d.lines[0].answer == "(gone)" { // a configuration that smtpd doesn't start with, and is not started again with for a minute
		patience = 2 * time.Second
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	say := func(l string) error { _, err := fmt.Fprintf(c, "%s\r\n", l); return err }
	reverse, ok := d.attrs["reverse"]
	if !ok {
		reverse = d.name
	}
	xclient := "XCLIENT ADDR=" + d.addr + " NAME=" + d.name + " REVERSE_NAME=" + reverse
	if v, ok := d.attrs["login"]; ok {
		xclient += " LOGIN=" + v
	}
	answer(r)
	_ = say("EHLO localhost")
	answer(r)
	_ = say(xclient)
	answer(r)
	return talk(r, say, d.lines)
}
