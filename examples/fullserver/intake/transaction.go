package intake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp/proxyfilter"
)

// transaction is a message on its way in.
type transaction struct {
	s     *session
	from  string
	opts  mail.MailOptions
	began time.Time
	said  []said
	rcpts []rcpt

	refuse error // what every recipient is answered; nil: nothing

	msg                   Message
	local                 *local.Transaction
	queue                 *queue.Transaction
	reserved              *queue.Transaction       // whose id milters know by now; it becomes queue, if there is any need of one
	proxy                 *proxyfilter.Transaction // in place of both
	wrote                 string                   // the sender as the client wrote him
	begun                 bool                     // the log knows that the filter hears of the message
	source                *spool.Buffer            // the message, when it goes to more than one place
	checked               *spool.Buffer            // as header_checks and body_checks leave it
	verdict               checks.Verdict
	discarded, redirected bool
	thrown                bool            // a milter wants the message taken and thrown away
	above                 string          // fields that milters want above our trace field
	spooled               []*spool.Buffer // as milters were told it, and as they leave it
	held                  *spool.Buffer   // as it came, while it is checked or signed
	delayed               bool            // by greylisting, which the header says
	done                  bool
}

// said is a recipient as the client named it: what it stands for begins at first in rcpts.
type said struct {
	to       string
	first, n int
}

// rcpt is somebody who gets the message.
type rcpt struct {
	to      string
	opts    mail.RcptOptions
	target  policy.Target
	twin    int  // the recipient before it that is the same, -1 for none
	removed bool // a milter has taken him away
	queued  bool // goes to the queue: it is elsewhere, or the sender wants a report of its delivery, which the queue makes
}

// Recipient implements mail.Transaction.
func (t *transaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	if t.refuse != nil {
		return t.refuse
	}
	targets, err := t.s.resolve(ctx, t.s.visit, t.from, to)
	if err != nil {
		t.filterRejected(ctx, to, opts, err)
		return err
	}
	if err := t.greylist(to); err != nil { // before filters hear of a recipient that isn't one yet
		t.filterRejected(ctx, to, opts, err)
		return err
	}
	if err := t.room(ctx, to, targets); err != nil {
		t.filterRejected(ctx, to, opts, err)
		return err
	}
	if err := t.filterRecipient(ctx, to, opts); err != nil {
		return err
	}
	if t.proxy != nil {
		return t.proxyRecipient(ctx, to, opts)
	}
	if limit := t.s.b.Expanded; limit > 0 && len(t.rcpts)+len(targets) > limit {
		return mail.NewReply(452, mail.EnhancedCode{4, 5, 3}, "Error: too many recipients")
	}
	if err := t.reserve(ctx); err != nil {
		return err
	}
	t.said = append(t.said, said{to, len(t.rcpts), len(targets)})
	for i := range targets {
		t.add(to, *opts, targets[i], len(targets))
	}
	return nil
}

// room refuses a recipient whose mailbox is full. One that stands for several is taken for those who have room.
func (t *transaction) room(ctx context.Context, to string, targets []policy.Target) error {
	if t.s.b.Room == nil || len(targets) != 1 || targets[0].Account == "" {
		return nil
	}
	r := t.s.b.Room(ctx, targets[0].Account, t.opts.Size)
	if r == nil {
		return nil
	}
	said := *r
	said.Text = "<" + to + ">: Recipient address rejected: " + r.Text
	return &said
}

// greylist sends strangers away for now. Who had to wait is told by a header field, once a message.
func (t *transaction) greylist(to string) error {
	if t.s.b.Greylist == nil || t.s.visit == nil || t.s.trusted() {
		return nil
	}
	field, r := t.s.b.Greylist(t.s.c, t.from, to)
	if r != nil {
		return r
	}
	if field != "" && !t.delayed {
		t.delayed = true
		t.s.visit.Message.Prepend = append(t.s.visit.Message.Prepend, field)
	}
	return nil
}

