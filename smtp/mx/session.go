package mx

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// leg is the part of a delivery that one host has been sent and not yet been told the end of.
type leg struct {
	t       *Transport
	c       *smtp.Client
	at      candidate
	key     string
	reused  bool
	tx      mail.Transaction
	rcpts   []*progress
	connect time.Duration
	start   time.Time
}

// send takes a message to one next hop, and what that leaves to the Transport's fallbacks. An error is the message's own, which can't be read; all
// else is in the recipients' results.
func (v *delivery) send(ctx context.Context, hop nexthop, raw string, list []*progress, src *source) error {
	list, err := v.sendTo(ctx, hop, raw, list, src)
	for _, f := range v.d.t.Fallback {
		if err != nil || len(list) == 0 || f == raw || ctx.Err() != nil {
			break
		}
		var other nexthop
		if other, err = parseNexthop(f); err != nil {
			settle(list, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 5}, Text: "bad next hop " + strconv.Quote(f), Err: err})
			return nil
		}
		for _, p := range list {
			p.result = mail.Result{Recipient: p.result.Recipient}
		}
		list, err = v.sendTo(ctx, other, f, list, src)
	}
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.result.Reply == nil {
			p.fail(mail.NewReply(450, mail.EnhancedCode{4, 4, 1}, "no host for "+hop.String()+" could be reached"), "", false)
		}
		p.final = true
	}
	return nil
}

// sendTo takes a message to one next hop, host after host until each recipient has an answer. It returns those that have none, each with what the
// last host said.
func (v *delivery) sendTo(ctx context.Context, hop nexthop, raw string, list []*progress, src *source) ([]*progress, error) {
	s, err := v.d.t.newSearch(ctx, hop, raw, v.env.From)
	if err != nil {
		r := mail.ReplyOf(err)
		if r.Temporary() || r.Enhanced == (mail.EnhancedCode{5, 4, 4}) { // 5.4.4: there is no such domain
			for _, p := range list {
				p.fail(err, "", false)
			}
			return list, nil
		}
		settle(list, err)
		return nil, nil
	}
	s.requireTLS = v.env.Options.RequireTLS && v.env.From != ""
	if o := &v.env.Options; o.Plaintext && !o.RequireTLS {
		s.ignorePolicies()
	}
	for len(list) > 0 && src.reusable() {
		begun := time.Now()
		l, err := s.connect(ctx)
		if err != nil {
			if err != errNoMore {
				for _, p := range list {
					if p.result.Reply == nil {
						p.fail(err, relayOf(err), false)
						p.result.Connect = time.Since(begun)
					}
				}
			}
			break
		}
		l.connect, l.start = time.Since(begun), time.Now()
		list, err = v.transmit(ctx, l, list, src)
		switch {
		case err == errStale:
			s.again(l.at)
		case err != nil:
			return nil, err
		}
	}
	return list, nil
}

// transmit sends the envelope and the message over one connection. It returns the recipients that the next host may
// still serve.
func (v *delivery) transmit(ctx context.Context, l *leg, list []*progress, src *source) ([]*progress, error) {
	if v.probe {
		return v.ask(ctx, l, list)
	}
	env := mail.Envelope{From: v.env.From, Options: v.env.Options}
	if env.Options.Size == 0 {
		env.Options.Size = src.size
	}
	for _, p := range list {
		env.Recipients = append(env.Recipients, v.env.Recipients[p.index])
	}
	tx, refused, err := l.c.Open(ctx, &env)
	if err != nil {
		return l.notBegun(ctx, list, err)
	}
	l.tx = tx
	var later []*progress
	for i, p := range list {
		if refused[i] == nil {
			l.rcpts = append(l.rcpts, p)
			continue
		}
		later = append(later, l.failed([]*progress{p}, refused[i])...)
	}
	if len(l.rcpts) == 0 {
		l.abort()
		return later, nil
	}
	r, err := src.open()
	if err != nil {
		l.abort()
		return nil, messageReply(err)
	}
	if err := tx.Body(ctx, r); err != nil {
		l.abort()
		var own *smtp.MessageError
		if errors.As(err, &own) {
			return nil, err
		}
		return append(later, l.failed(l.rcpts, err)...), nil
	}
	v.legs = append(v.legs, l)
	return later, nil
}

// ask says MAIL and RCPT and no more.
func (v *delivery) ask(ctx context.Context, l *leg, list []*progress) (later []*progress, err error) {
	tx, err := l.c.Begin(ctx, v.env.From, &v.env.Options)
	if err != nil {
		return l.notBegun(ctx, list, err)
	}
	l.tx = tx
	for _, p := range list {
		if err := tx.Recipient(ctx, p.result.Recipient, &mail.RcptOptions{}); err != nil {
			later = append(later, l.failed([]*progress{p}, err)...)
			continue
		}
		p.result.Reply, p.result.Relay, p.final = mail.NewReply(250, mail.EnhancedCode{2, 1, 5}, "Ok"), l.c.Relay(), true
		p.result.Detail = "deliverable"
		l.times(&p.result)
	}
	l.abort()
	return later, nil
}

// notBegun is what comes of a connection on which no transaction could begin.
func (l *leg) notBegun(ctx context.Context, list []*progress, err error) ([]*progress, error) {
	l.t.connections().Put(l.key, l.c)
	if l.reused && ctx.Err() == nil && mail.ReplyOf(err).Code == 421 {
		return list, errStale
	}
	return l.failed(list, err), nil
}

// errStale says that a connection kept from an earlier message was closed by the server in the meantime.
var errStale = errors.New("connection was closed")

func messageReply(err error) error {
	return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "Error: the message can't be read", Err: err}
}

// failed notes why a host did not take the mail for some recipients, and returns those that another may take it for.
func (l *leg) failed(list []*progress, err error) (later []*progress) {
	r := mail.ReplyOf(err)
	// What this host can't do about REQUIRETLS another may (RFC 8689 section 4.2.1).
	final := r.Permanent() && r.Enhanced != mail.EnhancedCode{5, 7, 10} && r.Enhanced != mail.EnhancedCode{5, 7, 30}
	for _, p := range list {
		p.fail(err, l.c.Relay(), final)
		l.times(&p.result)
		if !final {
			later = append(later, p)
		}
	}
	return later
}

func (l *leg) times(r *mail.Result) {
	r.Connect, r.Transmit = l.connect, time.Since(l.start)
}

// commit sends the end of the message. Whatever comes of it is the answer: a message whose end has been sent may have
// arrived, so no other host gets it.
func (l *leg) commit(ctx context.Context) {
	results, err := l.tx.Commit(ctx)
	if err != nil {
		l.failed(l.rcpts, err)
	}
	for i, p := range l.rcpts {
		p.final = true
		if err == nil && i < len(results) {
			name := p.result.Recipient
			p.result = results[i]
			p.result.Recipient = name
			l.times(&p.result)
		}
	}
	l.t.connections().Put(l.key, l.c)
}

// abort forgets the leg.
func (l *leg) abort() {
	if l.tx != nil {
		l.tx.Abort()
	}
	l.t.connections().Put(l.key, l.c)
}
