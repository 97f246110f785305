package takeover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/buuta/mail/queue"
)

// Change is a take-over, or the way back.
type Change struct {
	Plan    *Plan
	Program string        // the server's executable
	Drain   time.Duration // how long to wait for a queue to become empty by itself
	Start   string        // the command that starts the server; "" for systemd, or the program itself
	Stop    string        // the command that stops it
	DryRun  bool          // say what would be done
	Systemd bool          // the pair are systemd's services, and so will be the server
	Out     io.Writer     // progress

	run runner // nil: execute
}

// parts are who is stopped and started.
func (c *Change) parts() (*pair, *ours, *oldQueue) {
	if c.run == nil {
		c.run = execute
	}
	p := c.Plan
	base := p.o.Doveconf.Root.Value("base_dir")
	if base == "" {
		base = "/run/dovecot"
	}
	o := &ours{program: c.Program, main: filepath.Join(p.o.Out, "main.cf"), data: p.o.Data, queue: filepath.Join(p.o.Data, "queue"), log: filepath.Join(p.o.Out, "fullserver.log"), start: c.Start, stop: c.Stop, run: c.run}
	if p.Config != nil {
		o.queue = p.Config.Settings.QueueDirectory
	}
	if c.Systemd && c.Start == "" {
		o.unit = filepath.Join(p.o.Out, "fullserver.service")
	}
	return &pair{postfix: p.o.Postfix, dovecot: p.o.Dovecot, base: base, systemd: c.Systemd, run: c.run}, o, &oldQueue{p.o.Postfix, c.run}
}

func (c *Change) say(format string, args ...any) { fmt.Fprintf(c.Out, format+"\n", args...) }

// step is one of a change. Nothing of one is left undone when the next begins.
type step struct {
	what string
	do   func(ctx context.Context) error
}

// TakeOver stops the pair and starts the server in its place. When a step fails, what was done is taken back, and the pair runs again.
func (c *Change) TakeOver(ctx context.Context) error {
	p, o, old := c.parts()
	if n := c.Plan.Count(Blocks); n > 0 {
		return fmt.Errorf("nothing was done: %d things are in the way", n)
	}
	stopped := false
	steps := []step{
		{"write " + o.main, func(context.Context) error {
			files, err := c.Plan.Write()
			if err == nil && o.unit != "" {
				err = replace(o.unit, fmt.Sprintf(unitText, c.Program, o.main), 0o644, 0)
			}
			for _, f := range files {
				c.say("      %s", f)
			}
			return err
		}},
		{"let Postfix deliver what is in its queue", func(ctx context.Context) error { return c.drainOld(ctx, p, old) }},
		{"stop Postfix", func(ctx context.Context) error { stopped = true; return p.stopPostfix(ctx) }},
		{"stop Dovecot", p.stopDovecot},
		{"move the rest of Postfix's queue", func(ctx context.Context) error { return c.moveQueue(ctx, o, old) }},
		{"start the server", o.begin},
	}
	if c.DryRun {
		return c.dry(ctx, old, steps)
	}
	for i, s := range steps {
		c.say("%d/%d  %s", i+1, len(steps), s.what)
		if err := s.do(ctx); err != nil {
			err = fmt.Errorf("%s: %w", s.what, err)
			if !stopped {
				return fmt.Errorf("%w; nothing was changed", err)
			}
			c.say("failed: %v", err)
			return errors.Join(err, c.back(context.WithoutCancel(ctx)))
		}
	}
	return nil
}

func (c *Change) dry(ctx context.Context, old *oldQueue, steps []step) error {
	for i, s := range steps {
		c.say("%d/%d  would %s", i+1, len(steps), s.what)
	}
	all, err := old.list(ctx)
	if err == nil {
		c.say("      in Postfix's queue now: %d", len(all))
	}
	return err
}

// drainOld has Postfix try everything once, and waits until what can be delivered is.
func (c *Change) drainOld(ctx context.Context, p *pair, old *oldQueue) error {
	if !p.postfixRuns(ctx) {
		c.say("      it doesn't run: what is in its queue is moved")
		return nil
	}
	if _, err := c.run(ctx, nil, "postqueue", "-c", c.Plan.o.Postfix, "-f"); err != nil {
		return err
	}
	last, begun := -1, time.Now()
	for {
		all, err := old.list(ctx)
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
func (c *Change) moveQueue(ctx context.Context, o *ours, old *oldQueue) error {
	if err := os.MkdirAll(o.data, 0o711); err != nil {
		return err
	}
	s := &queue.Spool{Dir: o.queue}
	if err := s.Start(); err != nil {
		return err
	}
	j, err := openJournal(filepath.Join(c.Plan.o.Out, "moved"))
	if err != nil {
		return errors.Join(err, s.Close())
	}
	n, err := old.handOver(ctx, s, j, func(done, of int) {
		if done == of || done%1000 == 0 {
			c.say("      %d of %d", done, of)
		}
	})
	if err = errors.Join(err, j.f.Close(), s.Close()); err != nil {
		return err
	}
	c.say("      %d moved", n)
	return c.own(o)
}

// own makes the server's folders belong to mail_owner.
func (c *Change) own(o *ours) error {
	if c.Plan.Owner == "" || os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(c.Plan.Owner)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return errors.Join(give(o.data, uid, gid), give(o.queue, uid, gid))
}

// GiveBack stops the server and starts the pair again.
func (c *Change) GiveBack(ctx context.Context) error {
	_, o, _ := c.parts()
	steps := []string{"let the server deliver what is in its queue", "stop it", "move the rest of its queue to Postfix", "start Dovecot and Postfix"}
	if c.DryRun {
		for i, s := range steps {
			c.say("%d/%d  would %s", i+1, len(steps), s)
		}
		return nil
	}
	c.say("1/%d  %s", len(steps), steps[0])
	if err := c.drainOurs(ctx, o); err != nil {
		return err
	}
	return c.back(ctx)
}

// drainOurs has the server try everything once, and waits until what can be delivered is.
func (c *Change) drainOurs(ctx context.Context, o *ours) error {
	if _, err := o.control(ctx, "postqueue", "-f"); err != nil {
		c.say("      it doesn't run: what is in its queue is moved")
		return nil
	}
	deadline := time.Now().Add(c.Drain)
	for {
		out, err := o.control(ctx, "postqueue", "-j")
		if err != nil {
			return err
		}
		all, err := parseQueue([]byte(out))
		if err != nil {
			return err
		}
		moving := slices.ContainsFunc(all, func(w waiting) bool { return w.Queue == "active" || w.Queue == "incoming" })
		if !moving || !time.Now().Before(deadline) {
			c.say("      %d in the queue", len(all))
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// back is the way back from wherever a take-over has got to.
func (c *Change) back(ctx context.Context) error {
	p, o, old := c.parts()
	c.say("back  stop the server")
	s, err := o.end(ctx)
	if err != nil {
		return err
	}
	c.say("back  move its queue to Postfix")
	moved, held, err := old.handBack(ctx, s, func(n int) {
		if n%1000 == 0 {
			c.say("      %d", n)
		}
	})
	err = errors.Join(err, s.Close())
	c.say("      %d moved", moved)
	if held > 0 {
		c.say("      %d on hold stay in %s: fullserver -c %s postsuper -H ALL, and -give-back again, sends them", held, o.queue, o.main)
	}
	if err = errors.Join(err, c.own(o)); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(c.Plan.o.Out, "moved")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c.say("back  start Dovecot and Postfix")
	return p.start(ctx)
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
