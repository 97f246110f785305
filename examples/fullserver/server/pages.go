package server

import (
	"net/http"

	"github.com/buuta/mail/examples/fullserver/acmecert"
	"github.com/buuta/mail/smtp/mx"
)

// pages is what http_listen and https_listen serve.
func (s *Server) pages() http.Handler {
	mux := http.NewServeMux()
	s.health(mux)
	if s.acme != nil {
		mux.Handle("GET "+acmecert.WellKnown, s.acme)
	}
	if s.stsPolicy != nil {
		mux.Handle(mx.STSPath, mx.STSHandler(s.policyOf))
	}
	return s.programs(mux)
}
