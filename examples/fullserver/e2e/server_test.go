package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a running fullserver on ports of its own, in a folder of its own.
type server struct {
	t                                  *testing.T
	dir                                string
	wrap                               []string // a command before the server's: what it runs in
	args                               []string
	smtp, submission, imap, pop3, lmtp string // addresses
	cmd                                *exec.Cmd
	done                               chan struct{} // closed when the process has ended
	err                                error
}

// start starts a server for users u0, u1, … at example.test with passwords secret0, secret1, …; params are pairs
// of parameters and values that override the defaults.
func start(t *testing.T, users int, params ...string) *server {
	t.Helper()
	return startIn(t, nil, users, params...)
}

// startIn starts one in what another command makes, which ends by running the command that follows it.
func startIn(t *testing.T, wrap []string, users int, params ...string) *server {
	t.Helper()
	s := &server{t: t, wrap: wrap, dir: t.TempDir()}
	var list strings.Builder
	for i := range users {
		fmt.Fprintf(&list, "u%d@example.test:{PLAIN}secret%d\n", i, i)
	}
	require.NoError(t, os.WriteFile(s.dir+"/users", []byte(list.String()), 0o600))
	ports := freePorts(t, 5)
	s.smtp, s.submission, s.imap, s.pop3, s.lmtp = ports[0], ports[1], ports[2], ports[3], ports[4]
	p := map[string]string{
		"data_directory": s.dir, "myhostname": "mail.example.test", "mydomain": "example.test",
		"virtual_mailbox_domains": "example.test", "mynetworks": "127.0.0.0/8", "passwd_file": s.dir + "/users",
		"maillog_file": s.dir + "/mail.log", "mail_location": "maildir:" + s.dir + "/mail/%d/%n",
		"smtp_listen": s.smtp, "submission_listen": s.submission, "imap_listen": s.imap, "pop3_listen": s.pop3,
		"lmtp_listen": s.lmtp, "disable_plaintext_auth": "no",
		"mail_auth_check": "no", // it asks the DNS
	}
	for i := 0; i < len(params); i += 2 {
		p[params[i]] = params[i+1]
	}
	if owner := p["mail_owner"]; owner != "" { // whom the server becomes
		run(t, nil, "chown", "-R", owner, s.dir)
		run(t, nil, "chmod", "755", s.dir, filepath.Dir(s.dir))
	}
	names := make([]string, 0, len(p))
	for k := range p {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		s.args = append(s.args, "-o", k+"="+p[k])
	}
	t.Cleanup(s.stop) // of one that never listens, too
	s.startAgain()
	return s
}

func freePorts(t *testing.T, n int) (addrs []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// startAgain starts the process and waits until it listens.
func (s *server) startAgain() {
	s.t.Helper()
	out, err := os.OpenFile(s.dir+"/out", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(s.t, err)
	argv := append(append(append([]string(nil), s.wrap...), binary), s.args...)
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, out, out
	require.NoError(s.t, s.cmd.Start())
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		s.err = cmd.Wait()
		out.Close()
		close(done)
	}(s.cmd, s.done)
	for _, a := range []string{s.smtp, s.imap, s.pop3} {
		eventually(s.t, time.Minute, func() error {
			select {
			case <-s.done:
				b, _ := os.ReadFile(s.dir + "/out")
				s.t.Fatalf("fullserver ended: %v\n%s", s.err, b)
			default:
			}
			c, err := net.Dial("tcp", a)
			if err == nil {
				c.Close()
			}
			return err
		})
	}
}

// stop ends the server as an operator does and wants to see it end well.
func (s *server) stop() {
	s.t.Helper()
	if s.done == nil {
		return // it was never started
	}
	select {
	case <-s.done:
		return
	default:
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		if s.err != nil {
			s.t.Errorf("fullserver ended with %v", s.err)
		}
	case <-time.After(20 * time.Second):
		s.kill()
		s.t.Error("fullserver did not end within 20 seconds of SIGTERM")
	}
	if s.t.Failed() {
		b, _ := os.ReadFile(s.dir + "/out")
		log, _ := os.ReadFile(s.dir + "/mail.log")
		s.t.Logf("output:\n%s\nend of the log:\n%s", b, log[max(0, len(log)-4000):])
	}
}

// kill ends it as a power cut does to a process.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// log returns the mail log so far.
func (s *server) log() string {
	b, _ := os.ReadFile(s.dir + "/mail.log")
	return string(b)
}

// port returns the port of an address as a string.
func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// maildir returns the contents of the messages in a user's Maildir, every folder of it, by file name.
func (s *server) maildir(user string) map[string][]byte {
	s.t.Helper()
	out := map[string][]byte{}
	filepath.WalkDir(s.dir+"/mail/example.test/"+user, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if in := filepath.Base(filepath.Dir(path)); in == "new" || in == "cur" {
				b, err := os.ReadFile(path)
				require.NoError(s.t, err)
				out[path] = b
			}
		}
		return nil
	})
	return out
}

// count returns how many messages the Maildirs of u0 to u<users-1> hold.
func (s *server) count(users int) (n int) {
	for i := range users {
		n += len(s.maildir(fmt.Sprintf("u%d", i)))
	}
	return n
}

// crlf makes every line end CRLF.
func crlf(b []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}