// add adds one of those whom a recipient stands for.
func (t *transaction) add(to string, opts mail.RcptOptions, target policy.Target, of int) {
	if opts.OriginalRecipient == "" && !strings.EqualFold(to, target.Address) && strings.Contains(to, "@") {
		opts.OriginalRecipient = "rfc822;" + to
	}
	if of > 1 { // RFC 3461 section 5.2.7.3: a list's members report no success
		opts.Notify &^= mail.NotifySuccess
	}
	report := opts.Notify&mail.NotifySuccess != 0 && t.from != "" && t.s.b.Kind != LMTP
	r := rcpt{to: to, opts: opts, target: target, twin: -1, queued: target.Account == "" || report || t.verdict.Hold || t.verdict.Filter != ""}
	for i := range t.rcpts {
		if t.rcpts[i].twin < 0 && strings.EqualFold(t.rcpts[i].target.Address, target.Address) {
			r.twin = i // named twice: one copy
			break
		}
	}
	t.rcpts = append(t.rcpts, r)
}

// here and elsewhere select recipients.
func (r *rcpt) here() bool      { return r.twin < 0 && !r.queued && !r.removed }
func (r *rcpt) elsewhere() bool { return r.twin < 0 && r.queued && !r.removed }

// Body implements mail.Transaction.
func (t *transaction) Body(ctx context.Context, r io.Reader) error {
	if t.proxy != nil {
		return t.proxyBody(ctx, r)
	}
	if err := t.copies(ctx); err != nil {
		_ = t.Abort()
		return err
	}
	defer func() { t.checked.Close() }()
	if err := t.ordered(ctx, r); err != nil {
		_ = t.Abort()
		return err
	}
	if t.thrown {
		t.discarded, t.rcpts = true, nil
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	} else if t.verdict.Hold {
		if err := t.obey(ctx, &checks.Verdict{Hold: true}); err != nil {
			return err
		}
	}
	r, err := t.content(ctx, r)
	if err == nil && t.discarded {
		t.msg.ID, t.msg.From = t.id(), t.from
		t.note("discarded")
		return nil
	}
	if err != nil {
		_ = t.Abort()
		return diskReply(err)
	}
	head, info, err := peekHeader(r)
	if err != nil {
		_ = t.Abort()
		return err
	}
	if t.s.trusted() && !t.s.b.Checked { // what comes back from a content filter may be anybody's
		t.opts.Origin = mail.OriginLocal
	}
	t.opts.Plaintext = info.plaintext && !t.opts.RequireTLS // RFC 8689 section 4.1: "the TLS-Required header field MUST be ignored"
	if err := t.places(ctx); err != nil {
		return err
	}
	if head, err = t.rewriteHead(ctx, head); err != nil {
		_ = t.Abort()
		return err
	}
	hops := t.s.b.Hops
	if hops == 0 {
		hops = 50
	}
	if info.received+1 > hops { // with ours, as Postfix counts
		_ = t.Abort()
		return mail.NewReply(554, mail.EnhancedCode{5, 4, 0}, "Error: too many hops")
	}
	if t.s.filters != nil {
		defer t.closeSpooled()
		if head, info, r, err = t.filter(ctx, info, io.MultiReader(bytes.NewReader(head), r)); err == errThrown {
			return nil
		}
		if err != nil {
			_ = t.Abort()
			return diskReply(err)
		}
	}
	defer func() { t.held.Close() }()
	whole, err := t.examine(ctx, info, io.MultiReader(bytes.NewReader(head), r))
	if err != nil {
		_ = t.Abort()
		return diskReply(err)
	}
	in := &counter{r: whole}
	defer func() { t.msg.Size = in.n }()
	switch {
	case t.local != nil && t.local.Alone() && t.queue == nil:
		err = t.local.Body(ctx, in)
	case t.local == nil:
		err = t.queue.Body(ctx, in)
	default:
		if t.source, err = t.s.b.Spooler.Read(in); err != nil {
			break
		}
		t.local.BodyFrom(t.source)
		if t.queue != nil {
			err = t.queue.Body(ctx, t.source.NewReader())
		}
	}
	if err != nil {
		_ = t.Abort()
	}
	return diskReply(err)
}

// diskReply is the reply where it is our disk that fails.
func diskReply(err error) error {
	if _, ok := errors.AsType[*spool.DiskError](err); ok {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "Error: queue file write error", Err: err}
	}
	return err
}

