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
	"time"
)

// bench is one run.
type bench struct {
	ctx     context.Context
	dir     string
	scale   float64
	writers int
	million bool
	dovecot *dovecot // nil without one
	out     table
}

// n scales a count.
func (b *bench) n(n int) int { return max(int(float64(n)*b.scale), 40) }

func main() {
	dir := flag.String("dir", os.TempDir(), "`folder` on the disk to be measured")
	scale := flag.Float64("scale", 1, "how large everything is")
	writers := flag.Int("writers", 20, "how many append at once")
	million := flag.Bool("million", true, "measure a mailbox of a million messages too")
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
	if err := run(ctx, *dir, *scale, *writers, *million); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string, scale float64, writers int, million bool) error {
	dir, err := os.MkdirTemp(dir, "storebench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Dovecot's user comes in, too
		return err
	}
	b := &bench{ctx: ctx, dir: dir, scale: scale, writers: writers, million: million}
	if b.dovecot, err = startDovecot(dir); err != nil {
		fmt.Fprintln(os.Stderr, "without Dovecot:", err)
	} else {
		defer b.dovecot.stop()
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"append", b.appends}, {"flags", b.flags}, {"open and list", b.hundredThousand}, {"rebuild", b.rebuild}, {"memory", b.memory}, {"a million", b.millions},
	}
	for _, s := range steps {
		began := time.Now()
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", s.name, time.Since(began).Seconds())
	}
	fmt.Print(b.out.String())
	return nil
}
