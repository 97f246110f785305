package takeover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail/queue"
)

// maildrop is where Postfix's sendmail puts messages that nobody has looked at: their addresses aren't expanded, and nothing has filtered them.
const maildrop = "maildrop"

// handOver moves what is in Postfix's queue into ours, with the same envelopes and the age that it has; Postfix must have stopped, and the server must not run. All are copied; then
// they are ours, by one line in the journal; then they are removed there. What is on hold stays so; maildrop is left for [oldQueue.late].
func (q *oldQueue) handOver(ctx context.Context, into *queue.Spool, j journal, progress func(done, of int)) (moved int, err error) {
	if moved, err = q.resume(ctx, into, j); err != nil {
		return moved, err
	}
	all, err := q.list(ctx)
	if err != nil {
		return moved, err
	}
	for i, w := range all {
		if w.Queue == maildrop {
			continue
		}
		if err := q.copy(ctx, into, j, w); err != nil {
			return moved, fmt.Errorf("message %s of Postfix's queue: %w", w.ID, err)
		}
		progress(i+1, len(all))
	}
	if err := j.commit(); err != nil {
		return moved, err
	}
	n, err := q.resume(ctx, into, j)
	return moved + n, err
}

// resume ends what was begun, in this take-over or in an earlier one that a crash has ended. It returns how many messages have become ours.
func (q *oldQueue) resume(ctx context.Context, into *queue.Spool, j journal) (int, error) {
	ours, theirs := j.state()
	if err := drop(ctx, into, theirs); err != nil {
		return 0, err
	}
	if err := q.remove(ctx, func(w *waiting) bool { return ours[w.key()] != "" }); err != nil {
		return 0, err
	}
	return len(ours), j.clear()
}

// drop removes messages from our queue.
func drop(ctx context.Context, from *queue.Spool, ids []string) error {
	if len(ids) == 0 { // a filter without ids names all
		return nil
	}
	_, err := from.Edit(ctx, queue.Filter{IDs: ids}, queue.OpDelete)
	return err
}

// copy puts a message into our queue.
func (q *oldQueue) copy(ctx context.Context, into *queue.Spool, j journal, w waiting) error {
	m, content, err := q.open(ctx, w.ID)
	if err != nil || len(m.Recipients) == 0 {
		return err // one that everybody has got is no message any more
	}
	d, err := into.Create(ctx)
	if err != nil {
		return err
	}
	defer d.Abort()
	m.Arrived = time.Unix(w.Arrived, 0)
	if err := d.Write(ctx, m, content); err != nil {
		return err
	}
	if err := j.copying(w.key(), d.ID()); err != nil {
		return err
	}
	return d.Commit(ctx, queue.Placement{Held: w.Queue == "hold"})
}

// remove removes messages from Postfix's queue, durably. Those that it still has after that are an error.
func (q *oldQueue) remove(ctx context.Context, which func(*waiting) bool) error {
	those := func() (ids []string, err error) {
		all, err := q.list(ctx)
		for i := range all {
			if which(&all[i]) {
				ids = append(ids, all[i].ID)
			}
		}
		return ids, err
	}
	ids, err := those()
	if err != nil || len(ids) == 0 {
		return err
	}
	_, failed := q.run(ctx, strings.NewReader(strings.Join(ids, "\n")+"\n"), "postsuper", "-c", q.dir, "-d", "-")
	if failed != nil {
		// Where Postfix's log is a file, and postlogd doesn't run, postsuper ends when it can't write there that it has removed the first: each has a call of its
		// own then. What has become of them the list says.
		for _, id := range ids {
			_, _ = q.run(ctx, strings.NewReader(id+"\n"), "postsuper", "-c", q.dir, "-d", "-")
		}
	}
	rest, err := those()
	if err != nil {
		return errors.Join(err, failed)
	}
	if len(rest) > 0 {
		return errors.Join(fmt.Errorf("%d messages could not be removed from Postfix's queue, %s first", len(rest), rest[0]), failed)
	}
	_, err = q.run(ctx, nil, "sync", "-f", q.spool) // postsuper doesn't
	return err
}

// late hands over what programs of this machine have given to Postfix's sendmail while nobody took it: it goes through the server's own.
// A crash can double the one that is under way.
func (q *oldQueue) late(ctx context.Context, sendmail []string, given *record) (n int, err error) {
	all, err := q.list(ctx)
	if err != nil {
		return 0, err
	}
	for _, w := range all {
		if w.Queue != maildrop {
			continue
		}
		if err := q.one(ctx, sendmail, w, given); err != nil {
			return n, fmt.Errorf("message %s: %w", w.ID, err)
		}
		n++
	}
	return n, nil
}

func (q *oldQueue) one(ctx context.Context, sendmail []string, w waiting, given *record) error {
	if !given.has[w.key()] {
		m, content, err := q.open(ctx, w.ID)
		if err == nil {
			err = q.submit(ctx, sendmail, m, content, func(part) error { return nil })
		}
		if err == nil {
			err = given.add(w.key())
		}
		if err != nil {
			return err
		}
	}
	return q.remove(ctx, func(x *waiting) bool { return x.key() == w.key() })
}
