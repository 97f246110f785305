package collect

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/smtp/mailauth"
)

// connect connects with an account's server and logs in.
func (c *Collector) connect(ctx context.Context, a Account, password string) (*pop3.Client, net.Addr, error) {
	o := pop3.ClientOptions{
		ServerName: a.Host, TLSConfig: c.o.TLS, Auth: &mail.Credentials{Username: a.User, Password: password, AllowPlaintext: a.TLS == TLSNone},
		Timeouts: pop3.ClientTimeouts{TLS: 30 * time.Second, Command: time.Minute, Data: time.Minute, Quit: time.Minute},
	}
	switch a.TLS {
	case TLSNone:
		o.TLS = pop3.TLSNone
	case TLSStart:
		o.TLS = pop3.TLSStartTLS
	default:
		o.TLS = pop3.TLSImplicit
	}
	// Not pop3.Dial: for that "unix:110" is a socket's name.
	conn, err := c.o.Dial(ctx, "tcp", net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
	if err != nil {
		return nil, nil, err
	}
	client, err := pop3.NewClient(ctx, conn, &o)
	return client, conn.RemoteAddr(), err
}

// test tries whether an account can be fetched from. Nothing there is changed.
func (c *Collector) test(ctx context.Context, user string, a Account, password string) error {
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	if err := c.checkFolder(ctx, user, a.Folder); err != nil {
		return err
	}
	client, _, err := c.connect(ctx, a, password)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, err := range client.UIDL(ctx) {
		if err != nil {
			return err
		}
		break
	}
	_ = client.Quit(ctx) // the maildrop is free again at once
	return nil
}

func (c *Collector) checkFolder(ctx context.Context, user, folder string) error {
	box, err := c.o.Mailbox(ctx, user, folder)
	if err != nil {
		return homeError{err}
	}
	return box.Close()
}

// run is what has come of one.
type run struct {
	pop3.Collected
	failed map[string]bool // messages that can't be taken as they are
	waited int             // messages that were left alone since they were not taken before
	err    error
}

// fetch fetches what is new from an account. Messages in bad are left alone.
func (c *Collector) fetch(ctx context.Context, user string, a Account, password string, bad map[string]time.Time) (r run) {
	r.failed = map[string]bool{}
	box, err := c.o.Mailbox(ctx, user, a.Folder)
	if err != nil {
		r.err = homeError{err}
		return r
	}
	defer box.Close()
	known, err := openSeen(c.seenFile(user, &a), c.o.Now)
	if err != nil {
		r.err = err
		return r
	}
	defer known.close()
	client, peer, err := c.connect(ctx, a, password)
	if err != nil {
		r.err = err
		return r
	}
	skip := func(uidl string) bool {
		_, ok := bad[uidl]
		if ok {
			r.waited++
		}
		return ok
	}
	t := &trace{account: a, user: user, peer: peer, here: c.o.Hostname, servIDs: c.o.AuthservIDs, now: c.o.Now}
	var other error // of a message
	last := ""
	f := pop3.Collector{
		Mailbox: box, Source: "collect/" + user + "/" + a.source(), Keep: a.Days != 0, State: known, Skip: skip, Change: t.change,
		MaxSize: c.o.Limits.Size, MaxMessages: c.o.Limits.Messages, MaxListed: maxListed,
		Expired: func(uidl string) bool { return a.Days > 0 && known.filed(uidl, a.Days) },
		Each: func(uidl string, _ mail.Appended, err error) {
			last = uidl
			if err == nil || errors.Is(err, mail.ErrOverQuota) {
				return
			}
			said, theirs := errors.AsType[*pop3.Error](err)
			if other = err; !theirs {
				other = homeError{err}
			}
			if theirs && !said.Temporary() || errors.Is(err, errLoop) || errors.Is(err, mail.ErrTooLarge) || errors.Is(err, mailauth.ErrHeaderTooLarge) {
				r.failed[uidl] = true
			}
		},
	}
	r.Collected, r.err = f.Run(ctx, client)
	switch {
	case r.err == nil:
		r.err = other
	case !errors.Is(r.err, mail.ErrTooLarge):
		delete(r.failed, last) // it was not the message that broke the session
	}
	return r
}

// Limits that nobody needs to set: how many messages another server may have, and how long a test may take, for which somebody waits.
const (
	maxListed = 100_000
	testTime  = 25 * time.Second
)
