package interop_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reader is the system user, in a jail, whose mailboxes are delivered to.
const readerID = 5999

// jail is a root directory and a process namespace of a mail server's own. It sees the machine's programs and network,
// and dir under its own name; /etc, /var and /run are the jail's. All its processes end with the test.
type jail struct {
	t      *testing.T
	dir    string // configuration, logs and mailboxes
	out    lockedBuffer
	exited chan struct{}
}

// logShown is how much of a server's log a failed test shows.
const logShown = 4 << 10

// newJail prepares a jail. users are system accounts that the server wants beside those of the machine.
func newJail(t *testing.T, users ...string) *jail {
	t.Helper()
	program(t, "unshare")
	if os.Getuid() != 0 {
		lack(t, "a mail server of the test's own needs root")
	}
	if err := exec.Command("unshare", "--mount", "--pid", "--fork", "true").Run(); err != nil {
		lack(t, "namespaces can't be made here: "+err.Error())
	}
	j := &jail{t: t, dir: folder(t), exited: make(chan struct{})}
	passwd, err := os.ReadFile("/etc/passwd")
	require.NoError(t, err)
	group, err := os.ReadFile("/etc/group")
	require.NoError(t, err)
	for i, u := range append([]string{"reader"}, users...) {
		passwd = fmt.Appendf(passwd, "%s:x:%d:%d::/var/empty:/bin/false\n", u, readerID-i, readerID-i)
		group = fmt.Appendf(group, "%s:x:%d:\n", u, readerID-i)
	}
	for name, content := range map[string]string{
		"passwd": string(passwd), "group": string(group), "hosts": "127.0.0.1 localhost mx.example.test\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n", "resolv.conf": "nameserver 127.0.0.1\n",
		"mailname": "mx.example.test\n",
	} {
		write(t, j.path("etc", name), content)
	}
	require.NoError(t, os.Mkdir(j.path("root"), 0o755))
	require.NoError(t, os.Mkdir(j.path("box"), 0o755))
	require.NoError(t, os.Chown(j.path("box"), readerID, readerID))
	return j
}

func (j *jail) path(elem ...string) string {
	return filepath.Join(append([]string{j.dir}, elem...)...)
}

// The root is a tmpfs with the machine's /usr in it, so that nothing outside dir can be written.
const jailScript = `set -e
D=$1 PEERS=$2
cd "$D/root"
mount -t tmpfs -o mode=755 tmpfs .
cd "$D/root"
mkdir -p usr etc dev proc tmp var/empty var/lib/opensmtpd/empty var/spool var/tmp run peers ".$D"
chmod 1777 tmp var/tmp
ln -s usr/bin usr/sbin usr/lib usr/lib64 .
ln -s ../run var/run
mount --bind /usr usr
mount --rbind /dev dev
mount -t proc proc proc
cp -a "$D"/etc/. etc/
cp -a /etc/services /etc/protocols /etc/ld.so.cache etc/
[ ! -d /etc/postfix ] || cp -a /etc/postfix etc/
if [ -d "$PEERS" ]; then
	mount --bind "$PEERS" peers
	mount --bind "$PEERS/usr/libexec" usr/libexec
fi
mount --bind "$D" ".$D"
chroot . /bin/sh -e "$D/start"
exit # without this the shell would give way to a program that may be setuid, and outlive the test for it
`

// start runs a shell script in the jail, which stays in the foreground, and waits until the addresses are listened on.
func (j *jail) start(script string, addrs ...string) {
	j.t.Helper()
	write(j.t, j.path("start"), "export PATH=/usr/sbin:/usr/bin\ncd /\n"+script)
	peers, err := filepath.Abs("../../.cache/peers")
	require.NoError(j.t, err)
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", jailScript, "jail", j.dir, peers)
	cmd.Stdout, cmd.Stderr = &j.out, &j.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	require.NoError(j.t, cmd.Start())
	go func() {
		defer close(j.exited)
		cmd.Wait()
	}()
	j.t.Cleanup(func() {
		cmd.Process.Kill()
		<-j.exited
		if j.t.Failed() {
			log := j.log()
			j.t.Logf("the server said:\n%s", log[max(0, len(log)-logShown):])
		}
	})
	for _, a := range addrs {
		require.Eventually(j.t, func() bool { return listens(a) || j.gone() }, patience, tick, "nobody listens on %s", a)
	}
	if j.gone() {
		j.t.Fatalf("the server doesn't start:\n%s", j.log())
	}
}

func (j *jail) gone() bool {
	select {
	case <-j.exited:
		return true
	default:
		return false
	}
}

// log returns what the server has written.
func (j *jail) log() string {
	var b strings.Builder
	b.WriteString(j.out.String())
	files, _ := filepath.Glob(j.path("log", "*"))
	for _, f := range files {
		if content, err := os.ReadFile(f); err == nil {
			b.Write(content)
		}
	}
	return b.String()
}

// peers skips a test where .ci/peers has not been able to run.
func peers(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("../../.cache/peers", file)); err != nil {
		lack(t, "run .ci/peers first: "+file+" is missing")
	}
}

// delivered waits until a letter is in a user's Maildir, and returns it with what the server put before it.
func (j *jail) delivered(t *testing.T, user string, l letter) (trace, text string) {
	t.Helper()
	content := j.find(t, user, "\nMessage-ID: <"+l.id+">")
	start := strings.Index(content, "From: Sender <")
	require.GreaterOrEqual(t, start, 0)
	return content[:start], content[start:]
}

// find waits until there is a message with a text in a user's Maildir.
func (j *jail) find(t *testing.T, user, text string) string {
	t.Helper()
	var content string
	require.Eventually(t, func() bool {
		content = j.search(user, text)
		return content != ""
	}, patience, tick, "%q has not come to %s", text, user)
	return content
}

// search returns the message in a user's Maildir that has a text in it, or "".
func (j *jail) search(user, text string) string {
	files, _ := filepath.Glob(j.path("box", user, "new", "*"))
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte(text)) {
			return string(b)
		}
	}
	return ""
}
