package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Machine is a machine of the test's own, with Debian's Postfix and Dovecot as they are installed: configured in /etc/postfix and /etc/dovecot, on the
// usual ports, started and stopped by their own commands. It has mounts, processes and a network of its own, in which there is loopback and nothing
// else.
type Machine struct {
	Dir string // is in the machine what it is outside
	s   *Server
	pid string
}

// Installed makes a machine on which nothing runs yet. files are what is in /etc, by their names from there on: "postfix/main.cf". There is a user
// vmail, 5000.
func Installed(t TB, files map[string]string) *Machine {
	t.Helper()
	return newMachine(t, files, "")
}

// Installed24 is Installed with Debian 13's Dovecot 2.4 where Debian 12's is. It skips the test where .ci/dovecot24 hasn't unpacked that.
func Installed24(t TB, files map[string]string) *Machine {
	t.Helper()
	root := cached("dovecot24")
	if _, err := os.Stat(filepath.Join(root, "usr/sbin/dovecot")); err != nil {
		t.Skipf("Debian 13's Dovecot isn't there: .ci/dovecot24 fetches it, where a mirror has it")
	}
	return newMachine(t, files, `mkdir $D/layer
mount -t tmpfs tmpfs $D/layer
mkdir $D/layer/up $D/layer/work $D/layer/root $D/layer/bin
R=$D/layer/root
mount -t overlay overlay -o lowerdir=`+root+`,upperdir=$D/layer/up,workdir=$D/layer/work $R
mkdir -p $R$D $R/proc $R/dev $R/run $R/var/spool/postfix $R/var/log $R/var/lib/dovecot $R/etc/dovecot
mount --rbind /dev $R/dev
for f in /proc /run /etc/passwd /etc/group /etc/dovecot /var/spool/postfix /var/lib/dovecot /var/log $D; do mount --bind $f $R$f; done
for p in /usr/sbin/dovecot /usr/bin/doveadm /usr/bin/doveconf; do
	printf '#!/bin/sh\nexec chroot %s %s "$@"\n' $R $p > $D/layer/bin/${p##*/}
	chmod 755 $D/layer/bin/${p##*/}
	mount --bind $D/layer/bin/${p##*/} $p
done
`)
}

// newMachine makes one; more is what is done there before it is ready.
func newMachine(t TB, files map[string]string, more string) *Machine {
	t.Helper()
	for _, program := range []string{"postfix", "dovecot", "nsenter", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			lack(t, program+" is not there: run .ci/deps")
		}
	}
	s := newServer(t)
	m := &Machine{Dir: s.Dir, s: s}
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v", err)
		}
		return string(b)
	}
	for _, dir := range []string{"etc/postfix", "etc/dovecot", "spool", "postfix", "dovecot", "log"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, "ns", dir), 0o755); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if out, err := exec.Command("cp", "-a", "/etc/postfix/.", filepath.Join(s.Dir, "ns/etc/postfix")).CombinedOutput(); err != nil { // what its package installs
		t.Fatalf("%s", out)
	}
	s.write("ns/etc/passwd", read("/etc/passwd")+"vmail:x:5000:5000::/nonexistent:/usr/sbin/nologin\n")
	s.write("ns/etc/group", read("/etc/group")+"vmail:x:5000:\n")
	for name, text := range files {
		s.write(filepath.Join("ns/etc", name), strings.ReplaceAll(text, "$D", s.Dir))
	}
	s.write("start", `set -e
D=`+s.Dir+`
ip link set lo up
mount -t tmpfs tmpfs /run
for f in passwd group postfix dovecot; do mount --bind $D/ns/etc/$f /etc/$f; done
mount --bind $D/ns/spool /var/spool/postfix
mount --bind $D/ns/postfix /var/lib/postfix
mount --bind $D/ns/dovecot /var/lib/dovecot
mount --bind $D/ns/log /var/log
chown postfix /var/lib/postfix
`+more+`echo up > $D/up
sleep 1000000 & wait # as the first process it takes up whatever ends
`)
	s.cmd = exec.Command("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "/bin/sh", filepath.Join(s.Dir, "start"))
	s.cmd.Dir = s.Dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	endsWithUs(s.cmd)
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		lack(t, "namespaces can't be made here: "+err.Error())
	}
	exited := make(chan struct{})
	s.exited = exited
	go func() {
		defer close(exited)
		s.cmd.Wait()
	}()
	t.Cleanup(s.Stop)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(s.Dir, "up")); err == nil {
			break
		}
		select {
		case <-exited:
			lack(t, "no machine of the test's own: "+s.out.tail())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the machine doesn't start")
		}
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", s.cmd.Process.Pid))
	if m.pid = strings.TrimSpace(string(children)); err != nil || m.pid == "" {
		t.Fatalf("the machine's first process isn't known: %v", err)
	}
	return m
}

// Run runs a program on the machine and returns what it prints, on both of its outputs.
func (m *Machine) Run(ctx context.Context, stdin io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", m.pid, "--mount", "--pid", "--net", "--wd=" + m.Dir, "--", name}, args...)...)
	cmd.Stdin = stdin
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "LC_ALL=C.UTF-8", "HOME="+m.Dir)
	out, err := os.CreateTemp(m.Dir, "out-") // not a pipe, which daemons that the program starts keep open
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	return string(bytes.ToValidUTF8(text, []byte("?"))), err
}
