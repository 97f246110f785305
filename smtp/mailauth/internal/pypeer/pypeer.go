// Package pypeer asks Debian's Python modules (python3-spf, python3-dkim) and what else a script in Python can ask, for tests that
// compare with them.
package pypeer

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// TB is what a *testing.T gives.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Peer is a script that answers: a line of JSON for each.
type Peer struct {
	t    TB
	in   *json.Encoder
	out  *bufio.Reader
	errs *strings.Builder
}

// Lack skips the test, or fails it where everything has to be there.
func Lack(t TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s", why)
	}
	t.Skipf("%s", why)
}

// Dir is the folder into which .ci/peers has unpacked the packages, "" where it hasn't.
func Dir() string {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		root := filepath.Join(dir, ".cache", "mailauth")
		if _, err := os.Stat(filepath.Join(dir, ".ci", "peers")); err == nil {
			if _, err := os.Stat(root); err != nil {
				return ""
			}
			return root
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// Environ is an environment in which the unpacked packages are found, and what is installed where they aren't.
func Environ() []string {
	env := os.Environ()
	if dir := Dir(); dir != "" {
		env = append(env, "PYTHONPATH="+dir+"/usr/lib/python3/dist-packages",
			"LD_LIBRARY_PATH="+dir+"/usr/lib/x86_64-linux-gnu:"+dir+"/usr/lib/aarch64-linux-gnu:"+dir+"/usr/lib")
	}
	return env
}

// Start runs a script with Debian's Python. It writes "ready" once it has imported what it needs, else the test is skipped by
// the name of what it wants.
func Start(t TB, wants, script string, args ...string) *Peer {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", append([]string{"-B", script}, args...)...)
	cmd.Env = Environ()
	p := &Peer{t: t, errs: &strings.Builder{}}
	cmd.Stderr = p.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if err := cmd.Start(); err != nil {
		Lack(t, "needs "+wants+": "+err.Error())
	}
	t.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	p.in, p.out = json.NewEncoder(in), bufio.NewReader(out)
	if line, _ := p.out.ReadString('\n'); line != "ready\n" {
		io.Copy(io.Discard, out)
		cmd.Wait()
		Lack(t, "needs "+wants+": run .ci/peers. "+p.errs.String())
	}
	return p
}

// Ask sends a question and reads the answer.
func (p *Peer) Ask(question, answer any) {
	p.t.Helper()
	if err := p.in.Encode(question); err != nil {
		p.t.Fatalf("%v", err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		p.t.Fatalf("%v in %q", err, line)
	}
}
