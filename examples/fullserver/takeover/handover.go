package takeover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// journal remembers which of Postfix's messages are in our queue already, so that a take-over that was interrupted doesn't hand them over again.
type journal struct {
	f    *os.File
	done map[string]bool
}

func openJournal(file string) (*journal, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	j := &journal{f, map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		if key, whole := strings.CutSuffix(line, "\n"); whole {
			j.done[key] = true
		}
	}
	if n := len(text); n > 0 && text[n-1] != '\n' {
		_, err = f.WriteString("\n") // a line that a crash has cut off
	}
	return j, err
}

// add makes it durable that a message was handed over.
func (j *journal) add(key string) error {
	if _, err := j.f.WriteString(key + "\n"); err != nil {
		return err
	}
	j.done[key] = true
	return j.f.Sync()
}

// handOver moves what is in Postfix's queue into ours, with the same envelopes; Postfix must have stopped. Messages are removed there once they are
// durable here. What is on hold stays so.
func (q *oldQueue) handOver(ctx context.Context, into *queue.Spool, j *journal, progress func(done, of int)) (moved int, err error) {
	all, err := q.list(ctx)
	if err != nil {
		return 0, err
	}
	var ids strings.Builder
	for i, w := range all {
		if !j.done[w.key()] {
			n, err := q.move(ctx, into, w)
			if err != nil {
				return moved, fmt.Errorf("message %s of Postfix's queue: %w", w.ID, err)
			}
			if err := j.add(w.key()); err != nil {
				return moved, err
			}
			moved += n
		}
		ids.WriteString(w.ID + "\n")
		progress(i+1, len(all))
	}
	if len(all) == 0 {
		return 0, nil
	}
	// Where Postfix's log is a file, and postlogd doesn't run, postsuper ends when it can't write there that it has removed the first: then each has a call of
	// its own. What they say is looked at below.
	_, failed := q.run(ctx, strings.NewReader(ids.String()), "postsuper", "-c", q.dir, "-d", "-")
	if failed != nil {
		for id := range strings.FieldsSeq(ids.String()) {
			_, failed = q.run(ctx, strings.NewReader(id+"\n"), "postsuper", "-c", q.dir, "-d", "-")
		}
	}
	rest, err := q.list(ctx)
	if err != nil {
		return moved, err
	}
	for _, w := range rest {
		if j.done[w.key()] {
			return moved, errors.Join(fmt.Errorf("message %s could not be removed from Postfix's queue: both have it", w.ID), failed)
		}
	}
	return moved, nil
}

// move puts a message into our queue. One that everybody has got is no message any more.
func (q *oldQueue) move(ctx context.Context, into *queue.Spool, w waiting) (int, error) {
	m, content, err := q.open(ctx, w.ID)
	if err != nil || len(m.Recipients) == 0 {
		return 0, err
	}
	d, err := into.Create(ctx)
	if err != nil {
		return 0, err
	}
	defer d.Abort()
	if err := d.Write(ctx, m, content); err != nil {
		return 0, err
	}
	return 1, d.Commit(ctx, queue.Placement{Held: w.Queue == "hold"})
}

// handBack moves what is in our queue into Postfix's, by its sendmail, which takes mail whether Postfix runs or not. What is on hold stays with us:
// Postfix would send it.
func (q *oldQueue) handBack(ctx context.Context, from *queue.Spool, progress func(done int)) (moved, held int, err error) {
	var ids []string
	for e, err := range from.List(ctx, queue.Filter{}) {
		switch {
		case err != nil:
			return 0, 0, err
		case e.State == queue.Corrupt:
		case e.State == queue.Held:
			held++
		default:
			ids = append(ids, e.ID)
		}
	}
	for _, id := range ids {
		m, content, err := from.Open(ctx, id)
		if err != nil {
			return moved, held, err
		}
		err = q.submit(ctx, m, content)
		if err = errors.Join(err, content.Close()); err != nil {
			return moved, held, fmt.Errorf("message %s: %w", id, err)
		}
		if _, err := from.Edit(ctx, queue.Filter{IDs: []string{id}}, queue.OpDelete); err != nil {
			return moved, held, err
		}
		moved++
		progress(moved)
	}
	return moved, held, nil
}

// submit gives a message to Postfix: once for all recipients who want the same reports.
func (q *oldQueue) submit(ctx context.Context, m *queue.Message, content io.Reader) error {
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	groups := map[mail.Notify][]string{}
	var order []mail.Notify
	for _, r := range m.Recipients {
		if r.State != queue.Pending {
			continue
		}
		n := r.Options.Notify
		if groups[n] == nil {
			order = append(order, n)
		}
		groups[n] = append(groups[n], r.Address)
	}
	sender := m.From
	if sender == "" {
		sender = "<>"
	}
	for _, n := range order {
		args := []string{"-C", q.dir, "-G", "-i", "-f", sender}
		if n != 0 {
			args = append(args, "-N", notifyWords(n))
		}
		if m.Options.EnvelopeID != "" {
			args = append(args, "-V", xtext(m.Options.EnvelopeID))
		}
		if m.Options.Body == mail.Body8BitMIME {
			args = append(args, "-B8BITMIME")
		}
		args = append(append(args, "--"), groups[n]...)
		if _, err := q.run(ctx, bytes.NewReader(text), "sendmail", args...); err != nil {
			return err
		}
	}
	return nil
}

func notifyWords(n mail.Notify) string {
	var out []string
	for _, w := range []struct {
		n    mail.Notify
		word string
	}{{mail.NotifyNever, "never"}, {mail.NotifySuccess, "success"}, {mail.NotifyFailure, "failure"}, {mail.NotifyDelay, "delay"}} {
		if n&w.n != 0 {
			out = append(out, w.word)
		}
	}
	return strings.Join(out, ",")
}

// xtext encodes what RFC 3461 section 4 doesn't let stand as it is.
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < '!' || c > '~' || c == '+' || c == '=' {
			fmt.Fprintf(&b, "+%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// give makes a folder and what is in it a user's.
func give(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}
