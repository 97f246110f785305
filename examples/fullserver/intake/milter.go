package intake

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/milter"
)

// MilterLog is a Log that wants to know which refusals are milters'.
type MilterLog interface {
	// MilterRefused is called before the client is told so.
	MilterRefused(c *smtp.Conn, r *mail.Reply)
}

// filtering is what milters are told of a session.
type filtering struct {
	*milter.Session
	s *session
	t *transaction // the message at hand

	connect, hello *mail.Reply // what refuses every MAIL, as Postfix has it with smtpd_delay_reject

	address string // of the recipient, or sender, that macros are about
	mailer  string
	host    string
}

// openFilters connects the session's milters.
func (s *session) openFilters(ctx context.Context) *mail.Reply {
	list := s.b.Milters
	if s.b.MiltersFor != nil {
		if own, ok := s.b.MiltersFor(ctx, s.c); ok {
			list = own
		}
	}
	if len(list) == 0 {
		return nil
	}
	f := &filtering{s: s}
	f.Session = milter.Open(list, f.macro)
	s.filters = f
	name := s.c.ClientName()
	addr := s.c.RemoteAddr()
	if a, ok := addr.(*net.TCPAddr); ok {
		if name == "" || name == "unknown" {
			name = "[" + a.IP.String() + "]"
		}
	} else {
		name = "localhost"
	}
	f.connect = s.refusal(f.Connect(ctx, name, addr))
	return hangsUp(f.connect)
}

// hangsUp is a reply that is said at once because it ends the session, and nil for others.
func hangsUp(r *mail.Reply) *mail.Reply {
	if r != nil && r.Code == 421 {
		return r
	}
	return nil
}

// refusal is what a verdict refuses with, nil for nothing. A milter that can't be asked is told of in the log.
func (s *session) refusal(v milter.Verdict) *mail.Reply {
	if v.Err != nil && s.b.Note != nil && v.Err != s.filterErr {
		s.filterErr = v.Err // once
		s.b.Note("NOQUEUE", "warning: milter "+v.Filter+": "+v.Err.Error())
	}
	if v.Reply == nil {
		return nil
	}
	if l, ok := s.b.Log.(MilterLog); ok {
		l.MilterRefused(s.c, v.Reply)
	}
	return v.Reply
}

// Hello implements smtp.HelloSession: milters want to know it at once.
func (s *session) Hello(ctx context.Context, name string) error {
	if s.filters == nil || s.filters.connect != nil {
		return nil
	}
	s.filters.hello = s.refusal(s.filters.Session.Hello(ctx, name))
	if r := hangsUp(s.filters.hello); r != nil {
		return r
	}
	return nil
}

// Command implements smtp.CommandSession: milters may have a word for a command that nobody knows.
func (s *session) Command(ctx context.Context, verb, args string) *mail.Reply {
	if s.filters == nil {
		return nil
	}
	return s.refusal(s.filters.Unknown(ctx, strings.TrimRight(verb+" "+args, " ")))
}

// filterMail tells milters of MAIL.
func (t *transaction) filterMail(ctx context.Context, from string) error {
	f := t.s.filters
	if f == nil {
		return nil
	}
	for _, r := range []*mail.Reply{f.connect, f.hello} {
		if r != nil {
			return r
		}
	}
	f.t, f.address, f.mailer, f.host = t, from, "", ""
	if from != "" {
		if w, err := t.s.policy.Rules.Resolve(ctx, "", t.s.policy.Rules.Complete(from)); err == nil {
			f.mailer, f.host = w.Transport, w.Nexthop
		}
	}
	return t.filtered(f.Mail(ctx, from, mailParams(&t.opts)))
}

// filterRecipient tells milters of a recipient who is taken; filterRejected of one who isn't, and why.
func (t *transaction) filterRecipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	f := t.s.filters
	if f == nil {
		return nil
	}
	f.address, f.mailer, f.host = to, "", ""
	if w, err := t.s.policy.Rules.Resolve(ctx, t.from, t.s.policy.Rules.Complete(to)); err == nil {
		f.mailer, f.host = w.Transport, w.Nexthop
	}
	return t.filtered(f.Recipient(ctx, to, rcptParams(opts)))
}

func (t *transaction) filterRejected(ctx context.Context, to string, opts *mail.RcptOptions, err error) {
	if f := t.s.filters; f != nil {
		r := mail.ReplyOf(err)
		f.address, f.mailer, f.host = r.Text, "error", r.Enhanced.String()
		f.Rejected(ctx, to, rcptParams(opts))
	}
}

