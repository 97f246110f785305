package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/queue"
)

// queueStates are the folders of a queue in which messages are.
var queueStates = []queue.State{queue.Incoming, queue.Active, queue.Deferred, queue.Held}

// queue copies the mail that was accepted and is not delivered. What has come just now lies in logs, many messages in each: they are copied
// first, for what moves from a log to a file meanwhile is then in both, and a file counts more. Then the folders, until nothing
// new is found: a message that moves from one to another while they are read may have been overlooked.
func (t *taking) queue(ctx context.Context) (err error) {
	if _, err := os.Stat(t.Queue); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		t.miss("%v", err)
		return nil
	}
	dir, ours, err := t.to.scratch(strings.TrimSuffix(queuePrefix, "/"))
	if err != nil {
		return broken(err)
	}
	if ours {
		defer os.RemoveAll(dir)
	}
	q := &queueCopy{from: t.Queue, to: dir, have: map[string]bool{}, miss: t.miss}
	if err := q.run(ctx); err != nil {
		return broken(err)
	}
	if err := settleQueue(dir); err != nil {
		return broken(fmt.Errorf("the copy of the queue: %w", err))
	}
	return t.noteQueue(dir, ours)
}

type queueCopy struct {
	from, to string
	have     map[string]bool
	miss     func(string, ...any)
}

func (q *queueCopy) run(ctx context.Context) error {
	for _, st := range queueStates {
		if err := os.MkdirAll(filepath.Join(q.to, string(st)), 0o700); err != nil {
			return err
		}
	}
	logs, err := filepath.Glob(filepath.Join(q.from, string(queue.Incoming), "*.log"))
	if err != nil {
		return err
	}
	for _, log := range logs {
		if err := q.copy(log, filepath.Join(string(queue.Incoming), filepath.Base(log))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	states := slices.Clone(queueStates)
	for round := 0; ; round++ {
		found := 0
		for _, st := range states {
			entries, err := os.ReadDir(filepath.Join(q.from, string(st)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				q.miss("%v", err)
			}
			for _, e := range entries {
				if err := ctx.Err(); err != nil {
					return err
				}
				if strings.Contains(e.Name(), ".") || q.have[e.Name()] { // a log, or a file that is being written
					continue
				}
				new, err := q.message(e.Name())
				if err != nil {
					return err
				}
				if new {
					found++
				}
			}
		}
		slices.Reverse(states)
		if round > 0 && found == 0 || round == 20 {
			return nil
		}
	}
}

// message copies a message, in whatever folder it is now. Messages that are being delivered wait in the backup.
func (q *queueCopy) message(id string) (bool, error) {
	for range 3 {
		for _, st := range queueStates {
			to := st
			if st == queue.Active {
				to = queue.Incoming
			}
			err := q.copy(filepath.Join(q.from, string(st), id), filepath.Join(string(to), id))
			switch {
			case err == nil:
				q.have[id] = true
				return true, nil
			case errors.Is(err, errSource):
				q.miss("queue: %v", err)
				q.have[id] = true
				return false, nil
			case !errors.Is(err, fs.ErrNotExist):
				return false, err
			}
		}
	}
	return false, nil // it is delivered
}

var errSource = errors.New("can't be read")

func (q *queueCopy) copy(from, to string) error {
	r, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errSource, err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", errSource, err)
	}
	w, err := os.OpenFile(filepath.Join(q.to, to), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.LimitReader(r, info.Size()))
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chtimes(filepath.Join(q.to, to), info.ModTime(), info.ModTime())
	}
	return err
}

// settleQueue gives each message in a copy of a queue a file of its own.
func settleQueue(dir string) error {
	s := &queue.Spool{Dir: dir, Log: true}
	if err := s.Start(); err != nil {
		return err
	}
	return errors.Join(s.Close(), os.Remove(filepath.Join(dir, "lock")))
}

// noteQueue puts the copy into the manifest, and into the backup if it isn't there.
func (t *taking) noteQueue(dir string, copied bool) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return broken(err)
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return broken(err)
		}
		f, err := readFile(name)
		if err != nil {
			return broken(err)
		}
		f.Path = queuePrefix + filepath.ToSlash(rel)
		if t.res.Queue++; copied {
			return t.keep(f.Entry, f.Content)
		}
		f.Sum = sumOf(f.Content)
		t.res.Bytes += f.Size
		return t.note(&f.Entry)
	})
}
