package restrict

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
)

// verdict is what a restriction decides.
type verdict int

const (
	dunno verdict = iota
	permit
	reject
)

// Visit is one client's visit, for one goroutine. Its methods are called in the order of the commands; what they return is the reply to one
// that is refused, nil for one that isn't.
type Visit struct {
	k        *Checker
	Client   Client
	Helo     string
	Sender   string
	Message  Message  // what is to be done with the present message
	Accepted []string // the recipients, from Data on
	Size     int64

	recipient string
	instance  string // what policy servers know the message by
	// What connection, HELO and MAIL leave for later with smtpd_delay_reject = no.
	deferred [3]*mail.Reply
}

// Visit begins a visit.
func (k *Checker) Visit(c Client) *Visit { return &Visit{k: k, Client: c} }

// stage is one list being asked.
type stage struct {
	*Visit
	ctx  context.Context
	name string // "CONNECT", "RCPT", …, for policy servers and the log
	what string // the subject of the list's replies: a name, an address
	kind string // and how it is called in them

	reply    *mail.Reply // of reject
	ifPermit *mail.Reply // defer_if_permit
	ifReject *mail.Reply // defer_if_reject
	warn     bool        // warn_if_reject is in force
}

// How subjects are called in replies.
const (
	kindClient    = "Client host"
	kindReverse   = "Unverified Client host"
	kindHelo      = "Helo command"
	kindSender    = "Sender address"
	kindRecipient = "Recipient address"
	kindData      = "Data command"
	kindEndOfData = "End-of-data"
	kindEtrn      = "Etrn command"
	kindSASL      = "SASL login name"
	kindCert      = "Client certificate"
)

// clientName is the client as replies show it.
func (v *Visit) clientName() string {
	if !v.Client.Addr.IsValid() {
		return "localhost[local]"
	}
	name := v.Client.Name
	if name == "" {
		name = "unknown"
	}
	return name + "[" + v.Client.Addr.String() + "]"
}

// Connect is asked when a client has come.
func (v *Visit) Connect(ctx context.Context) *mail.Reply {
	if !v.k.Immediate {
		return nil
	}
	return v.now(ctx, 0, "CONNECT", v.k.client, v.clientName(), kindClient)
}

// Hello is asked after HELO or EHLO.
func (v *Visit) Hello(ctx context.Context, name string) *mail.Reply {
	v.Helo = name
	if !v.k.Immediate {
		return nil
	}
	return v.now(ctx, 1, "HELO", v.k.helo, name, kindHelo)
}

// Mail is asked after MAIL, with the address as it was said.
func (v *Visit) Mail(ctx context.Context, sender string) *mail.Reply {
	v.Sender, v.recipient, v.Accepted, v.Message, v.instance = sender, "", nil, Message{}, ""
	if !v.k.Immediate {
		return nil
	}
	if r := v.now(ctx, 2, "MAIL", v.k.sender, sender, kindSender); r != nil {
		return r
	}
	return v.unlistedSender(ctx)
}

func (v *Visit) unlistedSender(ctx context.Context) *mail.Reply {
	if !v.k.ListedSenders {
		return nil
	}
	return v.soften(v.k.Addresses.UnlistedSender(ctx, v.Sender))
}

// now asks a list at its own command.
func (v *Visit) now(ctx context.Context, at int, name string, rules []rule, what, kind string) *mail.Reply {
	s := &stage{Visit: v, ctx: ctx, name: name, what: what, kind: kind}
	r := s.list(rules)
	if r == nil {
		v.deferred[at] = s.ifPermit
	}
	return r
}

