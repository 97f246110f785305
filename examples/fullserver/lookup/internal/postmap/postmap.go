// Package postmap asks Debian's Postfix, for tests that compare it with us.
package postmap

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Postfix is a configuration folder that its programs are run with.
type Postfix struct {
	Dir   string // for tables too
	types map[string]bool
}

// New makes one. Without postmap the test is skipped, or fails with CI=true.
func New(t testing.TB) *Postfix {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/postmap"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no /usr/sbin/postmap: .ci/deps installs it")
		}
		t.Skip("no /usr/sbin/postmap")
	}
	p := &Postfix{Dir: t.TempDir(), types: map[string]bool{}}
	p.Write(t, "main.cf", "compatibility_level = 3.6\nsmtputf8_enable = yes\nmyhostname = mail.example.com\nmydomain = example.com\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n")
	p.Write(t, "master.cf", "")
	out, err := exec.Command("/usr/sbin/postconf", "-c", p.Dir, "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range strings.Fields(string(out)) {
		p.types[kind] = true
	}
	return p
}

// Need skips the test when Postfix lacks a type of table, or fails with CI=true.
func (p *Postfix) Need(t testing.TB, kind string) {
	t.Helper()
	switch {
	case p.types[kind]:
	case os.Getenv("CI") == "true":
		t.Fatalf("postmap has no %s: .ci/deps installs postfix-%s", kind, kind)
	default:
		t.Skipf("postmap has no %s", kind)
	}
}

// Write puts a file into the folder and returns its name. It is of an hour ago: Postfix waits with files that are being written.
func (p *Postfix) Write(t testing.TB, name, text string) string {
	t.Helper()
	name = filepath.Join(p.Dir, name)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
	return name
}

// Build runs postmap, or postalias, on a file, and returns what it says.
func (p *Postfix) Build(t testing.TB, program, spec string, flags ...string) string {
	t.Helper()
	out, err := exec.Command("/usr/sbin/"+program, append(append([]string{"-c", p.Dir}, flags...), spec)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v %s", program, spec, err, out)
	}
	return string(out)
}

// Query asks for one key. failed is true when postmap could not answer.
func (p *Postfix) Query(t testing.TB, spec, key string, flags ...string) (value string, found, failed bool) {
	t.Helper()
	cmd := exec.Command("/usr/sbin/postmap", append(append([]string{"-c", p.Dir}, flags...), "-q", key, spec)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Error(err) // from any goroutine
	}
	failed = strings.Contains(stderr.String(), "fatal:")
	return strings.TrimSuffix(stdout.String(), "\n"), err == nil, failed
}

// QueryAll asks for many keys, without newlines, in one go. What is not in the answer was not found.
func (p *Postfix) QueryAll(t testing.TB, spec string, keys []string, flags ...string) map[string]string {
	t.Helper()
	cmd := exec.Command("/usr/sbin/postmap", append(append([]string{"-c", p.Dir}, flags...), "-q", "-", spec)...)
	cmd.Stdin = strings.NewReader(strings.Join(keys, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || strings.Contains(stderr.String(), "fatal:") {
		t.Fatalf("postmap -q - %s: %v %s", spec, err, stderr.String())
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all[key] = value
	}
	return all
}

// List is "postmap -s".
func (p *Postfix) List(t testing.TB, spec string) map[string]string {
	t.Helper()
	out, err := exec.Command("/usr/sbin/postmap", "-c", p.Dir, "-s", spec).Output()
	if err != nil {
		t.Fatalf("postmap -s %s: %v", spec, err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all[key] = value
	}
	return all
}
