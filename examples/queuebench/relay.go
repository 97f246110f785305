//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/buuta/mail/internal/proctree"
)

// relayed is what a relay did with so many messages.
type relayed struct {
	messages int
	took     time.Duration // until the sink had the last
	cpu      time.Duration // of all its processes
}

func (r *relayed) add(s relayed) {
	r.messages += s.messages
	r.took += s.took
	r.cpu += s.cpu
}

// relay passes messages from smtp-source through fullserver, and through Postfix, to smtp-sink.
func (b *bench) relay() error {
	const sessions, rounds = 20, 3
	n := b.n(2000)
	server, err := buildFullserver(b.ctx, b.dir)
	if err != nil {
		return err
	}
	var ours, theirs, direct relayed
	for round := range rounds {
		for _, k := range []struct {
			sum   *relayed
			start func(dir string, sinkPort int) (*relay, error)
		}{{&ours, server.start}, {&theirs, startPostfix}, {&direct, noRelay}} {
			dir := filepath.Join(b.dir, fmt.Sprintf("relay%d-%p", round, k.sum))
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
			r, err := b.relayOnce(dir, sessions, n, k.start)
			if err != nil {
				return err
			}
			k.sum.add(r)
		}
	}
	b.printf("\n## Accepting and relaying\n\nsmtp-source with %d sessions, messages of 4 KiB, to smtp-sink, both Postfix's; each message durable before its 250. "+
		"The two took turns, %d\ntimes %d messages each. CPU is that of all processes of the relay.\n\n| relay | messages/s | CPU a message |\n| --- | ---: | ---: |\n", sessions, rounds, n)
	for _, k := range []struct {
		name string
		r    *relayed
	}{{"fullserver", &ours}, {"Postfix " + postfixVersion(), &theirs}} {
		b.printf("| %s | %.0f | %.2f ms |\n", k.name, float64(k.r.messages)/k.r.took.Seconds(), 1000*k.r.cpu.Seconds()/float64(k.r.messages))
	}
	b.printf("| ratio | %.1f | 1/%.1f |\n", theirs.took.Seconds()/ours.took.Seconds(), theirs.cpu.Seconds()/ours.cpu.Seconds())
	b.printf("| none: source to sink | %.0f | |\n", float64(direct.messages)/direct.took.Seconds())
	return nil
}

// noRelay lets the source talk to the sink itself, which is the most that any relay could come to.
func noRelay(_ string, sinkPort int) (*relay, error) {
	return &relay{addr: "127.0.0.1:" + strconv.Itoa(sinkPort), pid: -1, stop: func() {}}, nil
}

func (b *bench) relayOnce(dir string, sessions, n int, start func(string, int) (*relay, error)) (out relayed, err error) {
	sink, err := startSink()
	if err != nil {
		return out, err
	}
	defer sink.stop()
	r, err := start(dir, sink.port)
	if err != nil {
		return out, err
	}
	defer r.stop()
	total := 0
	pass := func(n int) error {
		total += n
		cmd := command(b.ctx, "smtp-source", "-s", strconv.Itoa(sessions), "-m", strconv.Itoa(n), "-l", "4096", "-f", "a@example.org", "-t", "b@example.net", r.addr)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("smtp-source: %w: %s", err, out)
		}
		return sink.wait(b.ctx, total)
	}
	if err := pass(sessions * 5); err != nil { // so that processes and connections are there
		return out, err
	}
	before, began := proctree.CPU(r.pid), time.Now()
	if err := pass(n); err != nil {
		return out, err
	}
	out = relayed{messages: n, took: time.Since(began)}
	time.Sleep(200 * time.Millisecond) // what is left to be tidied up counts
	out.cpu = proctree.CPU(r.pid) - before
	return out, nil
}
