package server

import (
	"errors"
	"fmt"
	"slices"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/smtp/mx"
)

// STSPolicy is what mta_sts_mode and the parameters around it say.
func STSPolicy(s *config.Settings) (*mx.STSPolicy, error) {
	p := &mx.STSPolicy{Mode: mx.STSMode(s.STS.Mode), MX: s.STS.MX, MaxAge: s.STS.MaxAge}
	if p.Mode != mx.STSNone && len(p.MX) == 0 {
		return nil, errors.New("there is no mail server in mta_sts_mx")
	}
	again, err := mx.ParseSTSPolicy(p.String()) // names as senders read them
	if err != nil {
		return nil, fmt.Errorf("mta_sts_mx: %w", err)
	}
	p.MX = again.MX
	return p, nil
}

// openSTS looks at the policy that is served.
func (s *Server) openSTS() error {
	if len(s.set.STS.Domains) == 0 {
		return nil
	}
	if len(s.set.HTTPSListen)+len(s.set.HTTPListen) == 0 {
		return s.cfg.ErrorFor("mta_sts_domains", errors.New("needs https_listen, or http_listen behind a proxy that speaks HTTPS"))
	}
	var err error
	if s.stsPolicy, err = STSPolicy(s.set); err != nil {
		return s.cfg.ErrorFor("mta_sts_mx", err)
	}
	return nil
}

// policyOf is a domain's policy, nil for a domain of others.
func (s *Server) policyOf(domain string) *mx.STSPolicy {
	if !slices.Contains(s.set.STS.Domains, domain) {
		return nil
	}
	return s.stsPolicy
}
