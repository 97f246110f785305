package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/tlscert"
)

// openTLS reads the certificates. One that nobody has chosen is made.
func (s *Server) openTLS() error {
	for _, step := range []func() error{s.openClientCerts, s.openSTS} {
		if err := step(); err != nil {
			return err
		}
	}
	t := &s.set.TLS
	if t.None() {
		return nil
	}
	if t.CertFile != "" && len(t.ChainFiles) == 0 && !s.cfg.Given("smtpd_tls_cert_file") {
		if err := s.makeDir("data_directory", s.set.DataDirectory); err != nil {
			return err
		}
		if err := tlscert.SelfSigned(t.CertFile, time.Now(), s.set.MyHostname, s.set.MyDomain, "localhost", "127.0.0.1", "::1"); err != nil {
			return s.cfg.ErrorFor("smtpd_tls_cert_file", err)
		}
	}
	if err := s.openACME(); err != nil {
		return err
	}
	var err error
	if t.SNIMaps != "" {
		if s.sni, err = lookup.OpenList(context.Background(), t.SNIMaps, s.tableOptions()); err != nil {
			return s.cfg.ErrorFor("tls_server_sni_maps", err)
		}
		s.onClose(func() { _ = s.sni.Close() })
	}
	if s.certs, err = s.openCerts(s.cfg); err != nil {
		return err
	}
	if s.sni == nil {
		return nil
	}
	for e, err := range namedCertificates(s.sni) {
		if err == nil {
			_, err = tlscert.Value(e.Value)
		}
		if err != nil {
			return s.cfg.ErrorFor("tls_server_sni_maps", fmt.Errorf("%s: %w", e.Key, err))
		}
	}
	return nil
}

// openCerts reads the certificates that a set of parameters names.
func (s *Server) openCerts(c *config.Config) (*tlscert.Source, error) {
	t := &c.Settings.TLS
	if given := c.Given("smtpd_tls_cert_file") || c.Given("smtpd_tls_key_file") || t.ECCertFile != ""; given && len(t.ChainFiles) > 0 {
		s.log.Print("postfix/smtpd", "warning: Both smtpd_tls_chain_files and one or more of the legacy smtpd_tls_cert_file, smtpd_tls_key_file, smtpd_tls_eccert_file or smtpd_tls_eckey_file are non-empty; the legacy parameters will be ignored")
	}
	files := filesOf(t)
	if c == s.cfg {
		files = s.mainFiles()
	}
	o := tlscert.Options{Files: files, Warn: func(err error) {
		s.log.Print("postfix/smtpd", "warning: certificates can't be read again, those before stay in use: ", err.Error())
	}}
	var tables names
	if s.sni != nil {
		tables = append(tables, s.sni)
	}
	if s.acme != nil {
		tables = append(tables, s.acme)
	}
	if tables != nil {
		o.Names = tables
	}
	src, err := tlscert.Open(o)
	if err != nil {
		return nil, c.ErrorFor(t.Param(), err)
	}
	return src, nil
}

func filesOf(t *config.TLS) tlscert.Files {
	f := tlscert.Files{Chains: t.ChainFiles}
	for _, p := range t.Pairs() {
		f.Pairs = append(f.Pairs, tlscert.Pair(p))
	}
	return f
}

// certsOf are the certificates of a service of master.cf: the server's, unless its parameters name others.
func (s *Server) certsOf(c *config.Config) (*tlscert.Source, error) {
	if fmt.Sprint(filesOf(&c.Settings.TLS)) == fmt.Sprint(filesOf(&s.set.TLS)) {
		return s.certs, nil
	}
	if c.Settings.TLS.None() {
		return nil, nil
	}
	return s.openCerts(c)
}

// sniOf is where a door looks for certificates of single names; nil: there are none.
func (s *Server) sniOf(d *door) *tlscert.Source {
	if s.sni == nil {
		return nil
	}
	return d.certs
}

// namedCertificates are the entries of tls_server_sni_maps, of those tables that can list theirs.
func namedCertificates(l *lookup.List) func(yield func(lookup.Entry, error) bool) {
	return func(yield func(lookup.Entry, error) bool) {
		for _, t := range l.Tables() {
			seq, ok := t.(lookup.Sequencer)
			if !ok {
				continue
			}
			for e, err := range seq.All(context.Background()) {
				if errors.Is(err, lookup.ErrNoSequence) {
					break
				}
				if !yield(e, err) {
					return
				}
			}
		}
	}
}

// shown are all certificates that clients can get to see.
func (s *Server) shown() []tlscert.Shown {
	if s.certs == nil {
		return nil
	}
	list := append(s.certs.Certificates(), s.acmeShown()...)
	for _, d := range s.doors {
		if d.certs != nil && d.certs != s.certs {
			list = append(list, d.certs.Certificates()...)
		}
	}
	if s.sni != nil {
		for e, err := range namedCertificates(s.sni) {
			if err != nil {
				continue // who asks for the name finds out, too
			}
			if named, err := tlscert.Value(e.Value); err == nil {
				list = append(list, named...)
			}
		}
	}
	return list
}

// watchCertificates says in the log which certificates are about to expire, until ctx is done.
func (s *Server) watchCertificates(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for w := (tlscert.Watch{}); ; {
		for _, line := range w.Due(s.now(), s.shown()) {
			s.log.Print("postfix/smtpd", "warning: certificate ", line)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.reloaded: // files may be others now
		case <-tick.C:
		}
	}
}

// tlsConfig is what protocols other than SMTP show; nil without a certificate.
func (s *Server) tlsConfig() *tls.Config {
	if s.certs == nil {
		return nil
	}
	return s.certs.Config()
}
