// Command storebench measures package maildir on this machine's disk, beside Debian's Dovecot where that does the same, and prints
// the table that stands in docs/benchmarks-maildir.md.
//
//	storebench -dir /var/tmp
//
// Run it as root, with dovecot-imapd installed, on a machine that does nothing else. -scale 0.01 makes everything a hundredth as
// large, to see that it works.
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
	"time"
)

// bench is one run.
type bench struct {
	ctx     context.Context
	dir     string
	scale   float64
	writers int
	dovecot *dovecot // nil without one
	out     table
}

// n scales a count.
func (b *bench) n(n int) int { return max(int(float64(n)*b.scale), 40) }

func main() {
	dir := flag.String("dir", os.TempDir(), "`folder` on the disk to be measured")
	scale := flag.Float64("scale", 1, "how large everything is")
	writers := flag.Int("writers", 20, "how many append at once")
	only := flag.String("only", "", "what to measure, with commas between: append, flags, first, reading, open, rebuild, memory, million; everything if empty")
	child := flag.String("child", "", "measure memory: for this program's own use")
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *child != "" {
		if err := childMain(ctx, *child, flag.Args()); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := run(ctx, *dir, *only, *scale, *writers); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir, only string, scale float64, writers int) error {
	dir, err := os.MkdirTemp(dir, "storebench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Dovecot's user comes in, too
		return err
	}
	b := &bench{ctx: ctx, dir: dir, scale: scale, writers: writers}
	if b.dovecot, err = startDovecot(dir); err != nil {
		fmt.Fprintln(os.Stderr, "without Dovecot:", err)
	} else {
		defer b.dovecot.stop()
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"append", b.appends}, {"flags", b.flags}, {"first", b.first}, {"reading", b.reading}, {"open", b.hundredThousand}, {"rebuild", b.rebuild}, {"memory", b.memory}, {"million", b.millions},
	}
	for _, s := range steps {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		began := time.Now()
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", s.name, time.Since(began).Seconds())
	}
	fmt.Print(b.out.String())
	return nil
}
