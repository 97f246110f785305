package e2e

import (
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
)

var backupOf = flag.Int("backup", 0, "how many messages TestBackupFigures backs up; none: it is passed over")

// TestBackupFigures measures for docs/backup.md what backups take, of 50 users' messages, while mail comes in: 20 messages a second. It is called by hand, on a
// machine that has nothing else to do: go test ./examples/fullserver/e2e -run TestBackupFigures -backup 10000 -v
func TestBackupFigures(t *testing.T) {
	if *backupOf == 0 {
		t.Skip("measures only, with -backup 10000")
	}
	const users = 50
	s := start(t, users)
	s.stop()
	total := fillAccounts(t, s.dir+"/mail/example.test", users, *backupOf)
	s.startAgain()
	load, err := os.ReadFile("/proc/loadavg")
	require.NoError(t, err)
	t.Logf("%d messages of %d users, %.0f MB; load %s", *backupOf, users, float64(total)/1e6, load)

	// deliver goes on until stop is closed, and says how long answers took.
	deliver := func(stop chan struct{}) (took []time.Duration) {
		c, err := smtp.Dial(s.smtp)
		require.NoError(t, err)
		defer c.Close()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return took
			case <-tick.C:
			}
			begun := time.Now()
			require.NoError(t, c.Mail("x@far.test"))
			require.NoError(t, c.Rcpt(fmt.Sprintf("u%d@example.test", n%users)))
			w, err := c.Data()
			require.NoError(t, err)
			_, err = w.Write([]byte("Subject: meanwhile\r\n\r\n" + strings.Repeat("What comes while the copy is made.\r\n", 100)))
			require.NoError(t, err)
			require.NoError(t, w.Close())
			took = append(took, time.Since(begun))
		}
	}
	// while runs a command, with mail coming in, and says what it took.
	while := func(what string, f func() *exec.Cmd) {
		stop, done := make(chan struct{}), make(chan []time.Duration)
		go func() { done <- deliver(stop) }()
		cpu := processCPU(t, s.cmd.Process.Pid)
		begun := time.Now()
		said := ""
		if cmd := f(); cmd != nil {
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			said = fmt.Sprintf("; its CPU %.2f s, memory %d MiB: %s", (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), u.Maxrss>>10, strings.TrimSpace(string(out)))
		} else {
			time.Sleep(10 * time.Second) // nothing to wait for: it is the measure of the rest
		}
		took := time.Since(begun)
		close(stop)
		all := <-done
		slices.Sort(all)
		at := func(p int) time.Duration { return all[min(len(all)-1, len(all)*p/100)].Round(100 * time.Microsecond) }
		t.Logf("%s: %.2f s; server's CPU %.2f s; %d deliveries, median %v, 95 %% %v, longest %v%s", what, took.Seconds(), processCPU(t, s.cmd.Process.Pid)-cpu, len(all), at(50), at(95), at(100), said)
	}
	command := func(args ...string) func() *exec.Cmd {
		return func() *exec.Cmd { return exec.Command(binary, append(slices.Clone(s.args), args...)...) }
	}
	to := t.TempDir()
	while("without a backup", func() *exec.Cmd { return nil })
	while("first", command("backup", "-q", to))
	first := onDisk(t, to)
	while("next", command("backup", "-q", to))
	t.Logf("on the disk: first %.0f MB, the next %.1f MB more", float64(first)/1e6, float64(onDisk(t, to)-first)/1e6)
	while("verify", command("backup", "-verify", "-q", to))
	while("restore of all", command("restore", to, "-all", "-root", t.TempDir()))
	tar := filepath.Join(t.TempDir(), "all.tar")
	while("one tar file", command("backup", "-q", tar))
}

// fillAccounts gives users their messages: of 20, 14 with 4 KB, 5 with 30 KB and one with 500 KB. It returns how large they are together.
func fillAccounts(t *testing.T, dir string, users, messages int) (total int64) {
	store := &maildir.Store{Path: dir + "/%u", NoSync: true, NoTextCache: true}
	defer store.Close()
	noise := rand.NewChaCha8([32]byte{})
	for u := range users {
		require.NoError(t, os.MkdirAll(fmt.Sprintf("%s/u%d", dir, u), 0o700))
		a, err := store.Account(t.Context(), fmt.Sprintf("u%d", u))
		require.NoError(t, err)
		b, err := a.Open(t.Context(), "INBOX")
		require.NoError(t, err)
		tx, err := b.Append(t.Context())
		require.NoError(t, err)
		for n := u; n < messages; n += users {
			size := 4000
			if k := (n / users) % 20; k == 19 {
				size = 500_000
			} else if k > 13 {
				size = 30_000
			}
			raw := make([]byte, size*3/4)
			_, _ = noise.Read(raw)
			var text strings.Builder
			fmt.Fprintf(&text, "From: x@far.test\r\nSubject: message %d\r\nMessage-ID: <%d@far.test>\r\n\r\n", n, n)
			for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(raw)), 76) {
				text.WriteString(string(line) + "\r\n")
			}
			total += int64(text.Len())
			require.NoError(t, tx.Add(t.Context(), strings.NewReader(text.String()), &mail.AppendOptions{}))
		}
		_, err = tx.Commit(t.Context())
		require.NoError(t, err)
		require.NoError(t, b.Close())
		require.NoError(t, a.Close())
	}
	return total
}

// onDisk is how much of the disk a folder takes, files with several names once.
func onDisk(t *testing.T, dir string) (n int64) {
	seen := map[uint64]bool{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st := info.Sys().(*syscall.Stat_t); !seen[st.Ino] {
			seen[st.Ino] = true
			n += st.Blocks * 512
		}
		return nil
	}))
	return n
}

// processCPU is how many seconds of processors a process has had.
func processCPU(t *testing.T, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(f[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(f[12])
	require.NoError(t, err)
	return float64(user+system) / 100
}
