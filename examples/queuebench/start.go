//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/buuta/mail/queue"
)

// start opens a spool of a million deferred messages, of which a few are due.
func (b *bench) start() error {
	n, due := b.n(1000000), 100
	dir := filepath.Join(b.dir, "start")
	if err := b.fill(dir, n, due); err != nil {
		return err
	}
	b.printf("\n## Starting with %d deferred messages\n\nOf these %d are due and whole, the others, which nobody reads at a start, are empty files. *Open*: mail is accepted\n"+
		"and what is new delivered. *First* and *due*: the first, and the last, of the messages that are due is leased.\n*All*: every file's time has been looked at. "+
		"Memory is the process's largest resident set.\n\n| caches | open | first | due | all | memory |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", n, due)
	for _, kind := range []string{"warm", "warm", "cold"} {
		if kind == "cold" {
			if !b.cold {
				continue
			}
			syscall.Sync()
			if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0); err != nil {
				return err
			}
		}
		out, err := inChild(b.ctx, "start", dir)
		if err != nil {
			return err
		}
		b.printf("| %s | %s\n", kind, out)
	}
	return nil
}

// fill makes a spool, without syncing anything.
func (b *bench) fill(dir string, n, due int) error {
	q := &queue.Queue{Dir: dir}
	if err := send(b.ctx, q, "a@example.org", body4k, "b@example.net"); err != nil {
		return err
	}
	if err := q.Close(); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(dir, "incoming", "*"))
	if err != nil || len(names) != 1 {
		return fmt.Errorf("one message expected: %v %v", names, err)
	}
	content, err := os.ReadFile(names[0])
	if err != nil {
		return err
	}
	now := time.Now()
	for i := range n {
		temp := filepath.Join(dir, "new")
		at, text := now.Add(time.Hour+time.Duration(i*7919%n)*time.Millisecond), []byte(nil)
		if i%(n/due) == 0 {
			at, text = now.Add(-time.Minute), content
		}
		if err := os.WriteFile(temp, text, 0o600); err != nil {
			return err
		}
		info, err := os.Stat(temp)
		if err != nil {
			return err
		}
		if err := os.Chtimes(temp, at, at); err != nil {
			return err
		}
		id := fmt.Sprintf("%05X%X", i%1000000, inode(info))
		if err := os.Rename(temp, filepath.Join(dir, "deferred", id)); err != nil {
			return err
		}
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
	}
	return os.Remove(names[0])
}

func inode(info os.FileInfo) uint64 {
	st, _ := info.Sys().(*syscall.Stat_t)
	return st.Ino
}

// startChild opens the spool and leases what is due.
func startChild(ctx context.Context, dir string) error {
	began := time.Now()
	s := &queue.Spool{Dir: dir}
	if err := s.Start(); err != nil {
		return err
	}
	open, first, last, leases := time.Since(began), time.Duration(0), time.Duration(0), []*queue.Lease(nil)
	for {
		some, _, err := s.Claim(ctx, queue.ClaimQuery{Messages: 100})
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		last = time.Since(began)
		if first == 0 {
			first = last
		}
		leases = append(leases, some...)
	}
	all := time.Since(began)
	for _, l := range leases { // as it was, for the next
		if err := s.Finish(ctx, l, queue.Finish{Retry: time.Now().Add(time.Millisecond)}); err != nil {
			return err
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	sec := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	runtime.KeepAlive(leases)
	fmt.Printf("%s | %s | %s | %s | %s |", sec(open), sec(first), sec(last), sec(all), maxResident())
	return nil
}
