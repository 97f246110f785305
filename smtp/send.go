package smtp

import (
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
)

// Send connects to addr ("host:port"), logs in if opts say so, sends one message to all of to, and disconnects. nil means
// that every recipient was accepted; a *[SendError] says who was and who wasn't; any other error that nobody was.
//
// opts may be nil. Addresses that aren't ASCII need a server that does SMTPUTF8, unless only their domain isn't.
func Send(ctx context.Context, addr string, opts *ClientOptions, from string, to []string, message io.Reader) error {
	c, err := Dial(ctx, addr, opts)
	if err != nil {
		return err
	}
	defer c.Close()
	env := &mail.Envelope{From: from}
	if c.caps.Has(EightBitMIME) {
		env.Options.Body = mail.Body8BitMIME
	}
	for _, a := range to {
		env.Recipients = append(env.Recipients, mail.Recipient{Address: a})
		env.Options.UTF8 = env.Options.UTF8 || c.caps.Has(SMTPUTF8) && !ascii(a)
	}
	results, err := c.Send(ctx, env, message)
	if err != nil {
		return err
	}
	c.Quit(ctx)
	for _, r := range results {
		if !r.Reply.OK() {
			return &SendError{results}
		}
	}
	return nil
}

// SendError says that some recipients, or all, were refused.
type SendError struct {
	Results []mail.Result // of each recipient
}

// Error names the refused recipients and what was said of them.
func (e *SendError) Error() string {
	var out []string
	for _, r := range e.Results {
		if r.Reply.OK() {
			continue
		}
		text := r.Detail
		if text == "" {
			text = r.Reply.String()
		}
		out = append(out, "<"+r.Recipient+">: "+text)
	}
	return strings.Join(out, "; ")
}

// Unwrap returns the replies of the refused recipients.
func (e *SendError) Unwrap() []error {
	var out []error
	for _, r := range e.Results {
		if !r.Reply.OK() {
			out = append(out, r.Reply)
		}
	}
	return out
}
