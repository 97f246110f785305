package scene

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Site is what a host is made of.
type Site struct {
	Addr   string            // its address
	Folder string            // with main.cf and the tables beside it, which are copied; "" for what Files have
	Files  map[string]string // files beside main.cf, in the place of those of Folder
	Users  []string          // its mailboxes, user@domain, or lines for passwd_file in which $D is its folder; the password of each is Password
	Params []string          // "name=value", stronger than main.cf: what a test must have otherwise
	Disk   string            // the size of the disk that its data is on, "64m"; "" for the test's own disk. For fullserver
	Only   []string          // "name=value" for Debian's programs alone: what Postfix calls otherwise
}

// Password is every user's.
const Password = "secret"

// quick is what a test has otherwise than a site that has time: a queue that tries again at once.
var quick = []string{"minimal_backoff_time=1s", "maximal_backoff_time=1s", "queue_run_delay=1s", "smtp_connect_timeout=5s"}

// Host is a running host.
type Host struct {
	Addr string
	Dir  string // Dir/etc has main.cf and its tables

	t     *testing.T
	kind  string
	log   string // file
	mail  string // folder with the Maildirs
	imap  string
	start func()
	stop  func()
	pid   int
}

// Kinds are what a host can be: New returns one of them by its name.
var Kinds = []string{"fullserver", "Debian"}

// Host starts a host of a kind.
func (s *Scene) Host(kind string, o Site) *Host {
	s.t.Helper()
	if kind == "Debian" {
		return s.Debian(o)
	}
	return s.Fullserver(o)
}

// files are a site's, by their names.
func (o *Site) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	if o.Folder != "" {
		list, err := os.ReadDir(o.Folder)
		require.NoError(t, err)
		for _, f := range list {
			if f.Type().IsRegular() && !strings.Contains(f.Name(), "_test.go") && !strings.HasPrefix(f.Name(), "README") && filepath.Ext(f.Name()) != ".svg" {
				b, err := os.ReadFile(filepath.Join(o.Folder, f.Name()))
				require.NoError(t, err)
				out[f.Name()] = string(b)
			}
		}
	}
	for name, text := range o.Files {
		out[name] = text
	}
	return out
}

// prepared is a host's folder, and the arguments that it is started with.
func (s *Scene) prepared(o Site) (*Host, []string) {
	s.t.Helper()
	s.Address(o.Addr)
	dir, err := os.MkdirTemp("", "host")
	require.NoError(s.t, err)
	s.t.Cleanup(func() { os.RemoveAll(dir) })
	h := &Host{Addr: o.Addr, Dir: dir, t: s.t, kind: "fullserver", log: dir + "/mail.log", mail: dir + "/data/mail", imap: o.Addr + ":143"}
	require.NoError(s.t, os.MkdirAll(dir+"/etc", 0o755))
	require.NoError(s.t, os.MkdirAll(dir+"/data", 0o755))
	if o.Disk != "" {
		unmount, err := disk(dir+"/data", o.Disk)
		require.NoError(s.t, err)
		s.t.Cleanup(unmount)
	}
	for name, text := range o.files(s.t) {
		require.NoError(s.t, os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644))
	}
	var users strings.Builder
	for _, u := range o.Users {
		if !strings.Contains(u, ":") {
			u += ":{PLAIN}" + Password
		}
		users.WriteString(strings.ReplaceAll(u, "$D", dir) + "\n")
	}
	require.NoError(s.t, os.WriteFile(dir+"/data/users", []byte(users.String()), 0o600))
	return h, h.Args(append(append([]string{"data_directory=" + dir + "/data", "maillog_file=" + h.log, "inet_interfaces=" + o.Addr}, quick...), o.Params...)...)
}

// Check runs "fullserver check" for a site that isn't running, and returns what it says.
func (s *Scene) Check(o Site) string {
	s.t.Helper()
	h, args := s.prepared(o)
	out, _ := Try(s.t, args, "check")
	return strings.ReplaceAll(out, h.Dir+"/etc/", "")
}

