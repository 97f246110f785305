package queue

import (
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
)

// Discard returns a deliverer for [Transport.Deliverer] that takes mail and forgets it (Postfix's discard(8)).
func Discard(nexthop string) mail.Deliverer {
	return discarder(nexthop)
}

// discarder makes transactions that take everything; the next hop is what is said of it.
type discarder string

func (d discarder) Begin(context.Context, string, *mail.MailOptions) (mail.Transaction, error) {
	return &discarding{detail: string(d)}, nil
}

type discarding struct {
	detail string
	to     []string
}

func (d *discarding) Recipient(_ context.Context, to string, _ *mail.RcptOptions) error {
	d.to = append(d.to, to)
	return nil
}

func (d *discarding) Body(_ context.Context, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func (d *discarding) Commit(context.Context) ([]mail.Result, error) {
	out := make([]mail.Result, len(d.to))
	for i, to := range d.to {
		out[i] = mail.Result{Recipient: to, Reply: mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok"), Detail: d.detail}
	}
	return out, nil
}

func (d *discarding) Abort() error { return nil }

// Refuse returns a deliverer for [Transport.Deliverer] that takes no mail, for the reason that the next hop is: "5.1.6
// has moved", "4.7.0 come again", or a text alone, which is 5.0.0 (Postfix's error(8) and retry(8)).
func Refuse(nexthop string) mail.Deliverer {
	r := &mail.Reply{Code: 550, Enhanced: mail.EnhancedCode{5, 0, 0}, Text: nexthop}
	word, text, _ := strings.Cut(nexthop, " ")
	if code, ok := parseCode(word); ok && (code[0] == 4 || code[0] == 5) {
		r.Enhanced, r.Text = code, text
		if code[0] == 4 {
			r.Code = 450
		}
	}
	return refuser{r}
}

// refuser refuses each recipient. Begin says yes, for it is no fault of a site.
type refuser struct{ reply *mail.Reply }

func (r refuser) Begin(context.Context, string, *mail.MailOptions) (mail.Transaction, error) {
	return r, nil
}
func (r refuser) Recipient(context.Context, string, *mail.RcptOptions) error { return r.reply }
func (r refuser) Body(context.Context, io.Reader) error                      { return r.reply }
func (r refuser) Commit(context.Context) ([]mail.Result, error)              { return nil, r.reply }
func (r refuser) Abort() error                                               { return nil }
