package imap

import (
	"github.com/buuta/mail/mime"
)

// Envelope requires an envelope (RFC 9051 section 7.5.2). Elements that are missing or of another kind are absent. Its texts
// share one allocation, and its addresses another.
func (d *Decoder) Envelope() *mime.Envelope {
	n := d.value()
	if n == 0 || d.nodes[n].kind != nodeList {
		if d.err == nil && d.fatal == nil {
			d.fail("Envelope expected")
		}
		return nil
	}
	return d.envelope(n)
}

func (d *Decoder) envelope(n int32) *mime.Envelope {
	r := d.elements(n)
	e := &mime.Envelope{Date: r.nstring(), Subject: r.nstring()}
	var lists [6]nodeReader
	total := 0
	for i := range lists {
		lists[i] = r.list()
		for l := lists[i]; l.more(); l.take() {
			total++
		}
	}
	e.InReplyTo, e.MessageID = r.nstring(), r.nstring()
	all := make([]mime.Address, 0, total)
	for i, to := range [...]*[]mime.Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc} {
		start := len(all)
		for lists[i].more() {
			all = append(all, lists[i].address())
		}
		if len(all) > start {
			*to = all[start:len(all):len(all)]
		}
	}
	return e
}

// address reads one address. A host that is NIL makes it the mark of a group: with a mailbox its beginning, else its end.
func (r *nodeReader) address() mime.Address {
	in := r.list()
	name, route, mailbox, host := in.nstring(), in.nstring(), in.nstring(), in.nstring()
	switch {
	case host.Set:
		return mime.Address{Name: name.Value, Route: route.Value, Mailbox: mailbox.Value, Host: host.Value}
	case mailbox.Set:
		return mime.Address{Kind: mime.GroupStart, Name: mailbox.Value}
	}
	return mime.Address{Kind: mime.GroupEnd}
}