// Recipient is asked after RCPT, with the address as it was said.
func (v *Visit) Recipient(ctx context.Context, recipient string) *mail.Reply {
	v.recipient = recipient
	if strings.EqualFold(recipient, "postmaster") || v.Message.Discard != "" { // RFC 5321 section 4.5.1; and what is thrown away may have any recipients
		return nil
	}
	type asked struct {
		rules      []rule
		what, kind string
	}
	lists := []asked{{v.k.relay, recipient, kindRecipient}, {v.k.recipient, recipient, kindRecipient}}
	if v.k.RelayLast {
		lists[0], lists[1] = lists[1], lists[0]
	}
	var later *mail.Reply
	if v.k.Immediate {
		for _, r := range v.deferred {
			if later == nil {
				later = r
			}
		}
	} else {
		lists = append([]asked{{v.k.client, v.clientName(), kindClient}, {v.k.helo, v.Helo, kindHelo}, {v.k.sender, v.Sender, kindSender}}, lists...)
	}
	for _, l := range lists {
		if l.kind == kindHelo && v.Helo == "" {
			continue
		}
		s := &stage{Visit: v, ctx: ctx, name: "RCPT", what: l.what, kind: l.kind}
		if r := s.list(l.rules); r != nil {
			return r
		}
		if later == nil {
			later = s.ifPermit
		}
		if l.kind == kindSender && !v.k.Immediate {
			if r := v.unlistedSender(ctx); r != nil {
				return r
			}
		}
	}
	if later != nil {
		return later
	}
	if !v.k.AnyRecipient {
		if r := v.k.Addresses.Unlisted(ctx, v.Sender, recipient); r != nil {
			return v.soften(r)
		}
	}
	return nil
}

// Data is asked after DATA, and after BDAT, with the recipients that were accepted in the end.
func (v *Visit) Data(ctx context.Context, recipients []string) *mail.Reply {
	v.Accepted = recipients
	return v.whole(ctx, "DATA", v.k.data, "DATA", kindData)
}

// EndOfData is asked when the message is there.
func (v *Visit) EndOfData(ctx context.Context, size int64) *mail.Reply {
	v.Size = size
	return v.whole(ctx, "END-OF-MESSAGE", v.k.endOfData, "END-OF-MESSAGE", kindEndOfData)
}

// Etrn is asked after ETRN.
func (v *Visit) Etrn(ctx context.Context, domain string) *mail.Reply {
	if !v.k.Immediate {
		for _, l := range []struct {
			rules      []rule
			what, kind string
		}{{v.k.client, v.clientName(), kindClient}, {v.k.helo, v.Helo, kindHelo}} {
			if r := v.whole(ctx, "ETRN", l.rules, l.what, l.kind); r != nil {
				return r
			}
		}
	}
	return v.whole(ctx, "ETRN", v.k.etrn, domain, kindEtrn)
}

func (v *Visit) whole(ctx context.Context, name string, rules []rule, what, kind string) *mail.Reply {
	s := &stage{Visit: v, ctx: ctx, name: name, what: what, kind: kind}
	if r := s.list(rules); r != nil {
		return r
	}
	return s.ifPermit
}

// line is a reply as the log has it.
func line(r *mail.Reply) string {
	return fmt.Sprintf("%d %d.%d.%d %s", r.Code, r.Enhanced[0], r.Enhanced[1], r.Enhanced[2], r.Text)
}

func (v *Visit) soften(r *mail.Reply) *mail.Reply {
	if r != nil && v.k.SoftBounce && r.Code/100 == 5 {
		r = mail.NewReply(r.Code-100, mail.EnhancedCode{4, r.Enhanced[1], r.Enhanced[2]}, r.Text)
	}
	return r
}

// list asks a list and returns the reply of a refusal.
func (s *stage) list(rules []rule) *mail.Reply {
	if s.rules(rules, 0) != reject {
		return nil
	}
	if s.ifReject != nil && s.reply.Code/100 == 5 {
		return s.ifReject
	}
	return s.reply
}

// maxDepth bounds tables whose answers are restrictions.
const maxDepth = 100

func (s *stage) rules(rules []rule, depth int) verdict {
	if depth > maxDepth {
		return s.broken("restrictions lead to restrictions without end")
	}
	for i := range rules {
		was := s.warn
		s.warn = s.warn || rules[i].warn
		v := s.rule(&rules[i], depth)
		if v == reject && s.warn {
			s.log("reject_warning: " + line(s.reply))
			v = dunno
		}
		s.warn = was
		if v != dunno {
			return v
		}
	}
	return dunno
}