// filtered does what a verdict before the message says, or remembers it.
func (t *transaction) filtered(v milter.Verdict) error {
	if r := t.s.refusal(v); r != nil {
		return r
	}
	if v.Quarantine != "" {
		t.verdict.Hold = true
	}
	t.thrown = t.thrown || v.Discard
	return nil
}

// filter tells milters the message and returns it as they leave it: what is read of it already, and the rest. lacking is what the message begins with.
func (t *transaction) filter(ctx context.Context, info headerInfo, message io.Reader) (head []byte, out headerInfo, rest io.Reader, err error) {
	f, b := t.s.filters, t.s.b
	whole, err := b.Spooler.Read(io.MultiReader(bytes.NewReader(t.lacking(info)), message))
	if err != nil {
		return nil, info, nil, err
	}
	t.spooled = append(t.spooled, whole)
	envelope := false
	v := f.Message(ctx, whole, func(e *milter.Edits) (milter.Content, error) {
		changed, err := t.editEnvelope(ctx, e)
		if err != nil {
			return nil, err
		}
		envelope = envelope || changed
		kept := e.Header[:0:0]
		for _, h := range e.Header { // what is inserted above all stands above our trace field, which milters don't see
			if h.Insert && h.Index <= 0 {
				t.above = fieldOf(&h) + t.above
			} else {
				kept = append(kept, h)
			}
		}
		e.Header = kept
		if len(e.Header) == 0 && !e.ReplaceBody {
			return whole, nil
		}
		r, err := e.Apply(whole.NewReader(), 0)
		if err != nil {
			return nil, err
		}
		if whole, err = b.Spooler.Read(r); err == nil {
			t.spooled = append(t.spooled, whole)
		}
		return whole, err
	})
	if r := t.s.refusal(v); r != nil {
		t.note(t.milterLine("reject", r.Enhanced.String()+" "+r.Text))
		return nil, info, nil, r
	}
	switch {
	case v.Discard:
		t.note(t.milterLine("discard", "milter triggers DISCARD action"))
		return nil, info, nil, t.throw()
	case v.Quarantine != "" && !t.verdict.Hold:
		t.note(t.milterLine("hold", "milter triggers HOLD action"))
		if err := t.obey(ctx, &checks.Verdict{Hold: true}); err != nil {
			return nil, info, nil, err
		}
		envelope = true
	}
	if envelope {
		if err := t.placesAnew(ctx); err != nil {
			return nil, info, nil, err
		}
	}
	rest = whole.NewReader()
	head, out, err = peekHeader(rest)
	return head, out, rest, err
}

// errThrown says that the message is taken and goes nowhere.
var errThrown = errors.New("the message is thrown away")

// throw forgets a message that is answered as if it had been taken.
func (t *transaction) throw() error {
	t.forgetPlaces()
	t.discarded, t.rcpts = true, nil
	return errThrown
}

// forgetPlaces ends the transactions with mailboxes and queue.
func (t *transaction) forgetPlaces() {
	if t.local != nil {
		_ = t.local.Abort()
		t.local = nil
	}
	if t.queue != nil && t.queue != t.reserved {
		_ = t.queue.Abort()
	}
	t.queue = nil
}

// placesAnew begins them again: sender, recipients, or what is to become of the message have changed.
func (t *transaction) placesAnew(ctx context.Context) error {
	t.forgetPlaces()
	t.msg.Recipients, t.msg.Queued = 0, false
	if err := t.places(ctx); err != nil {
		return err
	}
	if t.local == nil && t.queue == nil { // milters have taken everybody away
		return t.throw()
	}
	return nil
}

// editEnvelope changes sender and recipients, and reports whether anything has changed.
func (t *transaction) editEnvelope(ctx context.Context, e *milter.Edits) (bool, error) {
	p := t.s.b.Policy.Now()
	if e.ChangeSender {
		from, err := p.Sender(ctx, e.Sender)
		if err != nil {
			return false, err
		}
		t.from = from
	}
	for _, a := range e.Remove {
		for i := range t.rcpts {
			r := &t.rcpts[i]
			r.removed = r.removed || strings.EqualFold(r.to, a) || strings.EqualFold(r.target.Address, p.Rules.Complete(a))
		}
	}
	for _, a := range e.Add {
		targets, err := p.Recipients(ctx, t.from, a.Address)
		if err != nil && mail.ReplyOf(err).Permanent() {
			t.note("warning: milter " + e.Filter + " adds recipient " + a.Address + ": " + mail.ReplyOf(err).Text)
			continue
		}
		if err != nil {
			return false, err
		}
		opts := mail.RcptOptions{}
		for _, param := range a.Params {
			if strings.EqualFold(param, "NOTIFY=NEVER") {
				opts.Notify = mail.NotifyNever
			}
		}
		for i := range targets {
			t.add(a.Address, opts, targets[i], len(targets))
		}
	}
	return e.ChangeSender || len(e.Remove)+len(e.Add) > 0, nil
}

