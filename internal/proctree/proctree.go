// Package proctree tells what a server of many processes costs: the processor time and the memory of a process and all below it. It is for measurements.
package proctree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CPU is the processor time of a process and all below it, in user and system mode, in steps of 10 ms. Processes that have ended count as soon as their
// parents have waited for them (proc(5), cutime and cstime), so read it where the root has been there before and is there still.
func CPU(root int) time.Duration {
	all := read()
	ticks := 0
	for pid, p := range all {
		if below(all, pid, root) {
			ticks += p.ticks
		}
	}
	return time.Duration(ticks) * time.Second / 100 // USER_HZ
}

// Memory is the proportional set size of a process and all below it, in octets: what several map is shared out among them. It needs the rights to read
// other users' /proc/PID/smaps_rollup, which root has.
func Memory(root int) (octets int64, err error) {
	all := read()
	for pid := range all {
		if !below(all, pid, root) {
			continue
		}
		m, err := Smaps(pid)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		octets += m["Pss"]
	}
	return octets, nil
}

// Smaps is what the kernel counts of one process's memory, in octets, by the names of proc(5): Pss, Pss_Anon, Pss_File, …
func Smaps(pid int) (map[string]int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[2] == "kB" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return nil, err
			}
			out[strings.TrimSuffix(f[0], ":")] = kib << 10
		}
	}
	return out, nil
}

type process struct{ parent, ticks int }

// read reads /proc as it is just now.
func read() map[int]process {
	all := map[int]process{}
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		text, err := os.ReadFile(name)
		_, after, ok := strings.Cut(string(text), ") ")
		f := strings.Fields(after)
		if err != nil || !ok || len(f) < 15 {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		p := process{}
		p.parent, _ = strconv.Atoi(f[1])
		for _, t := range f[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.Atoi(t)
			p.ticks += n
		}
		all[pid] = p
	}
	return all
}

func below(all map[int]process, pid, root int) bool {
	for ; pid > 1; pid = all[pid].parent {
		if pid == root {
			return true
		}
	}
	return false
}
