package takeover

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
)

// undo takes back a hand-over that isn't complete: what Postfix still has is Postfix's again, and leaves our queue. What is left in ours after that Postfix
// hasn't got any more.
func (q *oldQueue) undo(ctx context.Context, from *queue.Spool, j journal) error {
	ours, _ := j.state()
	if len(ours) > 0 {
		all, err := q.list(ctx)
		if err != nil {
			return fmt.Errorf("which messages are in both queues isn't known: %w", err)
		}
		var both []string
		for _, w := range all {
			if id := ours[w.key()]; id != "" {
				both = append(both, id)
			}
		}
		if err := j.giveUp(both); err != nil {
			return err
		}
	}
	_, theirs := j.state()
	if err := drop(ctx, from, theirs); err != nil {
		return err
	}
	return j.clear()
}

// left counts what stays in our queue on the way back.
type left struct {
	held    int // on hold: Postfix would send it
	owed    int // the sender has to be told something yet, which Postfix can't
	damaged int
	refused []error // what Postfix's sendmail doesn't take
}

// handBack moves what is in our queue into Postfix's, by its sendmail, which takes mail whether Postfix runs or not. What it took is marked as a delivery is, so that a
// crash doubles only what is under way. The error is one of our queue's.
func (q *oldQueue) handBack(ctx context.Context, from *queue.Spool, progress func(done int)) (moved int, stay left, err error) {
	if _, err := from.Edit(ctx, queue.Filter{States: []queue.State{queue.Deferred}}, queue.OpFlush); err != nil {
		return 0, stay, err
	}
	for {
		leases, _, err := from.Claim(ctx, queue.ClaimQuery{Messages: 1})
		if err != nil {
			return moved, stay, err
		}
		if len(leases) == 0 {
			break
		}
		l := leases[0]
		refused := q.giveBack(ctx, from, l)
		f := queue.Finish{Done: refused == nil}
		switch owed := slices.ContainsFunc(l.Message.Recipients, func(r queue.Recipient) bool { return r.Owed }); {
		case refused != nil:
			stay.refused = append(stay.refused, fmt.Errorf("message %s: %w", l.ID, refused))
		case owed:
			stay.owed++
			f.Done = false
		default:
			moved++
		}
		if !f.Done {
			f.Retry = time.Now().Add(time.Hour) // not in this loop
		}
		if err := from.Finish(ctx, l, f); err != nil {
			return moved, stay, err
		}
		progress(moved)
	}
	for e, err := range from.List(ctx, queue.Filter{}) {
		switch {
		case err != nil:
			return moved, stay, err
		case e.State == queue.Corrupt:
			stay.damaged++
		case e.State == queue.Held:
			stay.held++
		}
	}
	return moved, stay, nil
}

// giveBack gives one message to Postfix.
func (q *oldQueue) giveBack(ctx context.Context, from *queue.Spool, l *queue.Lease) error {
	content, err := from.Content(ctx, l)
	if err != nil {
		return err
	}
	defer content.Close()
	there := q.dropped()
	return q.submit(ctx, []string{"sendmail", "-C", q.dir, "-G"}, l.Message, content, func(p part) error {
		there = q.backdate(there, l.Message.Arrived, l.Message.From, p.to)
		return from.Record(ctx, l, []queue.Outcome{{Recipients: p.which, State: queue.Delivered,
			Attempt: queue.Attempt{Time: time.Now(), Relay: "Postfix", Reply: mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "given back")}}})
	})
}

// submit gives a message to a sendmail: once for all recipients who want the same reports, maxArguments of them at most. over is told of what was taken.
func (q *oldQueue) submit(ctx context.Context, sendmail []string, m *queue.Message, content io.Reader, over func(part) error) error {
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	sender := m.From
	if sender == "" {
		sender = "<>"
	}
	for _, p := range partsOf(m) {
		args := append(sendmail[1:len(sendmail):len(sendmail)], "-i", "-f", sender)
		if p.notify != 0 {
			args = append(args, "-N", notifyWords(p.notify))
		}
		if m.Options.EnvelopeID != "" {
			args = append(args, "-V", smtp.EncodeXtext(m.Options.EnvelopeID))
		}
		if m.Options.Body == mail.Body8BitMIME {
			args = append(args, "-B8BITMIME")
		}
		args = append(append(args, "--"), p.to...)
		if _, err := q.run(ctx, bytes.NewReader(text), sendmail[0], args...); err != nil {
			return err
		}
		if err := over(p); err != nil {
			return err
		}
	}
	return nil
}

// part is those of a message's recipients for whom sendmail is called once.
type part struct {
	notify mail.Notify
	which  []int // of the message's recipients
	to     []string
}

// maxArguments bounds recipients on a command line.
const maxArguments = 1000

func partsOf(m *queue.Message) (out []part) {
	open := map[mail.Notify]int{}
	for n, r := range m.Recipients {
		if r.State != queue.Pending {
			continue
		}
		i, ok := open[r.Options.Notify]
		if !ok || len(out[i].to) == maxArguments {
			i = len(out)
			open[r.Options.Notify] = i
			out = append(out, part{notify: r.Options.Notify})
		}
		out[i].which, out[i].to = append(out[i].which, m.First+n), append(out[i].to, r.Address)
	}
	return out
}

func notifyWords(n mail.Notify) string {
	var out []string
	for _, w := range []struct {
		n    mail.Notify
		word string
	}{{mail.NotifyNever, "never"}, {mail.NotifySuccess, "success"}, {mail.NotifyFailure, "failure"}, {mail.NotifyDelay, "delay"}} {
		if n&w.n != 0 {
			out = append(out, w.word)
		}
	}
	return strings.Join(out, ",")
}
