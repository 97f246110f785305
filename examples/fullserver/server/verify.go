package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/verify"
)

// prober asks a next hop about an address.
type prober func(ctx context.Context, nexthop, from, to string) mail.Result

// openVerifier makes what asks other servers about addresses.
func (s *Server) openVerifier() error {
	c := &s.set.Verify
	file := c.Map
	if typ, path, ok := strings.Cut(c.Map, ":"); ok {
		if file = path; typ == "proxy" {
			_, file, _ = strings.Cut(path, ":")
		}
	}
	if c.Map != "" && file == "" {
		return s.cfg.ErrorFor("address_verify_map", errors.New("is not of the form type:file"))
	}
	s.verifier = &verify.Verifier{
		Probe: s.probe, File: file, Wait: time.Duration(c.PollCount) * c.PollDelay, ForgetNegative: !c.Negative, MaxPending: int(c.Pending),
		PositiveExpire: c.PositiveExpire, PositiveRefresh: c.PositiveRefresh, NegativeExpire: c.NegativeExpire, NegativeRefresh: c.NegativeRefresh, Now: s.opts.Now,
	}
	s.onClose(func() {
		if err := s.verifier.Close(); err != nil {
			s.log.Print("postfix/verify", "warning: address_verify_map: ", err.Error())
		}
	})
	return nil
}

// verify is the policy's question.
func (s *Server) verify(ctx context.Context, address string) verify.Answer {
	return s.verifier.Verify(ctx, address)
}

// probeSender is address_verify_sender.
func (s *Server) probeSender(ctx context.Context) string {
	from := s.set.Verify.Sender
	if from == "" || from == "<>" {
		return ""
	}
	return s.policy.Now().Rules.Complete(from)
}

// probe asks where mail for an address would go. One that stands for several takes mail if one of them does.
func (s *Server) probe(ctx context.Context, address string) mail.Result {
	from := s.probeSender(ctx)
	targets, err := s.policy.Now().Probes(ctx, from, address)
	if err != nil {
		return mail.Result{Recipient: address, Reply: mail.ReplyOf(err), Detail: mail.ReplyOf(err).Text}
	}
	var r mail.Result
	for _, t := range targets {
		if t.Account != "" {
			r = deliverable("delivers to mailbox")
		} else if p := s.probers[string(t.Class)]; p != nil {
			r = p(ctx, t.Nexthop, from, t.Address)
		} else {
			r = deliverable("delivers by transport " + string(t.Class))
		}
		if r.Reply != nil && r.Reply.OK() {
			break
		}
	}
	if r.Reply != nil {
		status := map[int]string{2: "deliverable", 5: "undeliverable"}[r.Reply.Code/100]
		if status == "" {
			status = "deferred"
		}
		relay := r.Relay
		if relay == "" {
			relay = "none"
		}
		s.log.Print("postfix/verify", "to=<"+address+">, relay="+relay+", dsn="+r.Reply.Enhanced.String()+", status="+status+" ("+r.Detail+")")
	}
	return r
}

func deliverable(text string) mail.Result {
	return mail.Result{Reply: mail.NewReply(250, mail.EnhancedCode{2, 1, 5}, text), Detail: text}
}

// asking asks servers.
func asking(t *mx.Transport) prober {
	return func(ctx context.Context, nexthop, from, to string) mail.Result {
		results, err := t.Probe(ctx, nexthop, from, to)
		if err != nil {
			return mail.Result{Recipient: to, Reply: mail.ReplyOf(err), Detail: mail.ReplyOf(err).Text}
		}
		return results[0]
	}
}

func (s *Server) askingLMTP(t *mx.Transport) prober {
	ask := asking(t)
	return func(ctx context.Context, nexthop, from, to string) mail.Result {
		return ask(ctx, s.lmtpHop(nexthop), from, to)
	}
}

// refusedBy is the prober of the error transport.
func refusedBy(deliverer func(string) mail.Deliverer) prober {
	return func(ctx context.Context, nexthop, from, to string) mail.Result {
		var err error
		if tx, berr := deliverer(nexthop).Begin(ctx, from, &mail.MailOptions{}); berr != nil {
			err = berr
		} else {
			err = tx.Recipient(ctx, to, &mail.RcptOptions{})
			_ = tx.Abort()
		}
		return mail.Result{Recipient: to, Reply: mail.ReplyOf(err), Detail: mail.ReplyOf(err).Text}
	}
}
