package server

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"

	"github.com/buuta/mail/examples/fullserver/tlsreports"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
)

// openTLSReports makes what counts how TLS with other servers goes, for tls_report_from.
func (s *Server) openTLSReports() error {
	from := s.set.STS.ReportFrom
	if from == "" {
		return nil
	}
	if at := strings.LastIndexByte(from, '@'); at < 1 || at == len(from)-1 || strings.ContainsAny(from, " <>\t") {
		return s.cfg.ErrorFor("tls_report_from", errors.New("is no address"))
	}
	r := &tlsreports.Reporter{
		Collector: &tlsrpt.Collector{Organization: s.set.MyHostname, Contact: from, Now: s.opts.Now}, Resolver: s.opts.Resolver, Keys: s.keys, From: from,
		File: filepath.Join(s.set.DataDirectory, "tls-report-counts"), Now: s.opts.Now, Log: func(text string) { s.log.Print("postfix/smtp", text) },
	}
	if r.Resolver == nil {
		r.Resolver = net.DefaultResolver
	}
	if err := r.Load(); err != nil {
		s.log.Print("postfix/smtp", "warning: what was counted for TLS reports is lost: ", err.Error())
	}
	s.tlsReporter = r
	return nil
}

// startTLSReports sends each day's reports until the function that it returns is called.
func (s *Server) startTLSReports() (stop func()) {
	r := s.tlsReporter
	if r == nil {
		return func() {}
	}
	r.Queue = s.queue
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// saveTLSReports writes down what was counted, once nothing is delivered any more.
func (s *Server) saveTLSReports() {
	if s.tlsReporter == nil {
		return
	}
	if err := s.tlsReporter.Save(); err != nil {
		s.log.Print("postfix/smtp", "warning: what was counted for TLS reports is lost: ", err.Error())
	}
}