// fieldOf is a field that a milter inserts.
func fieldOf(h *milter.HeaderChange) string {
	r, err := (&milter.Edits{Header: []milter.HeaderChange{*h}}).Apply(strings.NewReader("\r\n"), 0)
	if err != nil {
		return ""
	}
	b, _ := io.ReadAll(r)
	return strings.TrimSuffix(string(b), "\r\n")
}

// milterLine is the log's line about what a milter does with a message.
func (t *transaction) milterLine(what, text string) string {
	to := ""
	if len(t.said) > 0 {
		to = t.said[0].to
	}
	name, ip := t.s.c.ClientName(), ""
	if a, ok := t.s.c.RemoteAddr().(*net.TCPAddr); ok {
		ip = a.IP.String()
	}
	if name == "" {
		name = "unknown"
	}
	return fmt.Sprintf("milter-%s: END-OF-MESSAGE from %s[%s]: %s; from=<%s> to=<%s> proto=%s helo=<%s>", what, name, ip, text, t.from, to, t.s.c.ProtocolFamily(), t.s.c.Hello())
}

// mailParams and rcptParams are the parameters of MAIL and RCPT as milters are told them.
func mailParams(o *mail.MailOptions) (out []string) {
	if o.Size > 0 {
		out = append(out, "SIZE="+strconv.FormatInt(o.Size, 10))
	}
	if o.Body != "" {
		out = append(out, "BODY="+string(o.Body))
	}
	if o.UTF8 {
		out = append(out, "SMTPUTF8")
	}
	return out
}

func rcptParams(o *mail.RcptOptions) (out []string) {
	if o.Notify == mail.NotifyNever {
		out = append(out, "NOTIFY=NEVER")
	}
	if o.OriginalRecipient != "" {
		out = append(out, "ORCPT="+o.OriginalRecipient)
	}
	return out
}

// macro is the value of a macro (MILTER_README).
func (f *filtering) macro(name string) string {
	c, b := f.s.c, f.s.b
	tcp, _ := c.RemoteAddr().(*net.TCPAddr)
	client := c.ClientName()
	if client == "" {
		client = "unknown"
	}
	switch name {
	case "j":
		return b.Hostname
	case "v":
		return b.MilterVersion
	case "{daemon_name}":
		return b.MilterDaemon
	case "{daemon_addr}", "{if_addr}":
		if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
			return a.IP.String()
		}
	case "{daemon_port}":
		if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
			return strconv.Itoa(a.Port)
		}
	case "_":
		if tcp == nil {
			return "localhost"
		}
		return client + " [" + tcp.IP.String() + "]"
	case "{client_addr}":
		if tcp != nil {
			return tcp.IP.String()
		}
	case "{client_port}":
		if tcp != nil {
			return strconv.Itoa(tcp.Port)
		}
	case "{client_name}", "{client_ptr}":
		return client
	case "{client_resolve}":
		if client == "unknown" {
			return "FAIL"
		}
		return "OK"
	case "{auth_type}":
		return c.Mechanism()
	case "{auth_authen}":
		if id := c.Identity(); id != nil {
			return id.Username
		}
	case "i":
		if f.t != nil {
			return f.t.msg.ID
		}
	case "{mail_addr}", "{rcpt_addr}":
		return f.address
	case "{mail_mailer}", "{rcpt_mailer}":
		return f.mailer
	case "{mail_host}", "{rcpt_host}":
		return f.host
	default:
		return f.tlsMacro(name)
	}
	return ""
}

// tlsMacro is a macro about encryption.
func (f *filtering) tlsMacro(name string) string {
	state := f.s.c.TLS()
	if state == nil {
		return ""
	}
	switch name {
	case "{tls_version}":
		return clientcert.Version(state)
	case "{cipher}":
		return tls.CipherSuiteName(state.CipherSuite)
	case "{cipher_bits}":
		return strconv.Itoa(clientcert.Bits(state.CipherSuite))
	case "{cert_subject}":
		if len(state.PeerCertificates) > 0 {
			return state.PeerCertificates[0].Subject.CommonName
		}
	case "{cert_issuer}":
		if len(state.PeerCertificates) > 0 {
			return state.PeerCertificates[0].Issuer.CommonName
		}
	}
	return ""
}

// closeSpooled gives back what filter has read.
func (t *transaction) closeSpooled() {
	for _, b := range t.spooled {
		b.Close()
	}
	t.spooled = nil
}
