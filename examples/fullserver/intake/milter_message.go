package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/smtp/milter"
)

// filter tells milters the message and returns it as they leave it: what is read of it already, and the rest. lacking is what the message begins with.
func (t *transaction) filter(ctx context.Context, info headerInfo, message io.Reader) (head []byte, out headerInfo, rest io.Reader, err error) {
	f, b := t.s.filters, t.s.b
	whole, err := b.Spooler.Read(io.MultiReader(bytes.NewReader(t.lacking(info)), message))
	if err != nil {
		return nil, info, nil, err
	}
	t.spooled = append(t.spooled, whole)
	envelope := false
	v := f.Message(ctx, whole, func(e *milter.Edits) (milter.Content, error) {
		changed, err := t.editEnvelope(ctx, e)
		if err != nil {
			return nil, err
		}
		envelope = envelope || changed
		kept := e.Header[:0:0]
		for _, h := range e.Header { // what is inserted above all stands above our trace field, which milters don't see
			if h.Insert && h.Index <= 0 {
				t.above = fieldOf(&h) + t.above
			} else {
				kept = append(kept, h)
			}
		}
		e.Header = kept
		if len(e.Header) == 0 && !e.ReplaceBody {
			return whole, nil
		}
		r, err := e.Apply(whole.NewReader(), 0)
		if err != nil {
			return nil, err
		}
		if whole, err = b.Spooler.Read(r); err == nil {
			t.spooled = append(t.spooled, whole)
		}
		return whole, err
	})
	if r := t.s.refusal(v); r != nil {
		t.note(t.milterLine("reject", r.Enhanced.String()+" "+r.Text))
		return nil, info, nil, r
	}
	switch {
	case v.Discard:
		t.note(t.milterLine("discard", "milter triggers DISCARD action"))
		return nil, info, nil, t.throw()
	case v.Quarantine != "" && !t.verdict.Hold:
		t.note(t.milterLine("hold", "milter triggers HOLD action"))
		if err := t.obey(ctx, &checks.Verdict{Hold: true}); err != nil {
			return nil, info, nil, err
		}
		envelope = true
	}
	if envelope {
		if err := t.placesAnew(ctx); err != nil {
			return nil, info, nil, err
		}
	}
	rest = whole.NewReader()
	head, out, err = peekHeader(rest)
	return head, out, rest, err
}

// errThrown says that the message is taken and goes nowhere.
var errThrown = errors.New("the message is thrown away")

// throw forgets a message that is answered as if it had been taken.
func (t *transaction) throw() error {
	t.forgetPlaces()
	t.discarded, t.rcpts = true, nil
	return errThrown
}

// forgetPlaces ends the transactions with mailboxes and queue.
func (t *transaction) forgetPlaces() {
	if t.local != nil {
		_ = t.local.Abort()
		t.local = nil
	}
	if t.queue != nil && t.queue != t.reserved {
		_ = t.queue.Abort()
	}
	t.queue = nil
}

// placesAnew begins them again: sender, recipients, or what is to become of the message have changed.
func (t *transaction) placesAnew(ctx context.Context) error {
	t.forgetPlaces()
	t.msg.Recipients, t.msg.Queued = 0, false
	if err := t.places(ctx); err != nil {
		return err
	}
	if t.local == nil && t.queue == nil { // milters have taken everybody away
		return t.throw()
	}
	return nil
}

// editEnvelope changes sender and recipients, and reports whether anything has changed.
func (t *transaction) editEnvelope(ctx context.Context, e *milter.Edits) (bool, error) {
	p := t.s.b.Policy.Now()
	if e.ChangeSender {
		from, err := p.Sender(ctx, e.Sender)
		if err != nil {
			return false, err
		}
		t.from = from
	}
	for _, a := range e.Remove {
		for i := range t.rcpts {
			r := &t.rcpts[i]
			r.removed = r.removed || strings.EqualFold(r.to, a) || strings.EqualFold(r.target.Address, p.Rules.Complete(a))
		}
	}
	for _, a := range e.Add {
		targets, err := p.Recipients(ctx, t.from, a.Address)
		if err != nil && mail.ReplyOf(err).Permanent() {
			t.note("warning: milter " + e.Filter + " adds recipient " + a.Address + ": " + mail.ReplyOf(err).Text)
			continue
		}
		if err != nil {
			return false, err
		}
		opts := mail.RcptOptions{}
		for _, param := range a.Params {
			if strings.EqualFold(param, "NOTIFY=NEVER") {
				opts.Notify = mail.NotifyNever
			}
		}
		for i := range targets {
			t.add(a.Address, opts, targets[i], len(targets))
		}
	}
	return e.ChangeSender || len(e.Remove)+len(e.Add) > 0, nil
}

// fieldOf is a field that a milter inserts.
func fieldOf(h *milter.HeaderChange) string {
	r, err := (&milter.Edits{Header: []milter.HeaderChange{*h}}).Apply(strings.NewReader("\r\n"), 0)
	if err != nil {
		return ""
	}
	b, _ := io.ReadAll(r)
	return strings.TrimSuffix(string(b), "\r\n")
}

// milterLine is the log's line about what a milter does with a message.
func (t *transaction) milterLine(what, text string) string {
	to := ""
	if len(t.said) > 0 {
		to = t.said[0].to
	}
	name, ip := t.s.c.ClientName(), ""
	if a, ok := t.s.c.RemoteAddr().(*net.TCPAddr); ok {
		ip = a.IP.String()
	}
	if name == "" {
		name = "unknown"
	}
	return fmt.Sprintf("milter-%s: END-OF-MESSAGE from %s[%s]: %s; from=<%s> to=<%s> proto=%s helo=<%s>", what, name, ip, text, t.from, to, t.s.c.ProtocolFamily(), t.s.c.Hello())
}

// closeSpooled gives back what filter has read.
func (t *transaction) closeSpooled() {
	for _, b := range t.spooled {
		b.Close()
	}
	t.spooled = nil
}
