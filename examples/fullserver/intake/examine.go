package intake

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
)

// examine returns the message as it is filed and passed on: with the trace field on top, and above it what came of checking it, if it
// is from outside, or below it the signatures, if it is from one of us. Authentication-Results of ours that it had are
// gone: SMTP brings no message that we have checked before (RFC 8601 section 5). The error is the reply.
func (t *transaction) examine(ctx context.Context, info headerInfo, message io.Reader) (whole io.Reader, err error) {
	b := t.s.b
	received, lacking := append([]byte(t.above+t.prepended()), t.received()...), t.lacking(info)
	if b.Checked && t.s.trusted() {
		if why := info.junk(b.Hostname); why != "" {
			received = append([]byte(local.JunkField+": "+why+"\r\n"), received...)
			t.setOrigin(mail.OriginForged)
		}
		info.results = false
	}
	outside := b.Kind == MTA && !t.s.trusted()
	switch {
	case outside && b.Check != nil:
		fields, err := t.check(ctx, message)
		if err != nil {
			return nil, err
		}
		received = append([]byte(fields), received...)
		message = t.held.NewReader()
	case t.s.trusted() && b.Keys != nil && t.proxy == nil: // what a filter has yet to see is signed behind it
		if info.results {
			if message, err = mailcheck.Clean(message, b.Hostname); err != nil {
				return nil, err
			}
			info.results = false
		}
		fields, err := t.sign(io.MultiReader(bytes.NewReader(lacking), message))
		if err != nil {
			return nil, err
		}
		return io.MultiReader(bytes.NewReader(received), strings.NewReader(fields), t.held.NewReader()), nil
	}
	if info.results && b.Kind != LMTP {
		if message, err = mailcheck.Clean(message, b.Hostname); err != nil {
			return nil, err
		}
	}
	return io.MultiReader(bytes.NewReader(received), bytes.NewReader(lacking), message), nil
}

// check reads the message and returns what to write on top.
func (t *transaction) check(ctx context.Context, message io.Reader) (string, error) {
	b := t.s.b
	var err error
	if t.held, err = b.Spooler.Read(message); err != nil {
		return "", err
	}
	env := mailauth.Envelope{Helo: t.s.c.Hello(), From: t.from}
	if a, ok := t.s.c.RemoteAddr().(*net.TCPAddr); ok {
		env.IP, _ = netip.AddrFromSlice(a.IP)
	}
	v, err := b.Check.Check(ctx, t.held.NewReader(), env)
	if err != nil {
		return "", err
	}
	t.note(v.Text)
	t.setOrigin(v.Origin)
	if v.Refused != nil {
		return "", v.Refused
	}
	return v.Fields, nil
}

// sign reads the message and returns its signatures. A message that can't be signed goes out without: a receiver that minds will
// tell its sender.
func (t *transaction) sign(message io.Reader) (string, error) {
	b := t.s.b
	var err error
	if t.held, err = b.Spooler.Read(message); err != nil {
		return "", err
	}
	fields, err := b.Keys.Sign(t.held.NewReader())
	if err != nil {
		t.note("warning: not signed: " + err.Error())
		return "", nil
	}
	if n := strings.Count(fields, "DKIM-Signature:"); n > 0 {
		t.note("DKIM-Signature added")
	}
	return fields, nil
}

// setOrigin notes how sure it is that the message is from its sender, who gets reports accordingly.
func (t *transaction) setOrigin(o mail.Origin) {
	t.opts.Origin = o
	if t.queue != nil {
		t.queue.SetOrigin(o)
	}
}

func (t *transaction) note(text string) {
	if t.s.b.Note != nil {
		id := t.msg.ID
		if id == "" {
			id = "NOQUEUE"
		}
		t.s.b.Note(id, text)
	}
}
