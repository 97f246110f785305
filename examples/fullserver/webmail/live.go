package webmail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// live is one connection of an account that waits for news, however many pages want to hear of them. It is there as long as one of them is.
type live struct {
	mu    sync.Mutex
	pages map[chan string]bool // each gets the names of folders where something happened
	end   context.CancelFunc   // of the connection
}

// errStreams says that too many pages of a user wait for news.
var errStreams = &failure{status: http.StatusTooManyRequests, key: "error.streams"}

// join adds a page. leave must be called.
func (acc *account) join() (news <-chan string, leave func(), err error) {
	l := &acc.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pages) >= acc.owner.site.limits.Streams {
		return nil, nil, errStreams
	}
	if l.pages == nil {
		l.pages = map[chan string]bool{}
	}
	ch := make(chan string, 16)
	l.pages[ch] = true
	if l.end == nil {
		ctx, cancel := context.WithCancel(context.Background())
		l.end = cancel
		acc.owner.group.Go(func() { acc.watch(ctx) })
	}
	return ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.pages, ch); len(l.pages) == 0 && l.end != nil {
			l.end()
			l.end = nil
		}
	}, nil
}

// stop ends the connection and all pages' waiting.
func (l *live) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil {
		l.end()
		l.end = nil
	}
	for ch := range l.pages {
		close(ch)
		delete(l.pages, ch)
	}
}

// tell tells all pages of a folder. A page that is slow misses some: it will hear of others, and look at everything then.
func (l *live) tell(folder string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch := range l.pages {
		select {
		case ch <- folder:
		default:
		}
	}
}

// watch waits for news until ctx ends. When the connection is lost it makes another, after a while.
func (acc *account) watch(ctx context.Context) {
	wait := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := acc.watchOnce(ctx)
		if errors.Is(err, mail.ErrAuthFailed) {
			acc.live.stop()
			return
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			wait = time.Second
		}
		acc.owner.site.cfg.Log.Info("webmail: waiting for news", "user", acc.user, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, time.Minute)
		acc.live.tell("INBOX") // something may have happened meanwhile
	}
}

// watchOnce waits on one connection: for news of all folders where the server can (RFC 5465), else of INBOX.
func (acc *account) watchOnce(ctx context.Context) error {
	c, err := acc.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Select(ctx, "INBOX", &imapclient.SelectOptions{ReadOnly: true}); err != nil {
		return err
	}
	if c.Has(imap.CapNotify) {
		events := []imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge, imap.EventFlagChange}
		err := c.Notify(ctx, imap.Notify{Groups: []imap.NotifyGroup{{Filter: imap.NotifySelected, Events: events},
			{Filter: imap.NotifyPersonal, Events: append(events, imap.EventMailboxName)}}})
		if err != nil && !imapclient.Refused(err) {
			return err
		}
	}
	for e, err := range c.Idle(ctx) {
		if err != nil {
			return err
		}
		switch e := e.(type) {
		case imapclient.StatusEvent:
			acc.live.tell(e.Status.Name)
		case imapclient.ExistsEvent, imapclient.ExpungeEvent, imapclient.VanishedEvent, imapclient.MessageEvent, imapclient.MailboxEvent:
			acc.live.tell("INBOX")
		}
	}
	return ctx.Err()
}

// beat is how often a stream shows that it lives, and looks whether its session does.
const beat = 25 * time.Second

// events is a stream of server-sent events: "mail" with a folder's name, when something happened there.
func (q *request) events() error {
	news, leave, err := q.acc.join()
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(q.w)
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it until it is long
	send := func(text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(2 * beat))
		_, err := fmt.Fprint(q.w, text)
		return err == nil && control.Flush() == nil
	}
	if !send(": hello\n\n") {
		return nil
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		text := ": still here\n\n"
		select {
		case <-q.ctx.Done():
			return nil
		case <-tick.C:
			q.acc.pool.Trim(q.limits.Idle) // a page that waits for news needs no other connection
			if !q.sessions.Alive(q.sess) {
				send("event: over\ndata: {}\n\n")
				return nil
			}
		case folder, ok := <-news:
			if !ok {
				send("event: over\ndata: {}\n\n")
				return nil
			}
			name, err := json.Marshal(folder)
			if err != nil {
				return err
			}
			text = "event: mail\ndata: " + string(name) + "\n\n"
		}
		if !send(text) {
			return nil
		}
	}
}
