package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/queue"
)

// openAgent makes what delivers to addresses of this machine: aliases, .forward, mailboxes.
func (s *Server) openAgent(ways map[string]*queue.Transport) error {
	c := &s.set.Local
	mailboxes, err := s.through(ways, "mailbox_transport", c.MailboxTransport)
	if err != nil {
		return err
	}
	fallback, err := s.through(ways, "fallback_transport", c.FallbackTransport)
	if err != nil {
		return err
	}
	if c.HomeMailbox != "" && !strings.HasSuffix(c.HomeMailbox, "/") {
		return s.cfg.ErrorFor("home_mailbox", fmt.Errorf("mailboxes are Maildirs here: write %s/ for one, and move what is in the old ones", c.HomeMailbox))
	}
	if program := filepath.Base(strings.Fields(c.MailboxCommand + " :")[0]); program == "dovecot-lda" || program == "deliver" {
		return s.cfg.ErrorFor("mailbox_command", fmt.Errorf("%s delivers to Dovecot's mailboxes, which are this server's own by now: take the line out", program))
	}
	var tables [3]local.Table
	for i, t := range []struct{ param, list string }{
		{"mailbox_transport_maps", c.MailboxTransportMaps}, {"mailbox_command_maps", c.MailboxCommandMaps}, {"fallback_transport_maps", c.FallbackTransportMaps},
	} {
		if t.list == "" {
			continue
		}
		l, err := lookup.OpenList(context.Background(), t.list, s.tableOptions())
		if err != nil {
			return s.cfg.ErrorFor(t.param, err)
		}
		s.onClose(func() { _ = l.Close() })
		tables[i] = l
	}
	s.agent = &local.Agent{
		Mailboxes: s.local, Policy: s.policy, Queue: func() mail.Deliverer { return s.queue }, Spooler: s.spooler,
		Settings: local.Settings{
			ExpandOwner: c.ExpandOwner, ResetOwner: c.ResetOwner, Commands: kinds(c.AllowCommands), Files: kinds(c.AllowFiles),
			ForwardPath: c.ForwardPath, Delimiter: s.set.Addresses.RecipientDelimiter, LuserRelay: c.LuserRelay,
			MailboxTransport: mailboxes, FallbackTransport: fallback, MailboxCommand: c.MailboxCommand,
			MailboxTransports: tables[0], MailboxCommands: tables[1], FallbackTransports: tables[2],
			Transport:   func(name string) (mail.Deliverer, error) { return s.through(ways, "mailbox_transport_maps", name) },
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
func (s *Server) through(ways map[string]*queue.Transport, param, spec string) (mail.Deliverer, error) {
	if spec == "" {
		return nil, nil
	}
	transport, hop, _ := strings.Cut(spec, ":")
	t := ways[transport]
	switch {
	case t == nil:
		return nil, s.cfg.ErrorFor(param, fmt.Errorf("there is no transport %q; write lmtp:unix:PATH, smtp:[HOST]:PORT, or name one of master.cf's", transport))
	case transport == "local" || transport == "virtual":
		return nil, s.cfg.ErrorFor(param, errors.New("names what asks for it: leave it empty"))
	}
	if hop == "" { // what a local recipient's next hop is
		hop = s.set.MyHostname
	}
	return t.Deliverer(hop), nil
}
