package server

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/seal"
)

// openSeal opens seal_sign_maps and seal_encrypt_maps.
func (s *Server) openSeal() error {
	g := &seal.Gateway{Keys: &seal.Keys{}, Size: s.set.SealSize, Now: s.now, Log: func(text string) { s.log.Print("postfix/smtp", text) }}
	if s.keys != nil {
		g.DKIM = s.keys.Sign
	}
	for _, t := range []struct {
		param, list string
		into        *seal.Table
	}{{"seal_sign_maps", s.set.SealSignMaps, &g.Sign}, {"seal_encrypt_maps", s.set.SealEncryptMaps, &g.Encrypt}} {
		if t.list == "" {
			continue
		}
		l, err := lookup.OpenList(context.Background(), t.list, s.tableOptions())
		if err != nil {
			return s.cfg.ErrorFor(t.param, err)
		}
		*t.into = l
		s.onClose(func() { _ = l.Close() })
		s.gateway = g
	}
	return nil
}

// sealed signs and encrypts what goes to next.
func (s *Server) sealed(next mail.Deliverer) mail.Deliverer {
	if s.gateway == nil {
		return next
	}
	g := *s.gateway
	g.Next = next
	return &g
}
