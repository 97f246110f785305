package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	soak  = flag.Duration("soak", 0, "how long the kill test goes on, instead of its 20 rounds, and the soak test, instead of its 20 seconds")
	built = flag.String("binary", "", "a fullserver that has been built already, to be tested as it is")
)

// binary is the server under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	binary = *built
	dir := ""
	if binary == "" {
		var err error
		if dir, err = os.MkdirTemp("", "fullserver-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		binary = filepath.Join(dir, "fullserver")
		// What go run has linked stays in the build cache, where it may be since the topologies' tests: cp takes it from there.
		if out, err := exec.Command("go", "run", "-exec", "cp", "github.com/buuta/mail/examples/fullserver", dir).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "fullserver does not build: %v\n%s", err, out)
			os.RemoveAll(dir)
			os.Exit(1)
		}
	}
	// The system's python3 goes first: pyenv's is a script that takes a second to find it.
	os.Setenv("PATH", "/usr/bin:"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	code := m.Run()
	if dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// need skips the test when a program is missing, and fails it where everything has to be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing, and CI has to have it", p)
			}
			t.Skipf("%s is not installed (make deps installs it)", p)
		}
	}
}

// run runs a program to its end, fails the test unless it succeeds, and returns what it printed.
func run(t *testing.T, stdin []byte, name string, args ...string) string {
	t.Helper()
	out, err := try(t, stdin, name, args...)
	require.NoError(t, err, "%s %q\n%s", name, args, out)
	return out
}

// try runs a program to its end and returns what it printed and how it ended.
func try(t *testing.T, stdin []byte, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm", "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// python runs one of the programs in testdata.
func python(t *testing.T, program string, args ...string) string {
	t.Helper()
	return run(t, nil, "python3", append([]string{filepath.Join("testdata", program)}, args...)...)
}

// eventually waits for cond, which is asked often and may take its time, or fails with what it last said.
func eventually(t *testing.T, limit time.Duration, cond func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(t, err, "still not so after %v", limit)
		}
		<-tick.C
	}
}
