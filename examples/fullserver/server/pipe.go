package server

import (
	"errors"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/buuta/mail/queue"
)

// openPipe makes a transport of master.cf deliver to a command, as pipe(8) does.
func (s *Server) openPipe(svc *mastercf.Service, c *config.Config, t *queue.Transport) error {
	p, final, err := svc.Pipe()
	if err != nil {
		return s.cfg.ServiceError(svc, "", err)
	}
	p.Delimiters, p.Timeout = c.Settings.Addresses.RecipientDelimiter, s.set.Transport(svc.Name).TimeLimit
	if p.MaxSize == 0 {
		p.MaxSize = c.Settings.MessageSizeLimit
	}
	if (p.DeliveredTo || p.OriginalTo) && t.RecipientLimit != 1 {
		if name := svc.Name + "_destination_recipient_limit"; c.Given(name) {
			return s.cfg.ErrorFor(name, errors.New("must be 1 for a pipe with flag D or O"))
		}
		t.RecipientLimit = 1
	}
	t.Deliverer, t.Final = p.To, final
	return nil
}
