package takeover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/buuta/mail/examples/fullserver/config"
)

// GiveBack stops the server and starts the pair again.
func (c *Change) GiveBack(ctx context.Context) error {
	main := filepath.Join(c.Out, "main.cf")
	set, err := config.Load(config.Options{File: main, Unchecked: true})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is nothing to give back: %s isn't there; -out names another folder", main)
	}
	if err != nil {
		return err
	}
	if err := c.parts(set); err != nil {
		return err
	}
	steps := []string{"let the server deliver what is in its queue", "stop it", "move the rest of its queue to Postfix", "start Dovecot and Postfix"}
	if c.DryRun {
		for i, s := range steps {
			c.say("%d/%d  would %s", i+1, len(steps), s)
		}
		return nil
	}
	c.say("      %s", steps[0])
	if err := c.drainOurs(ctx); err != nil {
		return err
	}
	return c.back(ctx)
}

// drainOurs has the server try everything once, and waits until what can be delivered is.
func (c *Change) drainOurs(ctx context.Context) error {
	if running, err := c.ours.running(ctx); err != nil {
		return err
	} else if !running {
		c.say("      it doesn't run: what is in its queue is moved")
		return nil
	}
	if _, err := c.ours.control(ctx, "postqueue", "-f"); err != nil {
		return err
	}
	return c.drain(ctx, func(ctx context.Context) ([]waiting, error) {
		out, err := c.ours.control(ctx, "postqueue", "-j")
		if err != nil {
			return nil, err
		}
		return parseQueue([]byte(out))
	})
}

// back is the way back from wherever a take-over has got to. The pair is started whatever stays in our queue, unless a message could be in both.
func (c *Change) back(ctx context.Context) error {
	c.say("back  stop the server")
	s, err := c.ours.end(ctx)
	if err != nil {
		return err
	}
	c.say("back  move its queue to Postfix")
	j, err := openJournal(c.Out)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	err = c.old.undo(ctx, s, j)
	if err = errors.Join(err, j.end(err == nil), c.removeGiven(ctx)); err != nil {
		return errors.Join(fmt.Errorf("messages may be in both queues, so nothing was started; mend it and call -give-back: %w", err), s.Close())
	}
	moved, stay, err := c.old.handBack(ctx, s, func(n int) {
		if n%1000 == 0 {
			c.say("      %d", n)
		}
	})
	err = errors.Join(err, s.Close(), c.ours.own())
	c.say("      %d moved", moved)
	c.stays(stay)
	c.say("back  start Dovecot and Postfix")
	return errors.Join(append(stay.refused, err, c.pair.start(ctx))...)
}

// removeGiven removes from Postfix's maildrop what we have sent and could not remove there then: Postfix would send it again.
func (c *Change) removeGiven(ctx context.Context) error {
	given, err := openRecord(c.Out, "given")
	if err != nil {
		return err
	}
	if len(given.has) > 0 {
		err = c.old.remove(ctx, func(w *waiting) bool { return w.Queue == maildrop && given.has[w.key()] })
	}
	return errors.Join(err, given.end(err == nil))
}

// stays says what has to be done about messages that are left behind.
func (c *Change) stays(l left) {
	server := "fullserver -c " + c.ours.main
	if l.held > 0 {
		c.say("      %d on hold stay in %s: %s postsuper -H ALL, and -give-back again, sends them", l.held, c.ours.queue, server)
	}
	if l.owed > 0 {
		c.say("      %d stay in %s whose senders have to be told something: -take-over and -give-back again", l.owed, c.ours.queue)
	}
	if l.damaged > 0 {
		c.say("      %d damaged files stay in %s/corrupt", l.damaged, c.ours.queue)
	}
	if n := len(l.refused); n > 0 {
		c.say("      %d stay in %s that Postfix didn't take: -give-back again, once the reason below is mended", n, c.ours.queue)
	}
}
