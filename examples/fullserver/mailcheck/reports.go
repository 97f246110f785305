package mailcheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
)

// Reporter sends the aggregate reports of DMARC once a day is over.
type Reporter struct {
	Collector *report.Collector
	DMARC     *dmarc.Checker // finds out who may get them
	Keys      *Keys          // that sign them; nil: nobody
	Queue     mail.Deliverer
	From      string // the address that they come from
	Receiver  string // our name: myhostname
	Now       func() time.Time
	Log       func(text string)
}

func (r *Reporter) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// Run sends the reports of each day until ctx is done. It waits up to an hour after midnight UTC, so that not all receivers
// of the world report at once.
func (r *Reporter) Run(ctx context.Context) {
	for {
		now := r.now().UTC()
		next := now.Truncate(24 * time.Hour).Add(24*time.Hour + rand.N(time.Hour))
		select {
		case <-ctx.Done():
			return
		case <-time.After(next.Sub(now)):
			r.Send(ctx, r.Collector.Take())
		}
	}
}

// Send puts reports into the queue, for all who may get them. What can't be sent is told in the log, and lost: the next day has
// a report too.
func (r *Reporter) Send(ctx context.Context, list []report.Ready) {
	for _, ready := range list {
		f := ready.Feedback
		to, later := report.Destinations(ctx, r.DMARC, f.Policy.Domain, ready.To)
		if later {
			r.Log("warning: a DMARC report on " + f.Policy.Domain + " goes to no other domain: the DNS doesn't say whether it may")
		}
		for _, address := range to {
			if err := r.send(ctx, f, address); err != nil {
				r.Log(fmt.Sprintf("warning: a DMARC report on %s to <%s> is lost: %v", f.Policy.Domain, address, err))
			}
		}
	}
}

func (r *Reporter) send(ctx context.Context, f *report.Feedback, to string) error {
	var b bytes.Buffer
	if err := f.Message(&b, r.Receiver, r.From, to, r.now()); err != nil {
		return err
	}
	return Submit(ctx, r.Queue, r.Keys, &mail.MailOptions{}, to, b.Bytes())
}

// Submit signs a message that the server itself has written and puts it into the queue, from the null sender: nobody reads what comes back.
func Submit(ctx context.Context, queue mail.Deliverer, keys *Keys, opts *mail.MailOptions, to string, message []byte) error {
	signature := ""
	if keys != nil {
		var err error
		if signature, err = keys.Sign(bytes.NewReader(message)); err != nil {
			return err
		}
	}
	tx, err := queue.Begin(ctx, "", opts)
	if err != nil {
		return err
	}
	defer tx.Abort()
	if err := tx.Recipient(ctx, to, &mail.RcptOptions{}); err != nil {
		return err
	}
	if err := tx.Body(ctx, io.MultiReader(strings.NewReader(signature), bytes.NewReader(message))); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}