func (s *stage) log(text string) {
	if s.k.Log != nil {
		s.k.Log(s.Visit, text)
	}
}

// refuse rejects, in words about a subject.
func (s *stage) refuse(code int, dsn mail.EnhancedCode, what, kind, text string) verdict {
	if kind == kindSender || kind == kindRecipient {
		what = rewrite.Unquote(what) // as Postfix shows it
	}
	return s.refuseWith(code, dsn, "<"+what+">: "+kind+" rejected: "+text)
}

func (s *stage) refuseWith(code int, dsn mail.EnhancedCode, text string) verdict {
	s.reply = s.k.reply(code, dsn, text)
	return reject
}

// broken rejects for now: the configuration, or what it leads to, gives no answer.
func (s *stage) broken(why string) verdict {
	s.log("warning: " + why)
	return s.refuse(451, mail.EnhancedCode{4, 3, 5}, s.what, s.kind, "Server configuration error")
}

// later is defer_if_permit.
func (s *stage) later(code int, dsn mail.EnhancedCode, what, kind, text string) verdict {
	if s.warn {
		s.log("reject_warning: " + line(s.k.reply(code, dsn, "<"+what+">: "+kind+" rejected: "+text)))
		return dunno
	}
	if s.ifPermit == nil {
		s.ifPermit = s.k.reply(code, dsn, "<"+what+">: "+kind+" rejected: "+text)
	}
	return dunno
}

var (
	policyDSN = mail.EnhancedCode{5, 7, 1}
	laterDSN  = mail.EnhancedCode{4, 7, 1}
)

// rule asks one restriction.
func (s *stage) rule(r *rule, depth int) verdict {
	switch r.name {
	case "permit":
		return permit
	case "reject":
		return s.refuse(code(s.k.Codes.Reject, 554), policyDSN, s.what, s.kind, "Access denied")
	case "defer":
		return s.refuse(code(s.k.Codes.Defer, 450), mail.EnhancedCode{4, 3, 2}, s.what, s.kind, "Try again later")
	case "defer_if_permit":
		return s.later(450, mail.EnhancedCode{4, 7, 0}, s.what, s.kind, "defer_if_permit requested")
	case "defer_if_reject":
		if s.ifReject == nil {
			s.ifReject = s.k.reply(450, mail.EnhancedCode{4, 7, 0}, "<"+s.what+">: "+s.kind+" rejected: defer_if_reject requested")
		}
		return dunno
	case "sleep":
		t := time.NewTimer(r.pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.ctx.Done():
		}
		return dunno
	case "reject_multi_recipient_bounce":
		return s.clientRule(r.name)
	case "check_policy_service":
		return s.policy(r.serve, depth)
	}
	switch {
	case r.class != nil || s.k.classes[r.name] != nil:
		return s.rules(r.class, depth+1)
	case r.table != nil:
		return s.access(r, depth)
	case r.zone.Name != "":
		return s.zones(r)
	case strings.Contains(r.name, "helo") || strings.Contains(r.name, "_hostname") && !strings.Contains(r.name, "client") || r.name == "permit_naked_ip_address":
		return s.helo(r.name)
	case strings.Contains(r.name, "sender") || r.name == "reject_unknown_address":
		return s.sender(r.name)
	case strings.Contains(r.name, "recipient_") || strings.HasSuffix(r.name, "_recipient") || strings.Contains(r.name, "destination") || r.name == "permit_mx_backup" || r.name == "check_relay_domains":
		return s.recipientRule(r.name)
	}
	return s.clientRule(r.name)
}

// Log is a line for the log as Postfix has it: what was said about whom.
func (v *Visit) Log(text string) string {
	if strings.HasPrefix(text, "warning: ") {
		return text
	}
	word, rest, _ := strings.Cut(text, ": ")
	return "NOQUEUE: " + word + ": RCPT from " + v.clientName() + ": " + rest + "; from=<" + v.Sender + "> to=<" + v.recipient + "> proto=" + v.Client.Protocol + " helo=<" + v.Helo + ">"
}
