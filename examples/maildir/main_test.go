package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/maildir/archive"
	"github.com/stretchr/testify/require"
)

// program is the command as it is built.
func program(t *testing.T) string {
	bin := filepath.Join(t.TempDir(), "maildir")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

const letters = "From a@example.org Mon Jan  2 15:04:05 2006\nSubject: one\nStatus: RO\n\none\n\n" +
	"From b@example.org Mon Jan  2 15:04:05 2006\nSubject: two\nX-Keywords: urgent\n\ntwo\n\n" +
	"From c@example.org Mon Jan  2 15:04:05 2006\nSubject: three\n\nthree\n\n"

// imported is a tree with three messages in INBOX and in Old.
func imported(t *testing.T) string {
	dir := t.TempDir()
	mbox := filepath.Join(t.TempDir(), "old")
	require.NoError(t, os.WriteFile(mbox, []byte(letters), 0o600))
	for _, into := range []string{"INBOX", "Old"} {
		code, out := do(t.Context(), "import", "-into", into, dir, mbox)
		require.Equal(t, 0, code, out)
	}
	return dir
}

// do runs a command in this process.
func do(ctx context.Context, args ...string) (code int, out string) {
	var b bytes.Buffer
	code = run(ctx, args, &b, &b)
	return code, b.String()
}

// TestFsck runs the program on trees that are damaged in each way: it tells and exits with 1, repairs and exits with 0, and then
// finds nothing.
func TestFsck(t *testing.T) {
	bin := program(t)
	fsck := func(args ...string) (int, string) {
		out, err := exec.CommandContext(t.Context(), bin, append([]string{"fsck"}, args...)...).CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode(), string(out)
		}
		require.NoError(t, err)
		return 0, string(out)
	}
	one := func(t *testing.T, pattern string) string {
		all, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, all)
		return all[0]
	}
	change := func(t *testing.T, name string, f func(string) string) {
		was, err := os.ReadFile(name)
		if !errors.Is(err, os.ErrNotExist) {
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(name, []byte(f(string(was))), 0o600))
		later := time.Now().Add(time.Minute)
		require.NoError(t, os.Chtimes(name, later, later))
	}
	behind := func(s string) func(string) string { return func(was string) string { return was + s } }
	be := func(s string) func(string) string { return func(string) string { return s } }
	for want, damage := range map[string]func(t *testing.T, box string){
		"Old: folder: .Old/new: is missing":     func(t *testing.T, box string) { require.NoError(t, os.RemoveAll(box+"new")) },
		"Old: uidlist: .Old/dovecot-uidlist: ":  func(t *testing.T, box string) { change(t, box+"dovecot-uidlist", be("x\n")) },
		"Old: duplicate-uid: ":                  func(t *testing.T, box string) { change(t, box+"dovecot-uidlist", behind("2 :123.x.y\n")) },
		"Old: unlisted: .Old/cur/123.x.y:2,S: ": func(t *testing.T, box string) { change(t, box+"cur/123.x.y:2,S", be("a: b\n")) },
		"Old: missing: ":                        func(t *testing.T, box string) { require.NoError(t, os.Remove(one(t, box+"cur/*"))) },
		"Old: twice: ": func(t *testing.T, box string) {
			file := one(t, box+"cur/*")
			base, _, _ := strings.Cut(filepath.Base(file), ":")
			require.NoError(t, os.Link(file, box+"new/"+base))
		},
		"Old: size: ": func(t *testing.T, box string) { change(t, one(t, box+"cur/*"), behind("more\r\n")) },
		"Old: tmp: .Old/tmp/123.x.y: ": func(t *testing.T, box string) {
			change(t, box+"tmp/123.x.y", be("x"))
			old := time.Now().Add(-50 * time.Hour)
			require.NoError(t, os.Chtimes(box+"tmp/123.x.y", old, old))
		},
		"Old: index: .Old/buuta.index.log: ":   func(t *testing.T, box string) { change(t, box+"buuta.index.log", behind("torn")) },
		"Old: cache: .Old/buuta.index.cache: ": func(t *testing.T, box string) { change(t, box+"buuta.index.cache", be("")) },
		"Old: keywords: ":                      func(t *testing.T, box string) { change(t, box+"dovecot-keywords", behind("x\n")) },
		"account: maildirsize: ":               func(t *testing.T, box string) { change(t, box+"../maildirsize", be("100000S\n1 1\n")) },
		"account: subscriptions: ":             func(t *testing.T, box string) { change(t, box+"../subscriptions", behind("V\t2\n\n\t\t\n")) },
		"Old: lock: ": func(t *testing.T, box string) {
			change(t, box+"dovecot-uidlist.lock", be("1:elsewhere"))
			old := time.Now().Add(-time.Hour)
			require.NoError(t, os.Chtimes(box+"dovecot-uidlist.lock", old, old))
		},
	} {
		t.Run(want, func(t *testing.T) {
			dir := imported(t)
			code, out := fsck(dir)
			require.Equal(t, 0, code, out)
			require.Equal(t, "no faults\n", out)
			damage(t, dir+"/.Old/")
			code, out = fsck(dir)
			require.Equal(t, 1, code, out)
			require.Contains(t, out, want)
			require.Contains(t, out, "not repaired\n")
			code, again := fsck(dir)
			require.Equal(t, 1, code)
			require.Equal(t, out, again, "it changes nothing unless it is asked to")
			code, out = fsck("-repair", dir)
			require.Equal(t, 0, code, out)
			require.Contains(t, out, "all repaired\n")
			code, out = fsck("-v", dir)
			require.Equal(t, 0, code, out)
			require.Equal(t, "looking at INBOX\nlooking at Old\nno faults\n", out)
		})
	}
}

