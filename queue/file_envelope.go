package queue

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// appendEnvelope writes a message's envelope as the lines of a queue file. States and attempts are not in it: they are
// in the journal at the file's end.
func appendEnvelope(buf []byte, m *Message) []byte {
	w := lineWriter{buf}
	w.kind("message")
	w.str("id", m.ID)
	w.time("arrived", m.Arrived)
	w.str("from", m.From)
	o := &m.Options
	w.num("size", o.Size)
	w.opt("body", string(o.Body))
	w.flag("utf8", o.UTF8)
	w.flag("requiretls", o.RequireTLS)
	w.flag("plaintext", o.Plaintext)
	w.opt("origin", o.Origin.String())
	w.opt("ret", string(o.Return))
	w.opt("envid", o.EnvelopeID)
	if o.Auth != nil {
		w.str("auth", *o.Auth)
	}
	if by := o.DeliverBy; by != nil {
		w.str("by", fmt.Sprintf("%d;%c", by.Time, orByte(by.Mode, 'R')))
		w.flag("bytrace", by.Trace)
	}
	if o.Priority != nil {
		w.str("priority", strconv.Itoa(*o.Priority))
	}
	w.num("holdfor", int64(o.Hold.For))
	w.time("holduntil", o.Hold.Until)
	if r := m.Order.Route; r != nil {
		w.str("transport", r.Transport)
		w.str("nexthop", r.Nexthop)
	}
	w.end()
	for _, p := range o.Extra {
		w.param("param", p)
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		w.kind("to")
		w.str("address", r.Address)
		w.opt("notify", notifyString(r.Options.Notify))
		w.opt("orcpt", r.Options.OriginalRecipient)
		w.time("validsince", r.Options.ValidSince)
		w.end()
		for _, p := range r.Options.Extra {
			w.param("toparam", p)
		}
	}
	return w.buf
}

func (w *lineWriter) param(kind string, p mail.Parameter) {
	w.kind(kind)
	w.str("name", p.Name)
	if p.HasValue {
		w.str("value", p.Value)
	}
	w.end()
}

func orByte(b, d byte) byte {
	if b == 0 {
		return d
	}
	return b
}

// parseEnvelope reads what appendEnvelope wrote. Keys and kinds that it doesn't know are passed over: a later version
// may have more to say without the rest being wrong.
func parseEnvelope(text string) (*Message, error) {
	var e envelopeReader
	m, err := e.parse(bufio.NewReader(strings.NewReader(text)), new(Message), 0)
	if err != nil {
		return nil, err
	}
	return m, m.complete()
}

// complete refuses an envelope in which something is missing.
func (m *Message) complete() error {
	if m.ID == "" {
		return fmt.Errorf("%w: envelope without a message", ErrCorrupt)
	}
	if len(m.Recipients) == 0 {
		return fmt.Errorf("%w: envelope without recipients", ErrCorrupt)
	}
	return nil
}

func (m *Message) addLine(l *line) error {
	switch l.kind {
	case "message":
		return m.parseMessage(l)
	case "param":
		m.Options.Extra = append(m.Options.Extra, paramOf(l))
	case "to":
		r, err := parseRecipient(l)
		if err != nil {
			return err
		}
		m.Recipients = append(m.Recipients, r)
	case "toparam":
		if len(m.Recipients) == 0 {
			return fmt.Errorf("%w: toparam before the first recipient", ErrCorrupt)
		}
		o := &m.Recipients[len(m.Recipients)-1].Options
		o.Extra = append(o.Extra, paramOf(l))
	}
	return nil
}

func paramOf(l *line) mail.Parameter {
	p := mail.Parameter{Name: l.get("name")}
	p.Value, p.HasValue = l.lookup("value")
	return p
}

func (m *Message) parseMessage(l *line) (err error) {
	m.ID, m.From = l.get("id"), l.get("from")
	if !validID(m.ID) {
		return fmt.Errorf("%w: bad queue id %q", ErrCorrupt, clip(m.ID))
	}
	o := &m.Options
	var holdFor int64
	for _, step := range []func() error{
		func() (err error) { m.Arrived, err = l.time("arrived"); return },
		func() (err error) { o.Size, err = l.num("size"); return },
		func() (err error) { holdFor, err = l.num("holdfor"); return },
		func() (err error) { o.Hold.Until, err = l.time("holduntil"); return },
		func() (err error) { o.DeliverBy, err = parseBy(l); return },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	o.Hold.For = time.Duration(holdFor)
	o.Body, o.Return = mail.BodyType(l.get("body")), mail.DSNReturn(l.get("ret"))
	o.UTF8, o.RequireTLS, o.Plaintext = l.get("utf8") == "yes", l.get("requiretls") == "yes", l.get("plaintext") == "yes"
	o.EnvelopeID, o.Origin = l.get("envid"), mail.ParseOrigin(l.get("origin"))
	if a, ok := l.lookup("auth"); ok {
		o.Auth = &a
	}
	if _, ok := l.lookup("priority"); ok {
		n, err := l.num("priority")
		if err != nil {
			return err
		}
		p := int(n)
		o.Priority = &p
	}
	m.Order.addRoute(l)
	return nil
}

func parseBy(l *line) (*mail.DeliverBy, error) {
	v, ok := l.lookup("by")
	if !ok {
		return nil, nil
	}
	t, mode, ok := strings.Cut(v, ";")
	n, err := strconv.ParseInt(t, 10, 64)
	if !ok || err != nil || mode != "R" && mode != "N" {
		return nil, fmt.Errorf("%w: bad by=%q", ErrCorrupt, clip(v))
	}
	return &mail.DeliverBy{Time: time.Duration(n), Mode: mode[0], Trace: l.get("bytrace") == "yes"}, nil
}

func parseRecipient(l *line) (Recipient, error) {
	r := Recipient{Address: l.get("address"), State: Pending}
	if r.Address == "" {
		return r, fmt.Errorf("%w: recipient without an address", ErrCorrupt)
	}
	var err error
	r.Options.OriginalRecipient = l.get("orcpt")
	if r.Options.Notify, err = parseNotify(l.get("notify")); err != nil {
		return r, err
	}
	r.Options.ValidSince, err = l.time("validsince")
	return r, err
}

// The words of NOTIFY (RFC 3461 section 4.1).
var notifyWords = [...]struct {
	n    mail.Notify
	word string
}{{mail.NotifyNever, "NEVER"}, {mail.NotifySuccess, "SUCCESS"}, {mail.NotifyFailure, "FAILURE"}, {mail.NotifyDelay, "DELAY"}}

func notifyString(n mail.Notify) string {
	var words []string
	for _, w := range notifyWords {
		if n&w.n != 0 {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ",")
}

func parseNotify(s string) (n mail.Notify, err error) {
	if s == "" {
		return 0, nil
	}
next:
	for word := range strings.SplitSeq(s, ",") {
		for _, w := range notifyWords {
			if w.word == word {
				n |= w.n
				continue next
			}
		}
		return 0, fmt.Errorf("%w: bad notify=%q", ErrCorrupt, clip(s))
	}
	return n, nil
}
