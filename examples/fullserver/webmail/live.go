package webmail

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// live is one connection of an account that waits for news, however many pages want to hear of them. It is there as long as one of them is.
type live struct {
	mu     sync.Mutex
	pages  map[*hearer]bool
	end    context.CancelFunc // of the connection
	closed bool               // nobody is told any more
}

// hearer is a page that wants to hear of news.
type hearer struct {
	wake chan struct{} // has an element when there is something

	// Of live.mu:
	conn net.Conn // if not nil, the page's own: who waits reads from it, and is woken by a deadline instead
	news []string // the folders where something happened, each once
	over bool     // there will be no more
}

// maxNews is how many folders a page that is slow is told of; it looks at all folders then.
const maxNews = 16

// errStreams says that too many pages of a user wait for news.
var errStreams = &failure{status: http.StatusTooManyRequests, key: "error.streams"}

// join adds a page. leave must be called.
func (acc *account) join() (h *hearer, leave func(), err error) {
	l := &acc.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pages) >= acc.owner.site.limits.Streams || l.closed {
		return nil, nil, errStreams
	}
	if l.pages == nil {
		l.pages = map[*hearer]bool{}
	}
	h = &hearer{wake: make(chan struct{}, 1)}
	l.pages[h] = true
	if l.end == nil {
		ctx, cancel := context.WithCancel(context.Background())
		l.end = cancel
		acc.owner.group.Go(func() { acc.watch(ctx) })
	}
	return h, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.pages, h); len(l.pages) == 0 && l.end != nil {
			l.end()
			l.end = nil
		}
	}, nil
}

// outlive reports whether a page may go on behind its request, and has the site's end wait for it: the owner's group must be told when it is done.
func (acc *account) outlive() bool {
	acc.live.mu.Lock()
	defer acc.live.mu.Unlock()
	if acc.live.closed {
		return false
	}
	acc.owner.group.Add(1)
	return true
}

// stop ends the connection and all pages' waiting.
func (l *live) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopLocked()
}

// close is stop, for good.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.stopLocked()
}

func (l *live) stopLocked() {
	if l.end != nil {
		l.end()
		l.end = nil
	}
	for h := range l.pages {
		h.over = true
		h.allow(goodbye)
		h.look()
		delete(l.pages, h)
	}
}

// tell tells all pages of a folder.
func (l *live) tell(folder string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.pages {
		if len(h.news) < maxNews && !slices.Contains(h.news, folder) {
			h.news = append(h.news, folder)
		}
		h.look()
	}
}

// look makes who waits look. The live is locked.
func (h *hearer) look() {
	if h.conn != nil {
		_ = h.conn.SetReadDeadline(time.Unix(1, 0))
		return
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// allow is how long the page may take to read what it is sent. The live is locked.
func (h *hearer) allow(d time.Duration) {
	if h.over {
		d = min(d, goodbye)
	}
	if h.conn != nil {
		_ = h.conn.SetWriteDeadline(time.Now().Add(d))
	}
}

// take returns what there is to tell.
func (l *live) take(h *hearer) (news []string, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news, h.news = h.news, nil
	return news, h.over
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
