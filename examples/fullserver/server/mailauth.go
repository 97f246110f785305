package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mx/dnssec"
)

// openMailAuth makes what checks mail from outside, and reads the keys that sign ours.
func (s *Server) openMailAuth() error {
	if s.set.DKIMKeyTable != "" {
		keys, err := mailcheck.OpenKeys(s.set.DKIMKeyTable)
		if err != nil {
			return s.cfg.ErrorFor("dkim_key_table", err)
		}
		s.keys = keys
	}
	for _, step := range []func() error{s.openTLSReports, s.openSeal} {
		if err := step(); err != nil {
			return err
		}
	}
	if !s.set.MailAuthCheck {
		return nil
	}
	resolver := s.opts.Auth
	if resolver == nil {
		r, err := resolverAt(s.set.MailAuthServers)
		if err != nil {
			return s.cfg.ErrorFor("mail_auth_servers", err)
		}
		resolver = r
	}
	s.check = &mailcheck.Checker{
		Verifier: &mailauth.Verifier{Resolver: resolver, Hostname: s.set.MyHostname, Now: s.opts.Now},
		ServID:   s.set.MyHostname,
		Junk:     s.set.MailAuthFailed != "deliver",
		Refuse:   s.set.MailAuthFailed == "reject",
		Sealers:  s.set.ARCTrustedDomains,
	}
	if s.set.DMARCReportFrom != "" {
		if at := strings.LastIndexByte(s.set.DMARCReportFrom, '@'); at < 1 || at == len(s.set.DMARCReportFrom)-1 {
			return s.cfg.ErrorFor("dmarc_report_from", errors.New("is no address"))
		}
		s.check.Reports = &report.Collector{Organization: s.set.MyHostname, Email: s.set.DMARCReportFrom, Now: s.opts.Now}
		s.reporter = &mailcheck.Reporter{
			Collector: s.check.Reports, DMARC: &dmarc.Checker{Resolver: resolver}, Keys: s.keys, From: s.set.DMARCReportFrom,
			Receiver: s.set.MyHostname, Now: s.opts.Now, Log: func(text string) { s.log.Print("postfix/cleanup", text) },
		}
	}
	return nil
}

// startReports sends each day's reports until the function that it returns is called, which sends what was counted since midnight:
// nobody would know of it after a restart.
func (s *Server) startReports() (stop func()) {
	endTLS := s.startTLSReports()
	if s.reporter == nil {
		return endTLS
	}
	endDMARC := s.startDMARCReports()
	return func() {
		endTLS()
		endDMARC()
	}
}

func (s *Server) startDMARCReports() (stop func()) {
	if s.reporter == nil {
		return func() {}
	}
	s.reporter.Queue = s.queue
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.reporter.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
		last, cancel := context.WithTimeout(context.Background(), patience/2)
		defer cancel()
		s.reporter.Send(last, s.check.Reports.TakeAll())
	}
}

// resolverAt is a resolver that asks these servers, or those of resolv.conf where there are none. It is not net.Resolver, which
// doesn't ask for all names that SPF's macros make, nor tell whether a name exists.
func resolverAt(servers []string) (*dnssec.Resolver, error) {
	for _, a := range servers {
		_, err := netip.ParseAddr(a)
		if _, err2 := netip.ParseAddrPort(a); err != nil && err2 != nil {
			return nil, fmt.Errorf("%q is no address, nor an address and a port", a)
		}
	}
	if len(servers) == 0 {
		servers = nil
	}
	return &dnssec.Resolver{Servers: servers}, nil
}
