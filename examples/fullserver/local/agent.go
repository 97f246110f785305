package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/smtp/rewrite"
)

// Agent delivers to addresses of this machine as Postfix's local(8) does: aliases(5) with commands, files and lists, .forward, and then the
// mailbox. It stands behind the queue, because what it does may have to be tried again. One transaction has one recipient.
type Agent struct {
	Mailboxes *Deliverer
	Policy    *policy.Policy
	Queue     func() mail.Deliverer // what is forwarded goes here
	Settings  Settings
	Spooler   *spool.Spooler
}

// Settings are local(8)'s parameters.
type Settings struct {
	ExpandOwner, ResetOwner bool   // expand_owner_alias, reset_owner_alias
	Commands, Files         []Kind // allow_mail_to_commands, allow_mail_to_files
	ForwardPath             string // forward_path
	Delimiter               string // recipient_delimiter
	LuserRelay              string // luser_relay
	// MailboxTransport and FallbackTransport are what delivers instead of a mailbox, and to those who have none; nil: nothing does.
	MailboxTransport, FallbackTransport mail.Deliverer
	MailboxCommand                      string // mailbox_command
	// These say the same by user, nil where they don't: mailbox_transport_maps, fallback_transport_maps, mailbox_command_maps.
	MailboxTransports, FallbackTransports, MailboxCommands Table
	// Transport finds what delivers by a name in these tables, "transport:nexthop". It must be set where there are some.
	Transport func(name string) (mail.Deliverer, error)

	CommandTime time.Duration // command_time_limit
	Shell       string        // local_command_shell
	Privs       string        // default_privs
	Delivered   []string      // prepend_delivered_header
}

// Kind is where a destination stands.
type Kind string

// The kinds.
const (
	InAlias   Kind = "alias"
	InForward Kind = "forward"
	InInclude Kind = "include"
)

// Begin implements mail.Deliverer.
func (a *Agent) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	return &agentTransaction{a: a, from: from, opts: *opts}, nil
}

type agentTransaction struct {
	a       *Agent
	from    string
	opts    mail.MailOptions
	to      string
	rcpt    mail.RcptOptions
	message *spool.Buffer
}

// Relay names the agent in the log.
func (t *agentTransaction) Relay() string { return "local" }

// Recipient implements mail.Transaction.
func (t *agentTransaction) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	if t.to != "" {
		return mail.NewReply(452, mail.EnhancedCode{4, 5, 3}, "Error: too many recipients")
	}
	t.to, t.rcpt = to, *opts
	return nil
}

// Body implements mail.Transaction.
func (t *agentTransaction) Body(_ context.Context, r io.Reader) error {
	if t.to == "" || t.message != nil {
		return mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
	}
	b, err := t.a.Spooler.Read(r)
	if err != nil {
		return replyFor(err)
	}
	t.message = b
	return nil
}

// Abort implements mail.Transaction.
func (t *agentTransaction) Abort() error {
	err := t.message.Close()
	t.message = nil
	return err
}

// Commit implements mail.Transaction.
func (t *agentTransaction) Commit(ctx context.Context) ([]mail.Result, error) {
	if t.message == nil {
		return nil, mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: need a message")
	}
	defer t.Abort()
	res := mail.Result{Recipient: t.to, Relay: "local"}
	detail, expanded, err := t.deliver(ctx)
	if err != nil {
		res.Reply = mail.ReplyOf(replyFor(err))
		res.Detail = res.Reply.Text
		return []mail.Result{res}, nil
	}
	res.Reply, res.Detail, res.Expanded = mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok"), detail, expanded
	return []mail.Result{res}, nil
}

// deliver does what the plan says. What can be refused comes first, what is forwarded last, so that a failure that is tried again repeats as
// little as possible.
func (t *agentTransaction) deliver(ctx context.Context) (detail string, expanded bool, err error) {
	if deliveredTo(t.message.NewReader(), t.to) {
		return "", false, mail.NewReply(554, mail.EnhancedCode{5, 4, 6}, "mail forwarding loop for "+rewrite.Unquote(t.to))
	}
	p, err := t.a.plan(ctx, t.from, t.to)
	if err != nil {
		return "", false, err
	}
	var did []string
	for _, step := range []func(context.Context, *plan) (string, error){t.commands, t.files, t.mailboxes, t.elsewhere, t.forward} {
		d, err := step(ctx, p)
		if err != nil {
			return "", false, err
		}
		if d != "" {
			did = append(did, d)
		}
	}
	return strings.Join(did, ", "), len(p.forwards) > 0 && p.aliased, nil
}

