// Package tlsreports sends the daily reports of SMTP TLS Reporting (RFC 8460) by mail and HTTPS, to the domains that ask for them.
package tlsreports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/outward"
	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
)

// Reporter sends reports once a day is over.
type Reporter struct {
	Collector *tlsrpt.Collector
	Resolver  mx.Resolver     // finds out who wants them
	Keys      *mailcheck.Keys // that sign them; nil: nobody
	Queue     mail.Deliverer
	From      string       // the address that they come from: the Collector's Contact
	File      string       // where what was counted is kept over a restart; "" for nowhere
	HTTP      *http.Client // nil: one that reaches no addresses of private networks, and follows no redirects
	Now       func() time.Time
	Log       func(text string)

	pending []post
}

// post is a report that couldn't be handed over yet.
type post struct {
	report *tlsrpt.Report
	url    string
	first  time.Time
	wait   time.Duration
	next   time.Time
}

const (
	firstRetry = 10 * time.Minute
	giveUp     = 24 * time.Hour // section 5.5
	mostWait   = 1000           // posts that are tried again
)

func (r *Reporter) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// Load goes on counting where Save has stopped.
func (r *Reporter) Load() error {
	if r.File == "" {
		return nil
	}
	b, err := os.ReadFile(r.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var list []*tlsrpt.Report
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return err
	}
	r.Collector.Restore(list)
	return nil
}

// Save writes down what was counted and not reported.
func (r *Reporter) Save() error {
	if r.File == "" {
		return nil
	}
	b, err := json.Marshal(r.Collector.Snapshot())
	if err != nil {
		return err
	}
	return secretfile.Write(r.File, b)
}

// Run sends the reports of each day until ctx is done. It waits up to four hours after midnight UTC (RFC 8460 section 4.1: "a random delay of up to 4 hours").
func (r *Reporter) Run(ctx context.Context) {
	due := r.now() // what an earlier run has left
	for {
		wait := due.Sub(r.now())
		for i := range r.pending {
			wait = min(wait, r.pending[i].next.Sub(r.now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(wait, 0)):
		}
		if now := r.now(); !now.Before(due) {
			r.Send(ctx, r.Collector.Take())
			due = now.UTC().Truncate(24 * time.Hour).Add(24*time.Hour + rand.N(4*time.Hour))
		}
		r.again(ctx)
	}
}

// Send sends reports to all who want them.
func (r *Reporter) Send(ctx context.Context, list []*tlsrpt.Report) {
	for _, rep := range list {
		to, err := tlsrpt.ReportTo(ctx, r.Resolver, rep.Domain())
		if err != nil {
			r.Log("warning: a TLS report on " + rep.Domain() + " is lost: the DNS doesn't say who gets it: " + err.Error())
		}
		for _, uri := range to {
			if address, ok := strings.CutPrefix(uri, "mailto:"); ok {
				err = r.mail(ctx, rep, address)
			} else {
				err = r.post(ctx, post{report: rep, url: uri, first: r.now(), wait: firstRetry})
			}
			if err != nil {
				r.Log(fmt.Sprintf("warning: a TLS report on %s to <%s> is lost: %v", rep.Domain(), uri, err))
			}
		}
	}
}

func (r *Reporter) mail(ctx context.Context, rep *tlsrpt.Report, address string) error {
	address, _, _ = strings.Cut(address, "?")
	address, err := url.PathUnescape(address)
	if err != nil || !strings.Contains(address, "@") || strings.ContainsAny(address, " \t\r\n<>,") {
		return errors.New("it is no address")
	}
	var b bytes.Buffer
	if err := rep.Message(&b, r.From, address, r.now()); err != nil {
		return err
	}
	// Section 5.3: "when sending failure reports via SMTP, Sending MTAs MUST NOT honor MTA-STS or DANE TLSA failures."
	return mailcheck.Submit(ctx, r.Queue, r.Keys, &mail.MailOptions{Plaintext: true, Origin: mail.OriginLocal}, address, b.Bytes())
}

// post hands a report over, or remembers to try again.
func (r *Reporter) post(ctx context.Context, p post) error {
	if r.HTTP == nil {
		r.HTTP = outward.Client(time.Minute)
	}
	err := p.report.Post(ctx, r.HTTP, p.url)
	if err == nil {
		return nil
	}
	if len(r.pending) >= mostWait || r.now().Add(p.wait).Sub(p.first) > giveUp {
		return err
	}
	p.next = r.now().Add(p.wait)
	p.wait *= 2
	r.pending = append(r.pending, p)
	return nil
}

// again tries what has failed before and whose time has come.
func (r *Reporter) again(ctx context.Context) {
	list := r.pending
	r.pending = nil
	for _, p := range list {
		if ctx.Err() != nil || r.now().Before(p.next) {
			r.pending = append(r.pending, p)
			continue
		}
		if err := r.post(ctx, p); err != nil {
			r.Log(fmt.Sprintf("warning: a TLS report on %s to <%s> is lost: %v", p.report.Domain(), p.url, err))
		}
	}
}