func TestList(t *testing.T) {
	code, out := do(t.Context(), "list", imported(t))
	require.Equal(t, 0, code)
	require.Equal(t, "  messages  unseen  octets  mailbox\n         3       2      67  INBOX\n         3       2      67  Old\n", out)
}

// What is exported in each format and imported again is the same.
func TestExport(t *testing.T) {
	dir := imported(t)
	_, want := do(t.Context(), "list", dir)
	for _, format := range []string{"mbox", "maildir", "eml"} {
		to, back := t.TempDir()+"/out", t.TempDir()
		code, out := do(t.Context(), "export", "-q", "-format", format, dir, to)
		require.Equal(t, 0, code, out)
		require.Equal(t, "6 messages copied, 0 left out\n", out)
		for range 2 { // the second time nothing comes twice
			code, out = do(t.Context(), "import", "-q", back, to)
			require.Equal(t, 0, code, out)
		}
		code, out = do(t.Context(), "list", back)
		require.Equal(t, 0, code)
		require.Equal(t, want, out, format)
	}
	to := t.TempDir() + "/only"
	code, out := do(t.Context(), "export", "-mailbox", "Old", dir, to)
	require.Equal(t, 0, code, out)
	require.NoFileExists(t, to+"/INBOX.mbox")
	require.FileExists(t, to+"/Old.mbox")
}

// stopper ends a context when progress is told.
type stopper struct {
	bytes.Buffer
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(p)
}

// A command that is interrupted says with which token to go on, and does.
func TestInterrupted(t *testing.T) {
	mbox := filepath.Join(t.TempDir(), "many")
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "From a@example.org Mon Jan  2 15:04:05 2006\nSubject: %d\n\ntext\n\n", i)
	}
	require.NoError(t, os.WriteFile(mbox, []byte(b.String()), 0o600))
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	code := run(ctx, []string{"import", dir, mbox}, &out, &stopper{stop: stop})
	require.Equal(t, 130, code, out.String())
	require.Contains(t, out.String(), "256 messages copied")
	_, token, ok := strings.Cut(out.String(), "go on with -token ")
	require.True(t, ok)
	code, text := do(t.Context(), "import", "-q", "-token", strings.TrimSpace(token), dir, mbox)
	require.Equal(t, 0, code, text)
	require.Equal(t, "344 messages copied, 0 left out\n", text)
	_, text = do(t.Context(), "list", dir)
	require.Contains(t, text, "     600     600")
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]int{
		"": 2, "help": 0, "-h": 0, "nonsense": 2, "fsck": 2, "fsck -h": 0, "fsck -nonsense x": 2, "list a b": 2,
		"import -format x /nonsense /dev/null": 2, "export -format x " + t.TempDir() + " /nonsense/x": 2,
		"list /does/not/exist": 1, "fsck /does/not/exist": 1, "import /tmp /does/not/exist": 1, "export /does/not/exist /tmp": 1,
	} {
		code, out := do(t.Context(), strings.Fields(args)...)
		require.Equal(t, want, code, "%s: %s", args, out)
		require.NotEmpty(t, out, args)
	}
	code, out := do(t.Context(), "import", "-token", "nonsense", t.TempDir(), imported(t))
	require.Equal(t, 1, code)
	require.Contains(t, out, archive.ErrToken.Error())
}
