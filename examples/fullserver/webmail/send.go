package webmail

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
)

// maxRecipients is how many addresses a message may go to.
const maxRecipients = 500

// parseRecipients reads a field of the form. bad is the first thing in it that is no address; "" when all are. Between addresses stand
// commas, line ends, or semicolons as in Outlook.
func parseRecipients(s string) (list []mime.Address, bad string) {
	s = strings.Trim(strings.NewReplacer("\r", " ", "\n", ", ", "\x00", "").Replace(s), " ,")
	list, bad = parseAddresses(s)
	if bad != "" && strings.Contains(s, ";") {
		if l, b := parseAddresses(strings.Trim(strings.ReplaceAll(s, ";", ","), " ,")); b == "" {
			return l, ""
		}
	}
	return list, bad
}

func parseAddresses(s string) (list []mime.Address, bad string) {
	if s == "" {
		return nil, ""
	}
	all, err := mime.ParseAddressList(s)
	for a := range mime.Mailboxes(all) {
		if _, e := mime.ParseAddress(a.String()); e != nil || a.Host == "" {
			if bad = clean(a.String(), 200); bad == "" {
				bad = clean(s, 200)
			}
			return nil, bad
		}
		a.Route = ""
		list = append(list, a)
	}
	if err != nil || len(list) == 0 || len(list) > maxRecipients {
		return nil, clean(s, 200)
	}
	return list, ""
}

// send sends the letter, files it with the sent ones, and removes the draft. Whatever fails before the server has taken it leaves it as a
// draft.
func (q *request) send(l *letter) error {
	if q.alreadySent(l.ID) {
		return q.remember(&done{key: "done.sent", count: 1}, "/mail/INBOX")
	}
	var b *mime.Builder
	var msg bytes.Buffer
	problem := ""
	err := q.do(func(ctx context.Context, c *imapclient.Client) (err error) {
		if b, problem, err = q.outgoing(ctx, c, l); err != nil || problem != "" {
			return err
		}
		_, err = b.WriteTo(&msg)
		return err
	})
	if err != nil {
		return q.notDone(l, err)
	}
	if problem != "" {
		return q.again(l, http.StatusUnprocessableEntity, problem)
	}
	if !q.claim(l.ID) { // the form came twice at the same time
		return q.remember(&done{key: "done.sent", count: 1}, "/mail/INBOX")
	}
	if wait := q.undoSend(); wait > 0 {
		if h, ok := q.hold(l, b, msg.Bytes(), wait); ok {
			return q.remember(&done{key: "done.held", count: int(wait / time.Second), held: h}, "/mail/INBOX")
		}
	}
	if err := q.submit(l, b, msg.Bytes()); err != nil {
		q.unclaim(l.ID)
		q.cfg.Log.Warn("webmail: send", "user", q.sess.User, "err", err)
		problem := q.T("send.failed", clean(smtpText(err), 500))
		if e := q.saveDraft(l); e == nil {
			problem += " " + q.T("send.kept")
		}
		return q.again(l, http.StatusBadGateway, problem)
	}
	return q.remember(&done{key: q.file(l, b, msg.Bytes()), count: 1}, "/mail/INBOX")
}

// undoSend returns how long a message can be taken back.
func (q *request) undoSend() time.Duration {
	switch {
	case q.limits.UndoSend < 0 || q.cfg.SMTP == "":
		return 0
	case q.prefs.UndoSend != nil:
		return time.Duration(*q.prefs.UndoSend) * time.Second
	}
	return q.limits.UndoSend
}

// outgoing makes the message as it goes out. problem is what the user has to put right.
func (q *request) outgoing(ctx context.Context, c *imapclient.Client, l *letter) (b *mime.Builder, problem string, err error) {
	files, err := q.files(ctx, c, l)
	if err != nil {
		return nil, "", err
	}
	if b, err = q.builder(l, files); err != nil {
		return nil, "", err
	}
	for _, f := range []struct {
		value string
		to    *[]mime.Address
	}{{l.To, &b.To}, {l.Cc, &b.Cc}, {l.Bcc, &b.Bcc}} {
		list, bad := parseRecipients(f.value)
		if bad != "" {
			return nil, q.T("send.badaddress", bad), nil
		}
		*f.to = list
	}
	switch n := len(b.Recipients()); {
	case n == 0:
		return nil, q.T("send.nobody"), nil
	case n > maxRecipients:
		return nil, q.T("send.many", maxRecipients), nil
	}
	if b.Text = l.Body; l.HTML != "" {
		b.HTML = document(l.HTML)
	}
	m, err := q.fetchRef(ctx, c, l.Ref)
	if err != nil {
		return nil, "", err
	}
	q.setReferences(b, l, m)
	if l.Quote && m != nil {
		quote, err := q.quoted(ctx, c, m, l.Ref.Mode)
		if err != nil {
			return nil, "", err
		}
		b.Text = below(l.Body, quote)
		if l.HTML != "" {
			if quote, err = q.quotedHTML(ctx, c, m, l.Ref.Mode); err != nil {
				return nil, "", err
			}
			b.HTML = document(l.HTML, quote)
		}
	}
	return b, "", nil
}

