package webmail

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/mime"
)

// outbox has the messages that go out in a moment, unless their senders take them back. Each lies in its drafts folder as well: what a crash
// finds here is a draft that was not sent.
type outbox struct {
	mu    sync.Mutex
	held  map[*held]bool
	ended bool
	group sync.WaitGroup // of what is being sent
}

// held is a message that goes out in a moment.
type held struct {
	q     *request // of its own, that outlives the page's
	l     *letter
	b     *mime.Builder
	msg   []byte
	timer *time.Timer
}

// failed is a message that was held and then could not be sent.
type failed struct {
	session       string // whom to tell
	Subject, Text string
	Draft         string // address of the message
}

const (
	maxHeld    = 20               // of one user; more go out at once
	maxFailed  = 20               // that a user is told of
	flushTime  = 20 * time.Second // for what is held when the site closes
	sendHeldIn = 5 * time.Minute
)

// take takes a message out. false: somebody else has.
func (o *outbox) take(h *held) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.held[h] {
		return false
	}
	delete(o.held, h)
	h.timer.Stop()
	return true
}

// hold keeps a message for a while and sends it then. It reports whether it does: the draft could not be written, or too many are held, and
// it has to be sent at once.
func (q *request) hold(l *letter, b *mime.Builder, msg []byte, wait time.Duration) (*held, bool) {
	if err := q.saveDraft(l); err != nil {
		q.cfg.Log.Warn("webmail: holding a message", "user", q.sess.User, "err", err)
		return nil, false
	}
	o := &q.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for h := range o.held {
		if h.q.acc == q.acc {
			n++
		}
	}
	if o.ended || n >= maxHeld {
		return nil, false
	}
	own := *q
	own.w, own.r, own.ctx = nil, nil, context.WithoutCancel(q.ctx)
	h := &held{q: &own, l: l, b: b, msg: msg}
	own.acc.retain()
	if o.held == nil {
		o.held = map[*held]bool{}
	}
	o.held[h] = true
	o.group.Add(1)
	h.timer = time.AfterFunc(wait, func() {
		if o.take(h) {
			h.send(sendHeldIn)
		}
	})
	return h, true
}

// cancel takes a message back. It reports whether it was not too late.
func (h *held) cancel() bool {
	if !h.q.outbox.take(h) {
		return false
	}
	h.q.unclaim(h.l.ID)
	h.end()
	return true
}

func (h *held) end() {
	h.q.acc.release()
	h.q.outbox.group.Done()
}

// send sends it. What fails is told on the next page; the message is still a draft.
func (h *held) send(within time.Duration) {
	defer h.end()
	q := h.q
	ctx, cancel := context.WithTimeout(q.ctx, within)
	defer cancel()
	q.ctx = ctx
	if err := q.submit(h.l, h.b, h.msg); err != nil {
		q.unclaim(h.l.ID)
		q.cfg.Log.Warn("webmail: send", "user", q.sess.User, "err", err)
		q.acc.mu.Lock()
		f := failed{session: q.sess.ID, Subject: clean(h.l.Subject, 200), Text: q.T("send.failed", clean(smtpText(err), 500)), Draft: draftURL(h.l)}
		q.acc.failed = append(q.acc.failed, f)
		if n := len(q.acc.failed); n > maxFailed {
			q.acc.failed = slices.Clone(q.acc.failed[n-maxFailed:])
		}
		q.acc.mu.Unlock()
		q.acc.live.tell("INBOX")
		return
	}
	if q.file(h.l, h.b, h.msg) != "done.sent" {
		q.acc.mu.Lock()
		q.acc.failed = append(q.acc.failed, failed{session: q.sess.ID, Subject: clean(h.l.Subject, 200), Text: q.T("done.unfiled"), Draft: draftURL(h.l)})
		q.acc.mu.Unlock()
	}
	q.acc.live.tell("INBOX")
}

// flush sends what is held: the site closes.
func (o *outbox) flush() {
	o.mu.Lock()
	o.ended = true
	list := o.held
	o.held = nil
	o.mu.Unlock()
	for h := range list {
		h.timer.Stop()
		go h.send(flushTime)
	}
	o.group.Wait()
}

// draftURL returns the address at which a draft is gone on with.
func draftURL(l *letter) string {
	return "/compose?draft=" + strconv.FormatUint(uint64(l.Draft), 10) + "&folder=" + url.QueryEscape(l.Folder)
}

// failures returns what could not be sent, until the user says that he knows.
func (q *request) failures() []failed {
	if q.acc == nil {
		return nil
	}
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	var out []failed
	for _, f := range q.acc.failed {
		if f.session == q.sess.ID {
			out = append(out, f)
		}
	}
	return out
}

// seenFailures forgets what its user has been told of.
func (q *request) seenFailures() error {
	q.acc.mu.Lock()
	q.acc.failed = slices.DeleteFunc(q.acc.failed, func(f failed) bool { return f.session == q.sess.ID })
	q.acc.mu.Unlock()
	return q.redirect(web.LocalPath(q.r.PostFormValue("next"), "/"))
}
