package mx

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// deliverer is what To returns.
type deliverer struct {
	t   *Transport
	hop nexthop
	raw string
	err error
}

// To returns a Deliverer for one next hop:
//
//	"example.net"           the mail exchangers of example.net, else its addresses
//	"example.net:587"       the same, on another port
//	"[mail.example.net]"    that host, without an MX look-up
//	"[192.0.2.1]:2525"      that address; "192.0.2.1:2525", "[2001:db8::1]:25" and "[IPv6:2001:db8::1]" too
//	"unix:/run/lmtp.sock"   a socket of this machine
//	""                      each recipient's own domain
//
// Begin and Recipient only take note. Body reads the message and sends it up to its end; Commit sends the end. Why it
// went wrong, where it did, is in the results of Commit, which carry the remote's reply unchanged, its name, and
// Detail; see the package comment.
func (t *Transport) To(hop string) mail.Deliverer {
	n, err := parseNexthop(hop)
	return &deliverer{t: t, hop: n, raw: hop, err: err}
}

// Begin implements [mail.Deliverer].
func (d *deliverer) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	if d.err != nil {
		if strings.ContainsAny(d.raw, "[:") { // not a recipient's domain: the mail waits until the configuration is right
			return nil, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 5}, Text: "bad next hop " + strconv.Quote(d.raw), Err: d.err}
		}
		return nil, &mail.Reply{Code: 550, Enhanced: mail.EnhancedCode{5, 1, 2}, Text: "bad domain " + strconv.Quote(d.raw), Err: d.err}
	}
	return &delivery{d: d, env: mail.Envelope{From: from, Options: *opts}}, nil
}

// Probe asks whether a next hop would take mail from a sender to some recipients, as verify(8) has it done: MAIL and RCPT are said, then RSET. A result
// with 250 is of a recipient who is taken; the others say who refused, as those of a delivery. The error is one of the next hop's name.
func (t *Transport) Probe(ctx context.Context, hop, from string, to ...string) ([]mail.Result, error) {
	tx, err := t.To(hop).Begin(ctx, from, &mail.MailOptions{})
	if err != nil {
		return nil, err
	}
	v := tx.(*delivery)
	v.probe, v.body, v.done = true, true, true
	for _, a := range to {
		v.env.Recipients = append(v.env.Recipients, mail.Recipient{Address: a})
		v.state = append(v.state, &progress{index: len(v.state), result: mail.Result{Recipient: a}})
	}
	src := &source{r: strings.NewReader("")}
	src.prepare()
	if err := v.route(ctx, src); err != nil {
		return nil, err
	}
	out := make([]mail.Result, len(v.state))
	for i, p := range v.state {
		out[i] = p.result
	}
	return out, nil
}

// delivery is one message on its way out.
type delivery struct {
	d     *deliverer
	env   mail.Envelope
	state []*progress // of each recipient
	legs  []*leg
	body  bool
	done  bool
	probe bool // no message follows
}

// progress is what is known of a recipient.
type progress struct {
	index  int // in the envelope
	result mail.Result
	final  bool // result is the answer; else it is why the last host wasn't good enough, or nothing yet
}

// Recipient implements [mail.Transaction].
func (v *delivery) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	if v.body || v.done {
		return mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: the message has been taken")
	}
	v.env.Recipients = append(v.env.Recipients, mail.Recipient{Address: to, Options: *opts})
	v.state = append(v.state, &progress{index: len(v.state), result: mail.Result{Recipient: to}})
	return nil
}

// Body implements [mail.Transaction]. A message that is an io.Seeker or io.ReaderAt can be sent again from the
// beginning, to another host after one that failed in its middle.
func (v *delivery) Body(ctx context.Context, r io.Reader) error {
	if v.body || v.done {
		return mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: the message has been taken")
	}
	if len(v.state) == 0 {
		return mail.NewReply(554, mail.EnhancedCode{5, 5, 1}, "Error: no valid recipients")
	}
	v.body = true
	src := &source{r: r}
	src.prepare()
	err := v.route(ctx, src)
	if err == nil {
		err = src.drain()
	}
	if err != nil {
		v.Abort()
	}
	return err
}

// route sends the message to the next hop, or to each recipient's.
func (v *delivery) route(ctx context.Context, src *source) error {
	if !v.d.hop.each {
		return v.send(ctx, v.d.hop, v.d.raw, v.state, src)
	}
	order, groups := v.domains()
	if len(order) > 1 {
		if err := src.keep(v.d.t.maxKept()); err != nil {
			return err
		}
	}
	for _, domain := range order {
		hop, err := parseNexthop(domain)
		if err != nil || domain == "" {
			settle(groups[domain], &mail.Reply{Code: 550, Enhanced: mail.EnhancedCode{5, 1, 3}, Text: "bad domain in recipient address"})
			continue
		}
		if err := v.send(ctx, hop, domain, groups[domain], src); err != nil {
			return err
		}
	}
	return nil
}

// domains groups the recipients by domain.
func (v *delivery) domains() (order []string, groups map[string][]*progress) {
	groups = make(map[string][]*progress)
	for _, p := range v.state {
		a := v.env.Recipients[p.index].Address
		domain := strings.ToLower(a[strings.LastIndexByte(a, '@')+1:])
		if !strings.Contains(a, "@") {
			domain = ""
		}
		if groups[domain] == nil {
			order = append(order, domain)
		}
		groups[domain] = append(groups[domain], p)
	}
	return order, groups
}

// settle gives the answer to all of some recipients.
func settle(list []*progress, err error) {
	for _, p := range list {
		p.fail(err, "", true)
	}
}

// fail notes why a recipient could not be served.
func (p *progress) fail(err error, relay string, final bool) {
	p.result.Reply, p.result.Detail = mail.ReplyOf(err), detailOf(err)
	p.result.Relay, p.final = relay, final
}

// Commit implements [mail.Transaction].
func (v *delivery) Commit(ctx context.Context) ([]mail.Result, error) {
	if v.done || !v.body {
		v.Abort()
		return nil, mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: need a message")
	}
	v.done = true
	for _, l := range v.legs {
		l.commit(ctx)
	}
	v.legs = nil
	out := make([]mail.Result, len(v.state))
	for i, p := range v.state {
		out[i] = p.result
	}
	return out, nil
}

// Abort implements [mail.Transaction].
func (v *delivery) Abort() error {
	v.done = true
	for _, l := range v.legs {
		l.abort()
	}
	v.legs = nil
	return nil
}
