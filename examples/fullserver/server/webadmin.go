package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/examples/fullserver/logdigest"
	"github.com/buuta/mail/examples/fullserver/logins"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/examples/fullserver/webadmin"
	"github.com/buuta/mail/smtp/rewrite"
)

// wantsWebadmin reports whether main.cf asks for the administration in the browser.
func (s *Server) wantsWebadmin() bool {
	return s.set.WebadminEnable || len(s.set.WebadminListen)+len(s.set.WebadminsListen) > 0
}

// openLogins makes the history of log-ins, if somebody is to see it.
func (s *Server) openLogins() error {
	if !s.wantsWebadmin() {
		return nil
	}
	s.logins = &logins.History{Guard: s.guard, File: filepath.Join(s.set.DataDirectory, "logins"), Now: s.opts.Now}
	if err := s.logins.Load(); err != nil {
		s.log.Print("fullserver/webadmin", "warning: log-ins of before are lost: ", err.Error())
	}
	return nil
}

// admission is what every log-in passes.
func (s *Server) admission() mail.AuthGuard {
	if s.logins != nil {
		return s.logins
	}
	return s.guard
}

// secondFactor is one for all pages, so that a code is good once; nil without.
func (s *Server) secondFactor() *accounts.SecondFactor {
	if s.second == nil && s.set.Accounts.SecondFactor {
		s.second = &accounts.SecondFactor{Users: s.users, Recovery: s.set.Accounts.RecoveryCodes, Keys: s.totpKeys, Codes: totp.NewVerifier()}
	}
	return s.second
}

// webServer serves pages.
func (s *Server) webServer(pages http.Handler) *http.Server {
	return &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Logger("fullserver/webmail", slog.LevelWarn).Handler(), slog.LevelDebug), TLSConfig: s.webTLS()}
}

// besideWebadmin puts the administration at /admin of the webmail's addresses.
func (s *Server) besideWebadmin(webmail http.Handler) http.Handler {
	if s.webadmin == nil || !s.set.WebadminEnable {
		return webmail
	}
	mux := http.NewServeMux()
	mux.Handle("/admin", s.webadmin)
	mux.Handle("/admin/", s.webadmin)
	mux.Handle("/", webmail)
	return mux
}

// openWebadmin makes the pages.
func (s *Server) openWebadmin() error {
	if !s.wantsWebadmin() {
		return nil
	}
	if s.set.DomainAdminMaps == "" {
		return s.cfg.ErrorFor("domain_admin_maps", errors.New("is empty, so that nobody could sign in to the administration: write lines like \"an@example.org ALL\" into a file, and name it as hash:/etc/fullserver/admins"))
	}
	site := &admin.Site{Quotas: s.quotas, Class: func(ctx context.Context, domain string) (rewrite.Class, error) {
		t, err := s.policy.Now().Kind(ctx, "postmaster@"+domain)
		return t.Kind, err
	}, Log: s.audit}
	site.SetFiles(s.set)
	o := s.tableOptions()
	o.Limits.Check = -1 // whoever is taken off the list is out at once
	var err error
	if site.Admins, err = lookup.OpenList(context.Background(), s.set.DomainAdminMaps, o); err != nil {
		return s.cfg.ErrorFor("domain_admin_maps", err)
	}
	s.onClose(func() { _ = site.Admins.Close() })
	c := webadmin.Config{
		Admin: site, Queue: s.queue, Auth: s.users.Authenticator("plain"), Guard: s.admission(), Throttle: s.guard, Logins: s.logins, Usage: s.usage,
		LogFile: s.set.MaillogFile, DNS: func(domains []string) (*dnsplan.Site, error) { return DNSSite(s.cfg, domains) }, Resolver: net.DefaultResolver,
		TLS: s.tlsState, Disks: []string{s.set.QueueDirectory, s.set.DataDirectory}, Limits: s.limitsInForce(), BehindTLS: s.set.WebmailProxy,
		Log: s.log.Logger("fullserver/webadmin", slog.LevelInfo), Now: s.opts.Now,
	}
	if f := s.secondFactor(); f != nil {
		c.Second = f
	}
	if c.LogFile != "" {
		c.Digest = &logdigest.Digest{File: c.LogFile, Now: s.opts.Now}
	}
	if s.opts.DNS != nil {
		c.Resolver = s.opts.DNS
	}
	s.webadmin, err = webadmin.New(c)
	return err
}

// audit writes into the log what administrators have wanted.
func (s *Server) audit(who, what string, err error) {
	if err != nil {
		s.log.Print("fullserver/admin", who, ": refused: ", what, ": ", err.Error())
		return
	}
	s.log.Print("fullserver/admin", who, ": ", what)
}

// tlsState is what there is of certificates.
func (s *Server) tlsState() webadmin.TLSState {
	out := webadmin.TLSState{STSDomains: s.set.STS.Domains, STSMode: s.set.STS.Mode, ReportTo: s.set.STS.ReportTo}
	got := map[string]bool{} // files of ACME
	if s.acme != nil {
		for _, name := range s.acme.Names() {
			got[s.acme.File(name)] = true
			c := webadmin.Certificate{Names: []string{name}, From: s.acme.File(name), ACME: true}
			if leaf := s.acme.Certificate(name); leaf != nil {
				c.Names, c.Issuer, c.Ends = tlscert.Names(leaf), leaf.Issuer.String(), leaf.NotAfter
			}
			if f := s.acme.Failure(name); f != nil {
				c.Failure, c.FailedAt, c.NextTry = f.Reason, f.At, f.Again
			}
			out.Certificates = append(out.Certificates, c)
		}
	}
	for _, v := range s.shown() {
		if v.Leaf == nil || got[v.From] {
			continue
		}
		out.Certificates = append(out.Certificates, webadmin.Certificate{Names: tlscert.Names(v.Leaf), From: v.From, Issuer: v.Leaf.Issuer.String(), Ends: v.Leaf.NotAfter,
			SelfMade: v.Leaf.CheckSignatureFrom(v.Leaf) == nil || v.Leaf.Issuer.String() == v.Leaf.Subject.String()})
	}
	return out
}

// limitsInForce are the parameters that bound what users and strangers can do.
func (s *Server) limitsInForce() (out []webadmin.Limit) {
	for _, p := range config.Groups() {
		limit := p.Group == "Limits" || p.Group == "How much a client may do" || strings.HasSuffix(p.Name, "_limit") || slices.Contains([]string{"quota_rule", "domain_quota_rule", "maximal_queue_lifetime", "bounce_queue_lifetime"}, p.Name)
		if !limit || p.Inert != "" || p.Refuse != "" {
			continue
		}
		v, _ := s.cfg.Value(p.Name)
		out = append(out, webadmin.Limit{Name: p.Name, Value: v, Help: p.Help})
	}
	return out
}
