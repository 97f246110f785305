package peers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// GnuPG is gpg with a home of its own.
type GnuPG struct {
	Home string
	t    TB
}

// NewGnuPG makes one.
func NewGnuPG(t TB) *GnuPG {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		lack(t, "gpg is not there: run .ci/deps")
	}
	home, err := os.MkdirTemp("", "gpg") // short: the agent's socket lies within
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	return &GnuPG{home, t}
}

// Run calls gpg, which must succeed, and returns what it writes.
func (g *GnuPG) Run(stdin string, args ...string) string {
	g.t.Helper()
	out, err := g.Try(stdin, args...)
	if err != nil {
		g.t.Fatalf("gpg: %v", err)
	}
	return out
}

// Try calls gpg and returns what it writes.
func (g *GnuPG) Try(stdin string, args ...string) (string, error) {
	g.t.Helper()
	args = append([]string{"--homedir", g.Home, "--batch", "--yes", "--no-tty", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)
	cmd := exec.Command("gpg", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		g.t.Logf("gpg %s: %s", strings.Join(args, " "), stderr.String())
	}
	return stdout.String(), err
}

// File writes a file for gpg to read.
func (g *GnuPG) File(name, content string) string {
	g.t.Helper()
	path := filepath.Join(g.Home, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		g.t.Fatalf("%v", err)
	}
	return path
}