// mailboxes files the message, or hands it to what stands in a mailbox's place.
func (t *agentTransaction) mailboxes(ctx context.Context, p *plan) (detail string, err error) {
	s := &t.a.Settings
	for i := range p.mailboxes {
		m := &p.mailboxes[i]
		user := t.a.user(m.address)
		via, err := t.a.via(ctx, s.MailboxTransports, s.MailboxTransport, user)
		if err != nil {
			return "", err
		}
		if via != nil {
			if detail, err = t.through(ctx, via, m.address); err != nil {
				return "", err
			}
			detail = or(detail, "delivered by mailbox_transport")
			continue
		}
		command, found, err := find(ctx, s.MailboxCommands, user)
		if err != nil {
			return "", err
		}
		if !found {
			command = s.MailboxCommand
		}
		if command != "" {
			if err := t.run(ctx, destination{text: command, address: m.address, account: m.account}); err != nil {
				return "", err
			}
			detail = "delivered to command: " + command
			continue
		}
		tx := t.a.Mailboxes.Start(t.from)
		tx.Add(m.address, policy.Target{Address: m.address, Class: policy.Local, Account: m.account})
		tx.BodyFrom(t.message)
		results, err := tx.Commit(ctx)
		if err != nil {
			return "", err
		}
		if !results[0].Reply.OK() {
			return "", results[0].Reply
		}
		detail = "delivered to maildir"
	}
	return detail, nil
}

// elsewhere hands the message for somebody who isn't a user to fallback_transport.
func (t *agentTransaction) elsewhere(ctx context.Context, p *plan) (detail string, err error) {
	for _, f := range p.fallback {
		if detail, err = t.through(ctx, f.via, f.address); err != nil {
			return "", err
		}
		detail = or(detail, "delivered by fallback_transport")
	}
	return detail, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// through sends the message for one recipient by another transport, and returns what that says of it.
func (t *agentTransaction) through(ctx context.Context, via mail.Deliverer, to string) (detail string, err error) {
	opts := t.opts
	tx, err := via.Begin(ctx, t.from, &opts)
	if err != nil {
		return "", err
	}
	defer tx.Abort()
	if err := tx.Recipient(ctx, to, &t.rcpt); err != nil {
		return "", err
	}
	if err := tx.Body(ctx, t.message.NewReader()); err != nil {
		return "", err
	}
	results, err := tx.Commit(ctx)
	if err == nil && !mail.Combine(results).OK() {
		err = mail.Combine(results)
	}
	if err != nil || len(results) == 0 {
		return "", err
	}
	return results[0].Detail, nil
}

// forward queues the message for the addresses that there are, once for each sender: the owner of a list gets what its members bounce.
func (t *agentTransaction) forward(ctx context.Context, p *plan) (string, error) {
	var ids []string
	for len(p.forwards) > 0 {
		sender := p.forwards[0].sender
		var rest []forward
		opts := t.opts
		tx, err := t.a.Queue().Begin(ctx, sender, &opts)
		if err != nil {
			return "", err
		}
		for _, f := range p.forwards {
			if f.sender != sender {
				rest = append(rest, f)
				continue
			}
			rcpt := t.rcpt
			rcpt.Notify &^= mail.NotifySuccess
			if rcpt.OriginalRecipient == "" {
				rcpt.OriginalRecipient = "rfc822;" + t.to
			}
			if err := tx.Recipient(ctx, f.to, &rcpt); err != nil {
				_ = tx.Abort()
				return "", err
			}
		}
		var head io.Reader = strings.NewReader("")
		if t.a.prepends("forward") {
			head = strings.NewReader("Delivered-To: " + oneLine(strings.ToLower(t.to)) + "\r\n")
		}
		if err := tx.Body(ctx, io.MultiReader(head, t.message.NewReader())); err != nil {
			_ = tx.Abort()
			return "", err
		}
		results, err := tx.Commit(ctx)
		if err != nil {
			return "", err
		}
		ids = append(ids, results[0].ID)
		p.forwards = rest
	}
	if ids == nil {
		return "", nil
	}
	p.forwards = make([]forward, len(ids)) // there were some
	return "forwarded as " + strings.Join(ids, ", "), nil
}

func (a *Agent) prepends(where string) bool {
	for _, w := range a.Settings.Delivered {
		if w == where {
			return true
		}
	}
	return false
}

// deliveredTo reports whether a message says that it has been delivered to an address already.
func deliveredTo(message io.Reader, address string) bool {
	r := bufio.NewReader(message)
	for range 10_000 {
		line, err := r.ReadSlice('\n')
		if name, value, ok := bytes.Cut(line, []byte{':'}); ok && bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte("Delivered-To")) &&
			strings.EqualFold(string(bytes.TrimSpace(value)), address) {
			return true
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil || len(bytes.TrimRight(line, "\r\n")) == 0 {
			return false
		}
	}
	return false
}
