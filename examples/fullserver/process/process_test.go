//go:build linux

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// roles are what the test program does instead of testing, in a process of its own: what it takes from itself is gone for good.
var roles = map[string]func() error{"become": becomes, "confined": confined, "commands": commands, "sockets": sockets, "unmapped": unmapped, "givesback": givesBack}

const role, argument = "PROCESS_TEST_ROLE", "PROCESS_TEST_ARGUMENT"

func TestMain(m *testing.M) {
	if f := roles[os.Getenv(role)]; f != nil {
		if err := f(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play runs a role.
func play(t *testing.T, name, arg string, change func(*exec.Cmd)) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"="+name, argument+"="+arg)
	if change != nil {
		change(cmd)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func needRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
}

func TestLookupOwner(t *testing.T) {
	_, err := LookupOwner("no-such-user")
	require.EqualError(t, err, "there is no user no-such-user: make one with useradd --system --shell /usr/sbin/nologin no-such-user")
	_, err = LookupOwner("root")
	require.ErrorContains(t, err, "root")
	o, err := LookupOwner("daemon")
	require.NoError(t, err)
	require.Positive(t, o.UID)
	require.Contains(t, o.Groups, o.GID)
}

// Every thread of the program is the owner's afterwards, those too that are blocked, and none comes back.
func TestBecome(t *testing.T) {
	needRoot(t)
	play(t, "become", t.TempDir(), nil)
}

func becomes() error {
	o, err := LookupOwner("daemon")
	if err != nil {
		return err
	}
	for range 4 { // threads of their own
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer w.Close()
		go func() { _, _ = syscall.Read(int(r.Fd()), make([]byte, 1)) }()
	}
	dir := filepath.Join(os.Getenv(argument), "a", "b")
	if err := os.Chmod(os.Getenv(argument), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Dir(os.Getenv(argument)), 0o755); err != nil {
		return err
	}
	if err := o.Keep(dir); err != nil {
		return err
	}
	if err := errors.Join(o.Keep(dir), o.KeepFile(filepath.Join(dir, "log")), o.KeepFile(filepath.Join(dir, "log"))); err != nil {
		return err
	}
	theirs := filepath.Join(os.Getenv(argument), "theirs")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		return err
	}
	if err := o.Keep(theirs); err == nil || !strings.Contains(err.Error(), "chown -R daemon "+theirs) {
		return fmt.Errorf("a folder of root's was taken: %v", err)
	}
	if err := errors.Join(o.Become(), o.Become()); err != nil {
		return err
	}
	if other := (&Owner{Name: "somebody", UID: o.UID + 1}); other.Become() == nil {
		return errors.New("became a third")
	}
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) < 5 {
		return fmt.Errorf("%d threads, %v", len(tasks), err)
	}
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			switch f[0] {
			case "Uid:", "Gid:":
				if want := fmt.Sprint(map[string]int{"Uid:": o.UID, "Gid:": o.GID}[f[0]]); slices.ContainsFunc(f[1:], func(s string) bool { return s != want }) {
					return fmt.Errorf("%s: %s", file, line)
				}
			case "CapPrm:", "CapEff:", "CapInh:", "CapAmb:":
				if strings.Trim(f[1], "0") != "" {
					return fmt.Errorf("%s: %s", file, line)
				}
			}
		}
	}
	if _, err := os.ReadDir(theirs); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("a folder of root's alone: %v", err)
	}
	return os.WriteFile(filepath.Join(dir, "mine"), []byte("x"), 0o600)
}

// A confined process writes to its own folders and reads what it was given, and what it starts is no freer. Tmp files become messages by rename and
// link between folders, which Landlock has a right of its own for.
func TestConfine(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for _, d := range []string{"own/tmp", "own/new", "given", "hidden"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for _, f := range []string{"given/file", "hidden/file"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o644))
	}
	play(t, "confined", dir, nil)
	play(t, "commands", dir, nil)
}

