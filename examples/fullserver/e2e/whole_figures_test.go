//go:build linux

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var wholeFile = flag.String("whole", "", "the file that TestWholeFigures writes; empty: it is left out")

const (
	wholeUsers    = 400
	wholeMessages = 2000
	wholeSessions = 20
	wholeTurns    = 3
)

// figures is what one turn came to.
type figures struct {
	rate, cpu, push, memory float64 // messages a second; ms a message; ms; MiB
}

// TestWholeFigures measures fullserver and Debian's pair, turn by turn in one run, from SMTP to IMAP. It proves nothing by itself; its file is docs/benchmarks-fullserver.md.
func TestWholeFigures(t *testing.T) {
	if *wholeFile == "" {
		t.Skip("for people: make benchwhole")
	}
	const instances = "/proc/sys/fs/inotify/max_user_instances" // 128, and each of Dovecot's sessions takes one
	was, err := os.ReadFile(instances)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(instances, []byte("8192"), 0))
	defer os.WriteFile(instances, was, 0)

	var ours, theirs []figures
	for range wholeTurns {
		for _, side := range []struct {
			name  string
			start func(*testing.T, int) *whole
			all   *[]figures
		}{{"fullserver", wholeOfOurs, &ours}, {"Debian's pair", wholeOfDebian, &theirs}} {
			t.Run("", func(t *testing.T) {
				w := side.start(t, wholeUsers)
				f := w.measure(t)
				w.stop()
				t.Logf("%s: %.0f/s, %.2f ms of CPU, push %.1f ms, %.1f MiB; load of the machine: %s", side.name, f.rate, f.cpu, f.push, f.memory, loadAverage())
				*side.all = append(*side.all, f)
			})
		}
	}
	require.Len(t, ours, wholeTurns)
	require.Len(t, theirs, wholeTurns)
	require.NoError(t, os.WriteFile(*wholeFile, []byte(wholeTable(t, ours, theirs)), 0o644))
}

func (w *whole) measure(t *testing.T) (f figures) {
	send := func(n int) {
		var next atomic.Int64
		require.NoError(t, atOnce(wholeSessions, wholeSessions, func(int) error {
			s, err := newFeeder(w.smtp)
			if err != nil {
				return err
			}
			defer s.nc.Close()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := s.send(int(i%wholeUsers), time.Now()); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	send(wholeUsers) // processes and folders are there
	w.arrived(t, wholeUsers)
	before, began := w.cpu(), time.Now()
	send(wholeMessages)
	w.arrived(t, wholeUsers+wholeMessages)
	f.rate = wholeMessages / time.Since(began).Seconds()
	time.Sleep(time.Second) // what is left to be tidied up counts
	f.cpu = (w.cpu() - before).Seconds() * 1000 / wholeMessages

	y, err := w.login(0)
	require.NoError(t, err)
	y.read = y.exists
	var times []time.Duration
	for range 50 {
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		require.NoError(t, stamped(w.smtp, 0))
		require.NoError(t, y.told())
		times = append(times, time.Since(began))
		y.read = y.exists
	}
	y.c.Close()
	slices.Sort(times)
	f.push = float64(times[len(times)/2].Microseconds()) / 1000

	list := make([]*idler, wholeUsers)
	require.NoError(t, atOnce(len(list), 20, func(u int) (err error) {
		if list[u], err = w.login(u); err != nil {
			return fmt.Errorf("u%d: %w", u, err)
		}
		list[u].read = list[u].exists - 1
		if _, err = list[u].next(); err != nil { // reads one
			return fmt.Errorf("u%d: %w", u, err)
		}
		return list[u].idle()
	}))
	time.Sleep(10 * time.Second)
	f.memory = float64(w.memory(t)) / (1 << 20)
	for _, y := range list {
		y.c.Close()
	}
	return f
}

// atOnce calls f for 0 to n-1, so many at once, and returns what went wrong.
func atOnce(n, most int, f func(int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	slots := make(chan struct{}, most)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = f(i)
			<-slots
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// wholeTable is the file's text: each turn, and the medians.
func wholeTable(t *testing.T, ours, theirs []figures) string {
	version := func(cmd string, args ...string) string {
		out, err := exec.Command(cmd, args...).Output()
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(out), "\n")
		return first
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks: the whole server\n\nMade by `make benchwhole`, as root on a machine that does nothing else: %s cores here. fullserver and Debian's Postfix %s with Dovecot %s behind it (LMTP) took turns, %d each;\n"+
		"compare lines of one table. How much is relayed stands in [benchmarks-queue.md](benchmarks-queue.md).\n\n", version("nproc"), version("postconf", "-d", "-h", "mail_version"), strings.Fields(version("dovecot", "--version"))[0], wholeTurns)
	fmt.Fprintf(&b, "- *In*: %d messages of 4 KiB from %d SMTP sessions at once to %d users, until all lie in their Maildirs, each durable before its 250; CPU is that of all processes of the server.\n", wholeMessages, wholeSessions, wholeUsers)
	fmt.Fprintf(&b, "- *Push*: from the first packet of a program that sends a message to `* EXISTS` at one that waits in IDLE; median of 50.\n")
	fmt.Fprintf(&b, "- *Memory*: of all processes while %d users wait in IDLE who each have read a message (proportional set size).\n\n", wholeUsers)
	b.WriteString("| | in, messages/s | CPU a message | push | memory |\n| --- | ---: | ---: | ---: | ---: |\n")
	row := func(name string, f figures) {
		fmt.Fprintf(&b, "| %s | %.0f | %.2f ms | %.1f ms | %.0f MiB |\n", name, f.rate, f.cpu, f.push, f.memory)
	}
	for i := range ours {
		row("fullserver", ours[i])
		row("Debian's pair", theirs[i])
	}
	o, d := medians(ours), medians(theirs)
	row("**fullserver**, median", o)
	row("**Debian's pair**, median", d)
	fmt.Fprintf(&b, "| ratio of the medians | %.1f | 1/%.1f | 1/%.0f | 1/%.1f |\n", o.rate/d.rate, d.cpu/o.cpu, d.push/o.push, d.memory/o.memory)
	return b.String()
}

func medians(all []figures) figures {
	of := func(get func(figures) float64) float64 {
		var list []float64
		for _, f := range all {
			list = append(list, get(f))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	return figures{of(func(f figures) float64 { return f.rate }), of(func(f figures) float64 { return f.cpu }), of(func(f figures) float64 { return f.push }), of(func(f figures) float64 { return f.memory })}
}