// places begins the transactions behind this one: with the mailboxes and with the queue.
func (t *transaction) places(ctx context.Context) error {
	b := t.s.b
	for i := range t.rcpts {
		r := &t.rcpts[i]
		var err error
		switch {
		case r.here():
			if t.local == nil {
				t.local = b.Local.Start(t.from)
			}
			t.local.Add(r.to, r.target)
		case r.elsewhere():
			if t.queue == nil {
				t.queue, err = t.begin(ctx)
			}
			if err == nil {
				err = t.queue.Recipient(ctx, r.target.Address, &r.opts)
			}
		}
		if err != nil {
			_ = t.Abort()
			return err
		}
	}
	t.msg.From = t.from
	for i := range t.rcpts {
		if t.rcpts[i].twin < 0 && !t.rcpts[i].removed {
			t.msg.Recipients++
		}
	}
	if t.queue != nil {
		t.msg.ID, t.msg.Queued = t.queue.ID(), true
	} else {
		t.msg.ID = t.id()
	}
	return nil
}

// id is the message's id where it has no place in the queue.
func (t *transaction) id() string {
	if t.reserved != nil {
		return t.reserved.ID()
	}
	return newID(t.began)
}

// reserve gives the message its id, which milters are told from the second recipient on, as with Postfix.
func (t *transaction) reserve(ctx context.Context) (err error) {
	if t.s.filters == nil || t.reserved != nil {
		return nil
	}
	if t.reserved, err = t.open(ctx); err == nil {
		t.msg.ID = t.reserved.ID()
	}
	return err
}

// open opens the queue for a message.
func (t *transaction) open(ctx context.Context) (*queue.Transaction, error) {
	tx, err := t.s.b.Queue.Begin(ctx, t.from, &t.opts)
	if err != nil {
		return nil, err
	}
	q, ok := tx.(*queue.Transaction)
	if !ok {
		_ = tx.Abort()
		return nil, errors.New("the queue's transaction is of another kind")
	}
	return q, nil
}

// dropReserved gives back what was reserved, unless it is the message's place in the queue.
func (t *transaction) dropReserved() {
	if t.reserved != nil && t.reserved != t.queue {
		_ = t.reserved.Abort()
	}
}

// begin begins a message in the queue.
func (t *transaction) begin(ctx context.Context) (*queue.Transaction, error) {
	var err error
	q := t.reserved
	if q == nil || t.queue != nil || t.done {
		q, err = t.open(ctx)
	} else {
		err = q.Restart(t.from, &t.opts)
	}
	if err != nil {
		return nil, err
	}
	if t.verdict.Hold {
		q.SetHold()
	}
	if t.verdict.Filter != "" {
		transport, hop, _ := strings.Cut(t.verdict.Filter, ":")
		if hop == "" {
			hop = t.s.b.FilterHop
		}
		q.SetRoute(queue.Route{Transport: transport, Nexthop: hop})
	}
	return q, nil
}

// received returns the trace field.
func (t *transaction) received() []byte {
	b := t.s.b
	r := t.s.c.Received()
	r.ID, r.Software, r.Time = t.msg.ID, b.Software, t.began
	if len(t.said) == 1 {
		r.For = b.Policy.Now().Rules.Complete(t.said[0].to)
	}
	if id := t.s.c.Identity(); id != nil {
		r.User = id.Username
	}
	return r.Append(make([]byte, 0, 512))
}

// lacking returns what belongs between the trace field and the message: the fields that a message lacks which begins its way here
// (RFC 6409 section 8), and an empty line where it has no header at all.
func (t *transaction) lacking(info headerInfo) []byte {
	b := t.s.b
	var out []byte
	t.msg.MessageID = info.messageID
	if t.s.trusted() && t.proxy == nil {
		if info.messageID == "" {
			t.msg.MessageID = "<" + t.began.UTC().Format("20060102150405") + "." + t.msg.ID + "@" + b.Hostname + ">"
			out = append(out, "Message-Id: "+t.msg.MessageID+"\r\n"...)
		}
		if !info.date {
			out = t.began.AppendFormat(append(out, "Date: "...), "Mon, 02 Jan 2006 15:04:05 -0700 (MST)\r\n")
		}
	}
	if info.headless {
		out = append(out, "\r\n"...)
	}
	return out
}

// Abort implements mail.Transaction.
func (t *transaction) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	t.dropReserved()
	if t.s.filters != nil {
		t.s.filters.Session.Abort(context.Background())
	}
	var err error
	if t.proxy != nil {
		err = t.proxy.Abort()
	}
	if t.local != nil {
		err = t.local.Abort()
	}
	if t.queue != nil {
		err = errors.Join(err, t.queue.Abort())
	}
	return errors.Join(err, t.source.Close())
}
