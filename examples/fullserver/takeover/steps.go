package takeover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/queue"
)

// Change is a take-over, or the way back.
type Change struct {
	Options               // what is there, and where the new configuration is
	Plan    *Plan         // of a take-over
	Program string        // the server's executable
	Drain   time.Duration // how long to wait for a queue to become empty by itself
	Start   string        // the command that starts the server; "" for systemd, or the program itself
	Stop    string        // the command that stops it
	DryRun  bool          // say what would be done
	Systemd bool          // the pair are systemd's services, and so will be the server
	Said    io.Writer     // what is being done

	run  runner // nil: execute
	pair *pair
	ours *ours
	old  *oldQueue
}

// parts finds who is stopped and started. set is the new configuration.
func (c *Change) parts(set *config.Config) error {
	if c.run == nil {
		c.run = execute
	}
	base := c.Doveconf.Root.Value("base_dir")
	if base == "" {
		base = "/run/dovecot"
	}
	c.pair = &pair{postfix: c.Postfix, dovecot: c.Dovecot, base: base, systemd: c.Systemd, run: c.run}
	c.ours = &ours{program: c.Program, main: filepath.Join(c.Out, "main.cf"), data: set.Settings.DataDirectory, queue: set.Settings.QueueDirectory,
		log: filepath.Join(c.Out, "fullserver.log"), start: c.Start, stop: c.Stop, run: c.run}
	if c.Systemd && c.Start == "" {
		c.ours.unit = filepath.Join(c.Out, "fullserver.service")
	}
	theirs, err := config.Load(config.Options{File: filepath.Join(c.Postfix, "main.cf"), Unchecked: true})
	if err != nil {
		return err
	}
	c.old = &oldQueue{c.Postfix, queueOf(theirs), c.run}
	if name := set.Settings.Process.Owner; name != "" && os.Geteuid() == 0 {
		c.ours.owner, err = process.LookupOwner(name)
	}
	return err
}

func (c *Change) say(format string, args ...any) { fmt.Fprintf(c.Said, format+"\n", args...) }

// step is one of a change. Nothing of one is left undone when the next begins.
type step struct {
	what string
	do   func(ctx context.Context) error
}

// TakeOver stops the pair and starts the server in its place. When a step fails, what was done is taken back, and the pair runs again. Where the server runs
// already, what was given to Postfix's sendmail since is handed over.
func (c *Change) TakeOver(ctx context.Context) error {
	if n := c.Plan.Count(Blocks); n > 0 {
		return fmt.Errorf("nothing was done: %d things are in the way", n)
	}
	if err := c.parts(c.Plan.Config); err != nil {
		return err
	}
	if running, err := c.ours.running(ctx); err != nil {
		return err
	} else if running {
		c.say("the server runs already")
		return c.late(ctx)
	}
	stopped := false
	steps := []step{
		{"write " + c.ours.main, c.write},
		{"let Postfix deliver what is in its queue", c.drainOld},
		{"stop Postfix", func(ctx context.Context) error { stopped = true; return c.pair.stopPostfix(ctx) }},
		{"stop Dovecot", c.pair.stopDovecot},
		{"move the rest of Postfix's queue", c.moveQueue},
		{"start the server", c.ours.begin},
	}
	if c.DryRun {
		return c.dry(ctx, steps)
	}
	for i, s := range steps {
		c.say("%d/%d  %s", i+1, len(steps), s.what)
		if err := s.do(ctx); err != nil {
			err = fmt.Errorf("%s: %w", s.what, err)
			if !stopped {
				return fmt.Errorf("%w; the pair runs as before", err)
			}
			c.say("failed: %v", err)
			return errors.Join(err, c.back(context.WithoutCancel(ctx)))
		}
	}
	return c.late(ctx)
}

// write writes the configuration, and makes the folders of the server's own.
func (c *Change) write(context.Context) error {
	files, err := c.Plan.Write()
	for _, f := range files {
		c.say("      %s", f)
	}
	if err == nil && c.ours.unit != "" {
		err = replace(c.ours.unit, fmt.Sprintf(unitText, c.Program, c.ours.main), 0o644, 0)
	}
	if err != nil {
		return err
	}
	if c.ours.owner == nil {
		return errors.Join(os.MkdirAll(c.ours.data, 0o700), os.MkdirAll(c.ours.queue, 0o700))
	}
	return errors.Join(c.ours.owner.Keep(c.ours.data), c.ours.owner.Keep(c.ours.queue))
}

func (c *Change) dry(ctx context.Context, steps []step) error {
	for i, s := range steps {
		c.say("%d/%d  would %s", i+1, len(steps), s.what)
	}
	all, err := c.old.list(ctx)
	if err == nil {
		c.say("      in Postfix's queue now: %d", len(all))
	}
	return err
}

// drainOld has Postfix try everything once, and waits until what can be delivered is.
func (c *Change) drainOld(ctx context.Context) error {
	if !c.pair.postfixRuns(ctx) {
		c.say("      it doesn't run: what is in its queue is moved")
		return nil
	}
	if _, err := c.run(ctx, nil, "postqueue", "-c", c.Postfix, "-f"); err != nil {
		return err
	}
	return c.drain(ctx, c.old.list)
}

// drain waits until what is in a queue that was flushed has been tried, c.Drain at most.
func (c *Change) drain(ctx context.Context, list func(context.Context) ([]waiting, error)) error {
	last, begun := -1, time.Now()
	for {
		all, err := list(ctx)
		if err != nil {
			return err
		}
		moving := 0
		for _, w := range all {
			if w.Queue != "deferred" && w.Queue != "hold" {
				moving++
			}
		}
		if len(all) != last {
			last = len(all)
			c.say("      %d in the queue, %d of them on their way", last, moving)
		}
		if took := time.Since(begun); len(all) == 0 || moving == 0 && took > time.Second || took > c.Drain { // a second until all are tried
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// moveQueue puts what is left in Postfix's queue into ours, and makes all of it the server's.
func (c *Change) moveQueue(ctx context.Context) error {
	s := &queue.Spool{Dir: c.ours.queue}
	if err := s.Start(); err != nil {
		return err
	}
	j, err := openJournal(c.Out)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	n, err := c.old.handOver(ctx, s, j, func(done, of int) {
		if done == of || done%1000 == 0 {
			c.say("      %d of %d", done, of)
		}
	})
	if err = errors.Join(err, j.end(err == nil), s.Close()); err != nil {
		return err
	}
	c.say("      %d moved", n)
	return c.ours.own()
}

// late hands over what programs have written meanwhile. The server runs: nothing is taken back when it fails.
func (c *Change) late(ctx context.Context) error {
	if c.DryRun {
		c.say("would hand over what is in Postfix's maildrop")
		return nil
	}
	given, err := openRecord(c.Out, "given")
	if err != nil {
		return err
	}
	n, err := c.old.late(ctx, []string{c.Program, "-c", c.ours.main, "sendmail"}, given)
	if n > 0 {
		c.say("      %d more, that programs have given to Postfix's sendmail", n)
	}
	if err = errors.Join(err, given.end(err == nil)); err != nil {
		return fmt.Errorf("the server runs; what is still in Postfix's maildrop -take-over hands over when it is called again: %w", err)
	}
	return nil
}

// unitText is systemd's unit for the server.
const unitText = `[Unit]
Description=Bưu tá mail server
After=network-online.target
Wants=network-online.target
Conflicts=postfix.service dovecot.service

[Service]
Type=notify
ExecStart=%s -c %s
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`
