package server

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/acmecert"
	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/tlscert"
)

// openACME makes what gets certificates, where acme_names asks for any. It begins when the server serves.
func (s *Server) openACME() error {
	a := &s.set.ACME
	names := ACMENames(s.set)
	if len(names) == 0 {
		return nil
	}
	if !a.AcceptTerms {
		return s.cfg.ErrorFor("acme_names", errors.New("needs acme_accept_terms = yes, once you have read the authority's terms of service"))
	}
	o := acmecert.Options{
		Dir: filepath.Join(s.set.DataDirectory, "acme"), Directory: a.Directory, Contact: a.Contact, Names: names, KeyID: a.KeyID, Now: s.opts.Now,
		Log: func(text string) { s.log.Print("fullserver/acme", text) }, Changed: s.acmeChanged,
	}
	for _, c := range a.Challenges {
		if c == "http-01" && len(s.set.HTTPListen) > 0 || c == "tls-alpn-01" && len(s.set.HTTPSListen)+len(s.set.WebmailsListen)+len(s.set.WebadminsListen) > 0 {
			o.Challenges = append(o.Challenges, c)
		}
	}
	var err error
	if a.CAFile != "" {
		if o.Roots, err = clientcert.Pool(a.CAFile, ""); err != nil {
			return s.cfg.ErrorFor("acme_ca_file", err)
		}
	}
	if a.MACKeyFile != "" {
		b, err := os.ReadFile(a.MACKeyFile)
		if err == nil {
			o.MACKey, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(string(b)), "="))
		}
		if err != nil {
			return s.cfg.ErrorFor("acme_mac_key_file", err)
		}
	}
	if s.acme, err = acmecert.New(o); err != nil {
		return s.cfg.ErrorFor("acme_names", err)
	}
	return nil
}

// ACMENames are the names that get certificates: those of acme_names, and if there are any the hosts of MTA-STS policies.
func ACMENames(set *config.Settings) []string {
	if len(set.ACME.Names) == 0 {
		return nil
	}
	list := slices.Clone(set.ACME.Names)
	for _, d := range set.STS.Domains {
		list = append(list, "mta-sts."+d)
	}
	return list
}

// mainFiles are the certificates for clients that name no host: those of main.cf, or where nobody has named any the first one by ACME, once it is there.
func (s *Server) mainFiles() tlscert.Files {
	t := &s.set.TLS
	if s.acme != nil && len(s.set.ACME.Names) > 0 && len(t.ChainFiles) == 0 && !s.cfg.Given("smtpd_tls_cert_file") {
		if first := s.acme.Names()[0]; s.acme.Certificate(first) != nil {
			return tlscert.Files{Chains: []string{s.acme.File(first)}}
		}
	}
	return filesOf(t)
}

// acmeChanged is told when a name has a new certificate. Files are read when they have changed; only the first one of all has to be made known.
func (s *Server) acmeChanged(string) {
	if s.certs == nil {
		return
	}
	if err := s.certs.Use(s.mainFiles()); err != nil {
		s.log.Print("fullserver/acme", "warning: ", err.Error())
	}
	s.lookAtCertificates()
}

// lookAtCertificates has those that are about to expire looked for.
func (s *Server) lookAtCertificates() {
	select {
	case s.reloaded <- struct{}{}:
	default:
	}
}

// names is tls_server_sni_maps with the names that have certificates by ACME behind it.
type names []tlscert.Table

// Find implements tlscert.Table.
func (n names) Find(ctx context.Context, name string) (string, bool, error) {
	for _, t := range n {
		if value, found, err := t.Find(ctx, name); found || err != nil {
			return value, found, err
		}
	}
	return "", false, nil
}

// webTLS is tlsConfig for HTTPS, where the authority may look for its proof.
func (s *Server) webTLS() *tls.Config {
	c := s.tlsConfig()
	if c == nil || s.acme == nil {
		return c
	}
	return s.acme.Config(c)
}

// acmeShown are the certificates by ACME.
func (s *Server) acmeShown() []tlscert.Shown {
	var list []tlscert.Shown
	if s.acme == nil {
		return nil
	}
	for _, name := range s.acme.Names() {
		if c := s.acme.Certificate(name); c != nil && !slices.ContainsFunc(s.certs.Certificates(), func(o tlscert.Shown) bool { return o.Leaf.Equal(c) }) {
			list = append(list, tlscert.Shown{From: s.acme.File(name), Leaf: c})
		}
	}
	return list
}
