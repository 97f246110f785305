//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// What a burst leaves behind is given back when there is nothing more to do, and not while there is.
func TestGiveBack(t *testing.T) { play(t, "givesback", "", nil) }

func givesBack() error {
	stays := fill(100)
	runtime.GC() // from here on Go waits until there are 200 MiB
	h := newHeap()
	fill(80)
	if h.look(); h.made < quiet {
		return fmt.Errorf("a burst looks like rest: %d", h.made)
	}
	if h.look(); h.made >= quiet || h.spare() < 40<<20 {
		return fmt.Errorf("rest doesn't look like rest: %d made, %d to give back", h.made, h.spare())
	}
	if now, err := ownKiB(); err != nil || now < 140<<10 {
		return fmt.Errorf("%d KiB after a burst, %w", now, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go giveBack(ctx, 10*time.Millisecond)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		now, err := ownKiB()
		if err != nil || now < 130<<10 {
			runtime.KeepAlive(stays)
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("not given back: %d KiB", now)
		}
	}
}

// fill needs so many MiB.
func fill(n int) (list [][]byte) {
	for range n {
		b := make([]byte, 1<<20)
		for at := 0; at < len(b); at += 4096 {
			b[at] = 1
		}
		list = append(list, b)
	}
	return list
}

// ownKiB is the process's own memory in KiB. The race detector has more beside it, which it never gives back: with it, this is what the runtime says.
func ownKiB() (int, error) {
	if race {
		s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		metrics.Read(s)
		return int(s[0].Value.Uint64()-s[1].Value.Uint64()) >> 10, nil
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	n := 0
	if _, err := fmt.Sscan(rest, &n); err != nil || n == 0 {
		return 0, errors.New("no RssAnon in /proc/self/status")
	}
	return n, nil
}
