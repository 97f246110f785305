package intake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/local"
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