// submit hands the message to the submission server: to all its recipients, or to none of them.
func (q *request) submit(l *letter, b *mime.Builder, msg []byte) error {
	if q.cfg.SMTP == "" {
		return errors.New(q.T("send.off"))
	}
	o := q.cfg.SMTPOptions
	auth := &mail.Credentials{Username: q.sess.User, Password: q.sess.Secret}
	if o.Auth != nil {
		auth.AllowPlaintext, auth.Mechanisms = o.Auth.AllowPlaintext, o.Auth.Mechanisms
	}
	o.Auth = auth
	c, err := smtp.Dial(q.ctx, q.cfg.SMTP, &o)
	if err != nil {
		return err
	}
	defer c.Close()
	env := &mail.Envelope{From: b.From[0].Addr(), Options: mail.MailOptions{UTF8: b.NeedsUTF8()}}
	var opts mail.RcptOptions
	if l.Receipt && c.Capabilities().Has(smtp.DSN) {
		opts.Notify, env.Options.Return = mail.NotifySuccess|mail.NotifyFailure|mail.NotifyDelay, mail.ReturnHeaders
	}
	for _, a := range b.Recipients() {
		env.Recipients = append(env.Recipients, mail.Recipient{Address: a, Options: opts})
	}
	if c.Capabilities().Has(smtp.EightBitMIME) {
		env.Options.Body = mail.Body8BitMIME
	}
	tx, refused, err := c.Open(q.ctx, env)
	if err != nil {
		return err
	}
	for _, err := range refused {
		if err != nil { // better nobody than some: who corrects an address and sends again would send twice to the others
			_ = tx.Abort()
			return err
		}
	}
	if err := tx.Body(q.ctx, bytes.NewReader(msg)); err != nil {
		_ = tx.Abort()
		return err
	}
	results, err := tx.Commit(q.ctx)
	if err != nil {
		return err
	}
	for _, r := range results {
		if !r.Reply.OK() {
			return &smtp.SendError{Results: results}
		}
	}
	_ = c.Quit(q.ctx)
	return nil
}

// file does what follows a message that has gone out, and returns what to say. What fails now is told, but the message is not sent again.
func (q *request) file(l *letter, b *mime.Builder, msg []byte) (key string) {
	defer q.forgetCounts()
	q.wroteTo(slices.Concat(b.To, b.Cc, b.Bcc))
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		sent, err := q.ensureUse(ctx, c, mail.UseSent)
		if err != nil {
			return err
		}
		if len(b.Bcc) > 0 { // the sender's own copy says whom else it went to
			h := mime.ParseHeader(msg, nil)
			size := len(h.AppendTo(nil))
			h = h.Clone()
			if err := h.AddAddresses("Bcc", b.Bcc); err != nil {
				return err
			}
			msg = append(h.AppendTo(nil), msg[size:]...)
		}
		if _, err = c.Append(ctx, sent, imapclient.NewDraft(msg, `\Seen`)); err != nil {
			return err
		}
		if m, err := q.fetchRef(ctx, c, l.Ref); err == nil && m != nil {
			flag := `\Answered`
			if l.Ref.Mode == "forward" {
				flag = "$Forwarded"
			}
			_, _ = c.Store(ctx, imapclient.UID(m.UID), mail.FlagsAdd, mail.NewFlags(flag), &imapclient.StoreOptions{Silent: true})
		}
		return nil
	})
	if err != nil {
		q.cfg.Log.Warn("webmail: filing a sent message", "user", q.sess.User, "err", err)
		return "done.unfiled" // the draft stays, as the only copy
	}
	if err := q.dropDraft(l); err != nil {
		q.cfg.Log.Warn("webmail: removing a draft", "user", q.sess.User, "err", err)
	}
	return "done.sent"
}

// maxSent is how many forms are remembered as sent.
const maxSent = 200

func (q *request) alreadySent(id string) bool {
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	return id != "" && q.acc.sent[id]
}

// claim takes the form's one chance to be sent.
func (q *request) claim(id string) bool {
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	if id == "" {
		return true
	}
	if q.acc.sent[id] {
		return false
	}
	if q.acc.sent == nil || len(q.acc.sent) >= maxSent {
		q.acc.sent = map[string]bool{}
	}
	q.acc.sent[id] = true
	return true
}

func (q *request) unclaim(id string) {
	q.acc.mu.Lock()
	defer q.acc.mu.Unlock()
	delete(q.acc.sent, id)
}

// smtpText is what the submission server said, for its user.
func smtpText(err error) string {
	if se, ok := errors.AsType[*smtp.SendError](err); ok {
		return se.Error()
	}
	if r, ok := errors.AsType[*smtp.Reply](err); ok {
		return r.String()
	}
	return err.Error()
}
