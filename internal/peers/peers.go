// Package peers starts other people's mail servers for tests: Debian's Dovecot, Cyrus, Courier and Postfix, on loopback ports,
// each with users of the test's own, until the test ends. It needs root, for these servers change users and want their
// configuration where Debian has it; they get it in a mount namespace of their own, and nothing outside the test's folder is
// changed. .ci/deps and .ci/peers install and fetch what is missing; where that can't be done tests skip, or fail with CI=true.
package peers

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// TB is what a *testing.T, B or F gives.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// Server is a running mail server with the users "user1" to "user3", whose passwords are "secret".
type Server struct {
	IMAP, POP3 string // addresses, without TLS
	Dir        string // what is the server's: configuration, mail
	Maildir    string // of user1, "" where the server keeps mail in another way

	t   TB
	out output
	cmd *exec.Cmd

	exited chan struct{} // closed when it has ended
}

// Users are every server's users; their password is Password.
var users = []string{"user1", "user2", "user3"}

// Password is every user's password.
const Password = "secret"

// lack skips the test, or fails it where everything has to be there.
func lack(t TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s", why)
	}
	t.Skipf("%s", why)
}

// unpacked returns the folder of a set of packages that .ci/peers has unpacked.
func unpacked(t TB, set, program string) string {
	t.Helper()
	root := cached(set)
	if _, err := os.Stat(filepath.Join(root, program)); err != nil {
		lack(t, set+" is not there: run .ci/peers")
	}
	return root
}

// cached is where a set of packages is unpacked, if it is.
func cached(set string) string {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, ".ci", "peers")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, ".cache", set)
}

// newServer makes a folder and picks ports.
func newServer(t TB) *Server {
	t.Helper()
	if os.Getuid() != 0 {
		lack(t, "a mail server of the test's own needs root")
	}
	dir, err := os.MkdirTemp("", "peer") // not TempDir: its parents can't be entered by other users
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	return &Server{t: t, Dir: dir, IMAP: freePort(t), POP3: freePort(t)}
}

func freePort(t TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// write puts a file into the server's folder.
func (s *Server) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatalf("%v", err)
	}
}

// run starts a shell script that stays in the foreground, in namespaces of its own, and waits until the server listens. Over the
// machine's /usr lie the files of root, if it isn't "".
func (s *Server) run(root, script string) {
	s.t.Helper()
	prologue := "set -e\nD=" + s.Dir + "\n"
	if root != "" {
		prologue += "mkdir $D/ns\nmount -t tmpfs tmpfs $D/ns\nmkdir $D/ns/etc $D/ns/run\ncp -a /etc/. $D/ns/etc/\n" +
			"mount -t overlay overlay -o lowerdir=" + root + "/usr:/usr /usr\nmount --bind $D/ns/etc /etc\nmount --bind $D/ns/run /run\n"
	}
	// The shell stays as the first process of the namespace, which all others end with: the kernel ends it with us, but no longer once it has
	// become a program that changes users.
	s.write("start", prologue+"(\n"+script+"\n)\nexit $?\n")
	s.cmd = exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", filepath.Join(s.Dir, "start"))
	s.cmd.Dir = s.Dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	endsWithUs(s.cmd)
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		lack(s.t, "namespaces can't be made here: "+err.Error())
	}
	exited := make(chan struct{})
	s.exited = exited
	go func() {
		defer close(exited)
		s.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		s.Stop()
		if s.t.Failed() {
			s.t.Logf("the server said:\n%s", s.out.tail())
		}
	})
	deadline := time.Now().Add(2 * time.Minute)
	for _, addr := range []string{s.IMAP, s.POP3} {
		for !listens(addr) {
			select {
			case <-exited:
				s.t.Fatalf("the server doesn't start:\n%s", s.out.tail())
			case <-time.After(20 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				s.t.Fatalf("nobody listens on %s:\n%s", addr, s.out.tail())
			}
		}
	}
}

// PID is its first process, which all others are below.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop ends it before the test does.
func (s *Server) Stop() {
	s.cmd.Process.Kill()
	<-s.exited
}

func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// output keeps the end of what a server says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len() > 1<<20 {
		o.b.Reset()
	}
	return o.b.Write(p)
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.b.String()
	return s[max(0, len(s)-4096):]
}

// text puts a line for each user together.
func text(format string) string {
	var b bytes.Buffer
	for _, u := range users {
		fmt.Fprintf(&b, format, u)
	}
	return b.String()
}
