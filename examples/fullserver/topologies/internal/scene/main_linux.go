package scene

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// inside says in the environment that the process is in the network of its own already, and where the server has been built.
const inside = "FULLSERVER_SCENE"

// Main runs a package's tests in a network of their own, with a resolv.conf that names the scene's name server. Where that can't be, tests that
// begin with New are skipped, or fail with CI=true.
func Main(m *testing.M) {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	if dir := os.Getenv(inside); dir != "" {
		binary = filepath.Join(dir, "fullserver")
		code := 1
		if err := enter(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		} else {
			code = m.Run()
		}
		os.RemoveAll(dir)
		os.Exit(code)
	}
	if why := unshare(); why != "" {
		lacking = why
		os.Exit(m.Run())
	}
}

// unshare starts the program again in namespaces of its own. It returns why it can't.
func unshare() string {
	if os.Getuid() != 0 {
		return "hosts with addresses of their own need root"
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return "ip is not there: run .ci/deps"
	}
	dir, err := os.MkdirTemp("", "scene")
	if err != nil {
		return err.Error()
	}
	// What go run has linked stays in the build cache, for the next package that needs it: cp takes it from there.
	if out, err := exec.Command("go", "run", "-exec", "cp", "github.com/buuta/mail/examples/fullserver", dir).CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		fmt.Fprintf(os.Stderr, "fullserver does not build: %v\n%s", err, out)
		os.Exit(1)
	}
	runtime.LockOSThread() // the namespaces are this thread's, and the program's that it becomes
	err = syscall.Unshare(syscall.CLONE_NEWNET | syscall.CLONE_NEWNS)
	if err == nil {
		err = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), inside+"="+dir))
	}
	os.RemoveAll(dir)
	return "namespaces can't be made here: " + err.Error()
}

// enter makes the network usable.
func enter(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	resolv, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return err
	}
	own := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(own, []byte("nameserver "+nameserverAt+"\noptions timeout:2 attempts:2\n"), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // others than root ask too
		return err
	}
	if err := syscall.Mount(own, resolv, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	return ip("link", "set", "lo", "up")
}

// ip runs ip(8).
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "exists") && !strings.Contains(string(out), "already assigned") {
		return fmt.Errorf("ip %s: %s", strings.Join(args, " "), out)
	}
	return nil
}

// disk mounts an empty disk of a size.
func disk(dir, size string) (unmount func(), err error) {
	err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	return func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }, err
}
