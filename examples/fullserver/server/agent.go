package server

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/queue"
)

// openAgent makes what delivers to addresses of this machine: aliases, .forward, mailboxes.
func (s *Server) openAgent() error {
	c := &s.set.Local
	mailboxes, err := s.through("mailbox_transport", c.MailboxTransport)
	if err != nil {
		return err
	}
	fallback, err := s.through("fallback_transport", c.FallbackTransport)
	if err != nil {
		return err
	}
	s.agent = &local.Agent{
		Mailboxes: s.local, Policy: s.policy, Queue: func() mail.Deliverer { return s.queue }, Spooler: s.spooler,
		Settings: local.Settings{
			ExpandOwner: c.ExpandOwner, ResetOwner: c.ResetOwner, Commands: kinds(c.AllowCommands), Files: kinds(c.AllowFiles),
			ForwardPath: c.ForwardPath, Delimiter: s.set.Addresses.RecipientDelimiter, LuserRelay: c.LuserRelay,
			MailboxTransport: mailboxes, FallbackTransport: fallback,
			CommandTime: c.CommandTimeLimit, Shell: c.CommandShell, Privs: c.DefaultPrivs, Delivered: c.PrependDeliveredTo,
		},
	}
	return nil
}

func kinds(words []string) []local.Kind {
	var out []local.Kind
	for _, w := range words {
		out = append(out, local.Kind(w))
	}
	return out
}

// through is the deliverer of "transport:nexthop", nil for none.
func (s *Server) through(param, spec string) (mail.Deliverer, error) {
	if spec == "" {
		return nil, nil
	}
	transport, hop, _ := strings.Cut(spec, ":")
	switch transport {
	case "lmtp":
		return s.toLMTP(hop), nil
	case "smtp", "relay":
		return s.elsewhere(hop), nil
	case "discard":
		return queue.Discard(hop), nil
	case "error", "retry":
		return queue.Refuse(hop), nil
	}
	return nil, s.cfg.ErrorFor(param, errors.New("is not of the form lmtp:unix:PATH or smtp:[HOST]:PORT"))
}

// toLMTP delivers by LMTP: to "unix:PATH", "inet:HOST:PORT" or "HOST:PORT".
func (s *Server) toLMTP(nexthop string) mail.Deliverer {
	if path, ok := strings.CutPrefix(nexthop, "unix:"); ok && !filepath.IsAbs(path) { // as Postfix, whose programs run there
		nexthop = "unix:" + filepath.Join(s.set.QueueDirectory, path)
	}
	return s.lmtp.To(strings.TrimPrefix(nexthop, "inet:"))
}
