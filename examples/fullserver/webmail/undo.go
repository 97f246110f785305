package webmail

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/imap/imapclient"
)

// done is what an action has done, so that it can be undone.
type done struct {
	id      string
	session string // of whom
	key     string // of the text
	count   int
	args    []any
	at      time.Time

	// What undoes it; folder "" means that nothing does.
	folder   string
	validity uint32
	uids     mail.UIDSet
	to       string // where the messages go back to
	op       mail.FlagOp
	flags    mail.Flags // where "to" is ""
	held     *held      // a message that can be taken back
}

// doneView is a done as a page shows it.
type doneView struct {
	ID, Text string
	Undo     bool
}

// MaxUndo is how many actions of a user can be undone, for how long.
const (
	maxUndo  = 20
	undoTime = 10 * time.Minute
)

// remember keeps what was done and returns where the page goes on, which shows it.
func (q *request) remember(d *done, next string) error {
	d.id, d.session, d.at = session.NewCookie()[:16], q.sess.ID, q.cfg.Now()
	q.acc.mu.Lock()
	if len(q.acc.done) >= maxUndo {
		q.acc.done = q.acc.done[1:]
	}
	q.acc.done = append(q.acc.done, d)
	q.acc.mu.Unlock()
	return q.redirect(web.AddQuery(next, "done", d.id))
}

func (q *request) findDone(id string) *done {
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	for _, d := range q.acc.done {
		if d.id == id && d.session == q.sess.ID && q.cfg.Now().Sub(d.at) < undoTime {
			return d
		}
	}
	return nil
}

func (q *request) doneView(id string) *doneView {
	d := q.findDone(id)
	if d == nil {
		return nil
	}
	return &doneView{ID: d.id, Text: q.N(d.key, d.count, d.args...), Undo: d.folder != "" || d.held != nil}
}

// undo takes back what was done.
func (q *request) undo() error {
	d := q.findDone(q.r.PostFormValue("id"))
	next := web.LocalPath(q.r.PostFormValue("next"), "/")
	if d != nil && d.held != nil && d.held.cancel() {
		q.forgetDone(d)
		return q.redirect(draftURL(d.held.l))
	}
	if d == nil || d.folder == "" {
		return &failure{status: http.StatusGone, key: "error.undo"}
	}
	defer q.forgetCounts()
	err := q.in(d.folder, func(ctx context.Context, c *imapclient.Client, m *imapclient.Mailbox) error {
		if d.validity != 0 && m.UIDValidity != d.validity {
			return changed
		}
		if d.to != "" {
			_, err := c.Move(ctx, imapclient.UIDs(d.uids), d.to)
			return err
		}
		_, err := c.Store(ctx, imapclient.UIDs(d.uids), d.op, d.flags, &imapclient.StoreOptions{Silent: true})
		return err
	})
	if err != nil {
		return err
	}
	q.forgetDone(d)
	return q.remember(&done{key: "done.undone"}, next)
}

// forgetDone forgets what was taken back.
func (q *request) forgetDone(d *done) {
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	q.acc.done = slices.DeleteFunc(q.acc.done, func(other *done) bool { return other == d })
}
