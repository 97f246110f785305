package queue_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// On a real disk that is full, has no inodes left, is read-only, or for a process with too many open files: senders get a clear
// answer, what was accepted goes out, and all goes on when there is room again. The disks are small ones in memory, mounted
// where nobody else sees them.
func TestSmallDisk(t *testing.T) {
	if dir := os.Getenv(child); dir != "" {
		onSmallDisk(t, dir)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.Command(unshare, "-m", "true").Run()
	}
	if err != nil {
		t.Skipf("no mounts of our own: unshare: %v", err)
	}
	dir := t.TempDir()
	for _, size := range []string{"size=2m,nr_inodes=100000", "size=100m,nr_inodes=100"} {
		mount := `mount -t tmpfs -o ` + size + ` tmpfs "$1" || exit 77; shift; exec "$@"`
		cmd := exec.Command(unshare, "-m", "sh", "-c", mount, "sh", dir, os.Args[0], "-test.run", "^TestSmallDisk$", "-test.count", "1")
		cmd.Env = append(os.Environ(), child+"="+dir)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 77 {
			t.Skipf("can't mount: %s", out)
		}
		require.NoError(t, err, "%s: %s", size, out)
	}
}

// smallDisk is a queue on the disk with a world that takes mail when it is open.
type smallDisk struct {
	t    *testing.T
	q    *queue.Queue
	open atomic.Bool
	sink sink
	want map[string]bool
	n    int
}

func (d *smallDisk) start(dir string) error {
	d.sink.answer = func(_, _, _ string) *mail.Reply {
		if d.open.Load() {
			return nil
		}
		return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "Later")
	}
	d.q = &queue.Queue{
		Dir: dir, Limits: queue.Limits{FreeSpace: -1}, Transports: map[string]*queue.Transport{"smtp": d.sink.transport()},
		Backoff: queue.Backoff{Minimal: 10 * time.Millisecond, Maximal: 50 * time.Millisecond, RunDelay: 100 * time.Millisecond},
	}
	return d.q.Start()
}

// put sends a message and reports what its sender is told.
func (d *smallDisk) put() string {
	d.n++
	from := fmt.Sprintf("m%d@example.org", d.n)
	_, err := sendEnvelope(d.q, &mail.Envelope{From: from, Recipients: []mail.Recipient{{Address: "b@example.net"}}}, letter+strings.Repeat("x\r\n", 3000))
	if err != nil {
		return mail.ReplyOf(err).String()
	}
	d.want[from] = true
	return ""
}

// fill sends messages until there is no room.
func (d *smallDisk) fill() {
	said := ""
	for said == "" {
		said = d.put()
	}
	require.Equal(d.t, "452 4.3.1 Insufficient system storage", said)
}

// goesOut opens the world and waits until all that was accepted has gone there, each once.
func (d *smallDisk) goesOut() {
	d.open.Store(true)
	defer d.open.Store(false)
	// A list may pass over what moves while it is read: that alone doesn't say that nothing is left.
	require.Eventually(d.t, func() bool { return len(d.sink.all()) >= len(d.want) && len(states(d.t, d.q)) == 0 }, time.Minute, 5*time.Millisecond)
	got := map[string]bool{}
	for _, m := range d.sink.all() {
		require.False(d.t, got[m.from], "twice")
		got[m.from] = true
	}
	require.Equal(d.t, d.want, got)
}

func onSmallDisk(t *testing.T, disk string) {
	dir := filepath.Join(disk, "spool")
	d := &smallDisk{t: t, want: map[string]bool{}}
	require.NoError(t, d.start(dir))
	d.fill()
	require.NotEmpty(t, d.want)
	tries := d.sink.attempts()
	require.Eventually(t, func() bool { return d.sink.attempts() > tries+len(d.want) }, time.Minute, time.Millisecond, "attempts go on")
	d.goesOut()
	require.Empty(t, d.put(), "there is room again")

	// A restart on a full disk, which leaves no room for anything that a start might want to write.
	d.fill()
	require.NoError(t, d.q.Shutdown(context.Background()))
	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err == nil {
		for b := make([]byte, 4096); err == nil; {
			_, err = ballast.Write(b)
		}
		require.NoError(t, ballast.Close())
	}
	require.NoError(t, d.start(dir))
	d.goesOut()
	require.NoError(t, os.RemoveAll(filepath.Join(disk, "ballast")))
	require.Empty(t, d.put())

	// Read-only: it doesn't start, says so, and loses nothing.
	require.NoError(t, d.q.Shutdown(context.Background()))
	require.NoError(t, exec.Command("mount", "-o", "remount,ro", disk).Run())
	require.ErrorIs(t, d.start(dir), syscall.EROFS)
	require.Equal(t, "451 4.3.0 Error: queue file write error", d.put())
	require.NoError(t, exec.Command("mount", "-o", "remount,rw", disk).Run())
	require.Empty(t, d.put(), "the same queue can be used when the disk can")
	require.NoError(t, d.q.Start())
	d.goesOut()

	// No more files can be opened.
	require.Empty(t, d.put())
	var old syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	none := old
	none.Cur = 3
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	said := d.put()
	d.open.Store(true)
	sent := len(d.sink.all())
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old))
	require.Equal(t, "451 4.3.0 Error: queue file write error", said)
	require.LessOrEqual(t, sent, len(d.want))
	d.goesOut()
	require.NoError(t, d.q.Shutdown(context.Background()))
}
