package backup

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
)

const child = "BACKUP_TEST_CHILD"

// at is a site that another process has made.
func at(t *testing.T, dir string) *site {
	s := &site{t: t, dir: dir}
	s.Head = Head{Program: "test", Config: dir + "/etc/main.cf", Data: dir + "/data", Queue: dir + "/data/queue"}
	s.Now, s.Store = time.Now, storeAt(dir+"/data/mail")
	s.Users = func(context.Context) ([]string, error) { return []string{"an", "binh"}, nil }
	return s
}

// A process that makes one backup after the other is killed, again and again. What has a backup's name is always whole, and the next one goes on.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(child); dir != "" {
		s := at(t, dir)
		for {
			res, err := ToFolder(t.Context(), &s.Server, dir+"/backups", false, nil)
			require.NoError(t, err)
			fmt.Println("made", res.Where)
		}
	}
	s := newSite(t)
	s.small()
	s.Users = at(t, s.dir).Users
	for range 5 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), child+"="+s.dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for range 1 + rand.IntN(2) {
			require.True(t, lines.Scan())
			require.Contains(t, lines.Text(), "made ")
		}
		time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond) // some way into the next
		require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		_ = cmd.Wait()
		all, err := finished(s.dir + "/backups")
		require.NoError(t, err)
		require.NotEmpty(t, all)
		for _, name := range all {
			require.Empty(t, s.verify(filepath.Join(s.dir, "backups", name)))
		}
	}
	_, err := ToFolder(t.Context(), &s.Server, s.dir+"/backups", false, nil)
	require.NoError(t, err)
	left, err := filepath.Glob(s.dir + "/backups/*" + partSuffix)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A disk that is full ends a backup with an error, and leaves what was there as it was.
func TestDiskFull(t *testing.T) {
	if dir := os.Getenv(child); dir != "" {
		s := at(t, filepath.Dir(dir))
		first, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
		require.NoError(t, err)
		put(t, open(t, s.Store, "an"), "INBOX", strings.Repeat("x", 3<<20), mail.Flags{})
		_, err = ToFolder(t.Context(), &s.Server, dir, false, nil)
		require.ErrorIs(t, err, syscall.ENOSPC)
		_, err = ToFile(t.Context(), &s.Server, dir+"/b.tar", nil)
		require.ErrorIs(t, err, syscall.ENOSPC)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 2, "the first backup, and the lock: %v", entries)
		require.Empty(t, s.verify(first.Where))
		return
	}
	s := newSite(t)
	s.small()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	_, err = ToStream(t.Context(), &s.Server, full, nil)
	require.ErrorIs(t, err, syscall.ENOSPC)
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	dir := s.dir + "/disk"
	require.NoError(t, os.Mkdir(dir, 0o700))
	cmd := exec.Command("unshare", "-m", "sh", "-c", `mount -t tmpfs -o size=2m tmpfs "$1" || exit 77; shift; exec "$@"`, "sh", dir, os.Args[0], "-test.run", "^TestDiskFull$")
	cmd.Env = append(os.Environ(), child+"="+dir)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 77 || strings.Contains(string(out), "unshare failed") {
		t.Skipf("no mounts of our own: %v: %s", err, out)
	}
	require.NoError(t, err, "%s", out)
}

// Debian's Dovecot reads what was restored, with the UIDs, flags, keywords and subscriptions that the server had.
func TestDovecotReads(t *testing.T) {
	d := peers.DovecotAlone(t)
	s := newSite(t)
	s.small()
	_, err := ToFolder(t.Context(), &s.Server, s.dir+"/backups", false, nil)
	require.NoError(t, err)
	b, err := Open(s.dir + "/backups")
	require.NoError(t, err)
	defer b.Close()
	p, err := b.Account("an")
	require.NoError(t, err)
	p.Root = d.Dir + "/mail"
	_, err = b.All(t.Context(), Whole{User: "an", Now: time.Now})
	require.NoError(t, err)
	if os.Geteuid() == 0 {
		require.NoError(t, filepath.WalkDir(d.Dir+"/mail", func(name string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(name, 65534, 65534)
		}))
	}
	cmd := d.IMAP()
	cmd.Stdin = strings.NewReader("a LSUB \"\" *\r\nb SELECT INBOX\r\nc UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\nd STATUS \"Lists/&ARA-i ch&HuM-\" (MESSAGES)\r\ne LOGOUT\r\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	was, err := open(t, s.Store, "an").Status(t.Context(), "INBOX")
	require.NoError(t, err)
	require.Contains(t, string(out), "* 5 EXISTS")
	require.Contains(t, string(out), fmt.Sprintf("[UIDVALIDITY %d]", was.UIDValidity))
	require.Contains(t, string(out), fmt.Sprintf("[UIDNEXT %d]", was.UIDNext+uidGap))
	for i := range 5 {
		require.Regexp(t, fmt.Sprintf(`\* %d FETCH \(UID %d FLAGS \(\\Seen( \\Recent)? work\)`, i+1, i+1), string(out))
		require.Contains(t, string(out), fmt.Sprintf("Subject: =?utf-8?q?Ch=C3=A0o_%d?=", i))
	}
	require.Contains(t, string(out), `* LSUB () "/" "Lists/&ARA-i ch&HuM-"`)
	require.Regexp(t, `\* STATUS .* \(MESSAGES 1\)`, string(out))
}

// What was restored is a store without faults.
func TestRestoredIsSound(t *testing.T) {
	s := newSite(t)
	s.small()
	_, err := ToFolder(t.Context(), &s.Server, s.dir+"/backups", false, nil)
	require.NoError(t, err)
	root := t.TempDir()
	whole(t, s.dir+"/backups", root)
	var faults []string
	_, err = storeAt(root+s.dir+"/data/mail").Check(t.Context(), "an", &maildir.CheckOptions{Found: func(f maildir.Fault) { faults = append(faults, f.String()) }})
	require.NoError(t, err)
	require.Empty(t, faults)
}