func confined() error {
	dir := os.Getenv(argument)
	name := func(s string) string { return filepath.Join(dir, s) }
	l, err := net.Listen("unix", name("own/socket"))
	if err != nil {
		return err
	}
	if _, err := Confine(Paths{Read: []string{name("given"), name("missing")}, Write: []string{name("own")}}); err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(name("own/tmp/1"), []byte("x"), 0o600), os.Rename(name("own/tmp/1"), name("own/new/1")),
		os.Link(name("own/new/1"), name("own/tmp/2")), os.Truncate(name("own/tmp/2"), 0), os.Mkdir(name("own/x"), 0o700), os.Remove(name("own/x")), l.Close()); err != nil {
		return fmt.Errorf("its own folder: %w", err)
	}
	if _, err := os.ReadFile(name("given/file")); err != nil {
		return err
	}
	for what, err := range map[string]error{
		"read":   second(os.ReadFile(name("hidden/file"))),
		"list":   second(os.ReadDir(name("hidden"))),
		"write":  os.WriteFile(name("given/file"), nil, 0o600),
		"make":   os.WriteFile(name("given/new"), nil, 0o600),
		"remove": os.Remove(name("hidden/file")),
		"out":    os.Rename(name("own/new/1"), name("hidden/1")),
		"run":    exec.Command("/bin/sh", "-c", "exit 0").Run(),
		"home":   second(os.ReadDir("/root")),
	} {
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EXDEV) {
			return fmt.Errorf("%s: %v", what, err)
		}
	}
	return nil
}

func commands() error {
	dir := os.Getenv(argument)
	if _, err := Confine(Paths{Write: []string{filepath.Join(dir, "own")}, Commands: true}); err != nil {
		return err
	}
	if out, err := exec.Command("/bin/sh", "-c", "cat </etc/passwd >"+dir+"/own/passwd").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if out, err := exec.Command("/bin/sh", "-c", "cat "+dir+"/hidden/file").CombinedOutput(); err == nil || !strings.Contains(string(out), "Permission denied") {
		return fmt.Errorf("a command reads what is hidden: %v: %s", err, out)
	}
	if out, err := exec.Command("/bin/sh", "-c", "echo >"+dir+"/hidden/new").CombinedOutput(); err == nil {
		return fmt.Errorf("a command writes anywhere: %s", out)
	}
	return nil
}

func second[T any](_ T, err error) error { return err }

// sd_listen_fds(3): sockets begin at descriptor 3; LISTEN_PID says for whom they are, so that the variables of a parent mean nothing.
func TestInherited(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	a, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer a.Close()
	b, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	defer b.Close()
	_, port, err := net.SplitHostPort(b.Addr().String())
	require.NoError(t, err)
	files := func(cmd *exec.Cmd) {
		for _, l := range []net.Listener{a, b} {
			f, err := l.(*net.TCPListener).File()
			require.NoError(t, err)
			t.Cleanup(func() { _ = f.Close() })
			cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		}
		// LISTEN_PID must be that of the program, which is known only when it runs: a shell becomes it.
		cmd.Args = []string{"sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=2 exec "$0"`, "/proc/" + fmt.Sprint(os.Getpid()) + "/exe"}
		cmd.Path, err = exec.LookPath("sh")
		require.NoError(t, err)
	}
	play(t, "sockets", a.Addr().String()+" "+port, files)
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "2")
	s, err := Inherited()
	require.NoError(t, err)
	require.Nil(t, s.Take("tcp", ":25"))
	require.Empty(t, s.Left())
	require.NoError(t, s.Close())
	t.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
	t.Setenv("LISTEN_FDS", "many")
	_, err = Inherited()
	require.ErrorContains(t, err, "many")
	require.Empty(t, os.Getenv("LISTEN_FDS"))
}

func sockets() error {
	s, err := Inherited()
	if err != nil {
		return err
	}
	addr, port, _ := strings.Cut(os.Getenv(argument), " ")
	if os.Getenv("LISTEN_FDS") != "" {
		return errors.New("the variables are still there")
	}
	if s.Take("tcp", "127.0.0.1:"+port) != nil {
		return errors.New("one address isn't all of them")
	}
	l := s.Take("tcp", addr)
	if l == nil || s.Take("tcp", addr) != nil {
		return fmt.Errorf("%s: %v", addr, l)
	}
	if left := s.Left(); len(left) != 1 {
		return fmt.Errorf("left: %v", left)
	}
	if l := s.Take("tcp", "0.0.0.0:"+port); l == nil {
		return errors.New("all addresses")
	}
	done := make(chan error, 1)
	go func() { done <- second(l.Accept()) }()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return <-done
}

func TestNotify(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	require.NoError(t, Notify("READY=1"))
	name := filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	require.NoError(t, err)
	defer c.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	require.NoError(t, Notify("READY=1", "STATUS=serving"))
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "READY=1\n", line)
	t.Setenv("NOTIFY_SOCKET", name+".none")
	require.Error(t, Notify("READY=1"))
}
