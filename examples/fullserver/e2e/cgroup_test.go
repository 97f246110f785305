//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// box is a control group with limits, of version 1 or 2, whichever the machine has.
type box struct {
	t           *testing.T
	memory, cpu string // its folders; the same one in version 2
	two         bool
}

// newBox makes one with so many octets of memory and such a part of a core.
func newBox(t *testing.T, memory int64, percent int) *box {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a control group takes root")
	}
	name := fmt.Sprintf("seedbox%d", os.Getpid())
	b := &box{t: t, memory: "/sys/fs/cgroup/memory/" + name, cpu: "/sys/fs/cgroup/cpu/" + name}
	if text, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && strings.Contains(string(text), "memory") {
		b.two, b.memory, b.cpu = true, "/sys/fs/cgroup/"+name, "/sys/fs/cgroup/"+name
		_ = os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+memory +cpu"), 0) // else the files below are missing
	}
	for _, dir := range []string{b.memory, b.cpu} {
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			t.Skipf("no control groups here: %v", err)
		}
		t.Cleanup(func() { removeGroup(t, dir) })
	}
	const period = 100_000 // microseconds, the kernel's own
	quota := strconv.Itoa(period * percent / 100)
	if b.two {
		b.set(b.memory, "memory.max", fmt.Sprint(memory))
		b.set(b.cpu, "cpu.max", quota+" "+strconv.Itoa(period))
	} else {
		b.set(b.memory, "memory.limit_in_bytes", fmt.Sprint(memory))
		b.set(b.cpu, "cpu.cfs_period_us", strconv.Itoa(period))
		b.set(b.cpu, "cpu.cfs_quota_us", quota)
	}
	return b
}

// removeGroup removes a control group's folder. The kernel keeps it for as long as one of its processes is still ending.
func removeGroup(t *testing.T, dir string) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Logf("a control group is left: %v", err)
			return
		}
	}
}

func (b *box) set(dir, name, value string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name), []byte(value), 0))
}

// wrap is a command that enters it and runs another.
func (b *box) wrap() []string {
	return []string{"sh", "-c", `echo $$ > "$1/cgroup.procs" && echo $$ > "$2/cgroup.procs" && shift 2 && exec "$@"`, "sh", b.memory, b.cpu}
}

// number reads a file that holds a number, or a line "key number".
func (b *box) number(dir, name, key string) int64 {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if key == "" && len(f) == 1 || len(f) == 2 && f[0] == key {
			n, _ := strconv.ParseInt(f[len(f)-1], 10, 64)
			return n
		}
	}
	return -1
}

// full is how often the limit of memory was hit.
func (b *box) full() int64 {
	if b.two {
		return b.number(b.memory, "memory.events", "max")
	}
	return b.number(b.memory, "memory.failcnt", "")
}

// peak is the most memory that was used, the cache of files counted.
func (b *box) peak() int64 {
	if b.two {
		return b.number(b.memory, "memory.peak", "")
	}
	return b.number(b.memory, "memory.max_usage_in_bytes", "")
}