// Fullserver starts the server.
func (s *Scene) Fullserver(o Site) *Host {
	s.t.Helper()
	h, args := s.prepared(o)
	dir := h.Dir
	var done chan error
	h.start = func() {
		out, err := os.OpenFile(dir+"/out", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		require.NoError(s.t, err)
		cmd := exec.Command(binary, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
		require.NoError(s.t, cmd.Start())
		h.pid = cmd.Process.Pid
		ended := make(chan error, 1)
		done = ended
		go func() {
			ended <- cmd.Wait()
			out.Close()
		}()
		h.stop = func() {
			if done == nil {
				return
			}
			done = nil
			require.NoError(s.t, cmd.Process.Signal(syscall.SIGTERM))
			select {
			case err := <-ended:
				require.NoError(s.t, err)
			case <-time.After(patience):
				_ = cmd.Process.Kill()
				s.t.Error("fullserver doesn't end")
			}
		}
		Eventually(s.t, func() error {
			select {
			case err := <-ended:
				b, _ := os.ReadFile(dir + "/out")
				s.t.Fatalf("fullserver ended: %v\n%s", err, b)
			default:
			}
			return listens(o.Addr + ":25")
		})
	}
	h.start()
	s.t.Cleanup(func() {
		h.stop()
		if s.t.Failed() {
			b, _ := os.ReadFile(dir + "/out")
			log := h.Log()
			s.t.Logf("%s said:\n%s\nend of its log:\n%s", o.Addr, b, log[max(0, len(log)-5000):])
		}
	})
	return h
}

// Args are the arguments that name its main.cf, and parameters.
func (h *Host) Args(params ...string) []string {
	args := []string{"-c", h.Dir + "/etc/main.cf"}
	for _, p := range params {
		args = append(args, "-o", p)
	}
	return args
}

func listens(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		c.Close()
	}
	return err
}

// Stop and Start end it and start it again, with everything that it has.
func (h *Host) Stop()  { h.stop() }
func (h *Host) Start() { h.start() }

// Log is what it has written to its log.
func (h *Host) Log() string {
	b, _ := os.ReadFile(h.log)
	return string(b)
}

// Logged waits for a line in its log.
func (h *Host) Logged(re string) {
	h.t.Helper()
	r := regexp.MustCompile(re)
	Eventually(h.t, func() error {
		if log := h.Log(); !r.MatchString(log) {
			return fmt.Errorf("%s is not in the log of %s (%s):\n%s", re, h.Addr, h.kind, log[max(0, len(log)-4000):])
		}
		return nil
	})
}

// Messages are the files of a user's mailboxes, of every folder.
func (h *Host) Messages(user string) (names []string) {
	local, domain, _ := strings.Cut(user, "@")
	dir := filepath.Join(h.mail, domain, local)
	if h.kind == "Debian" {
		dir = filepath.Join(h.mail, local)
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if in := filepath.Base(filepath.Dir(path)); err == nil && d.Type().IsRegular() && (in == "new" || in == "cur") {
			names = append(names, path)
		}
		return nil
	})
	return names
}

// Append adds to one of its files.
func (h *Host) Append(name, text string) {
	h.t.Helper()
	f, err := os.OpenFile(filepath.Join(h.Dir, name), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(h.t, err)
	_, err = f.WriteString(text)
	require.NoError(h.t, errors.Join(err, f.Close()))
}

// Run runs fullserver with arguments, and a command, to its end, and returns what it printed; it must succeed.
func Run(t *testing.T, args []string, command ...string) string {
	t.Helper()
	out, err := Try(t, args, command...)
	require.NoError(t, err, out)
	return out
}

// Try is Run for what may fail.
func Try(t *testing.T, args []string, command ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, append(slices.Clone(args), command...)...).CombinedOutput()
	return string(out), err
}

// Tell runs one of fullserver's commands on this host's files while it runs, with what is on its standard input, and returns what it printed.
func (h *Host) Tell(input string, command ...string) (string, error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append(h.Args("data_directory="+h.Dir+"/data", "maillog_file="+h.log), command...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Memory is what the process of fullserver holds, in octets; its text and what it has read of files by mapping them count too.
func (h *Host) Memory() int64 {
	h.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", h.pid))
	require.NoError(h.t, err)
	var size, resident int64
	_, err = fmt.Sscan(string(b), &size, &resident)
	require.NoError(h.t, err)
	return resident * int64(os.Getpagesize())
}
