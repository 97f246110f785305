//go:build linux

// Command queuebench measures package queue on this machine's disk, and fullserver as a relay beside Debian's Postfix, and
// prints what stands in docs/benchmarks-queue.md.
//
//	queuebench -dir /var/tmp
//
// Run it as root with the packages postfix and go installed, on a machine that does nothing else. -scale 0.01 makes
// everything a hundredth as large, to see that it works. -cold empties the system's caches before a start is measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// bench is one run.
type bench struct {
	ctx   context.Context
	dir   string
	scale float64
	cold  bool
	out   strings.Builder
}

// n scales a count.
func (b *bench) n(n int) int { return max(int(float64(n)*b.scale), 100) }

func main() {
	dir := flag.String("dir", os.TempDir(), "`folder` on the disk to be measured")
	scale := flag.Float64("scale", 1, "how large everything is")
	cold := flag.Bool("cold", false, "empty the system's caches before a start is measured; for root")
	only := flag.String("only", "", "what to measure, with commas between: accept, relay, list, narrow, start; everything if empty")
	child := flag.String("child", "", "a measurement in a process of its own: for this program's use")
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *child != "" {
		err = runChild(ctx, *child, flag.Args())
	} else {
		err = run(ctx, *dir, *only, *scale, *cold)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir, only string, scale float64, cold bool) error {
	dir, err := os.MkdirTemp(dir, "queuebench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Postfix's user comes in, too
		return err
	}
	b := &bench{ctx: ctx, dir: dir, scale: scale, cold: cold}
	for _, s := range []struct {
		name string
		do   func() error
	}{{"accept", b.accept}, {"relay", b.relay}, {"list", b.lists}, {"narrow", b.narrow}, {"start", b.start}} {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	fmt.Print(b.out.String())
	return nil
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(&b.out, format, args...) }
