package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/intake"
)

// openClientCerts reads the authorities that vouch for users of IMAP and POP3.
func (s *Server) openClientCerts() error {
	c := &s.set.ClientCerts
	if slices.Contains(s.set.AuthMechanisms, "external") && !c.UserFromCert {
		return s.cfg.ErrorFor("auth_mechanisms", errors.New("external needs auth_ssl_username_from_cert = yes: otherwise a certificate is everybody's"))
	}
	if c.LoginNeeds && !c.StoreAsk && !c.Ask {
		return s.cfg.ErrorFor("auth_ssl_require_client_cert", errors.New("needs ssl_verify_client_cert = yes, or for SMTP smtpd_tls_ask_ccert = yes: nobody is asked for a certificate"))
	}
	if !c.StoreAsk {
		return nil
	}
	file, folder := strings.TrimPrefix(c.StoreCA, "<"), ""
	if file == c.CAFile {
		folder = c.CAPath
	}
	if file == "" && folder == "" {
		return s.cfg.ErrorFor("ssl_verify_client_cert", errors.New("needs ssl_ca, which names the authorities that vouch for clients"))
	}
	var err error
	if s.storePool, err = clientcert.Pool(file, folder); err != nil {
		return s.cfg.ErrorFor("ssl_ca", err)
	}
	return nil
}

// poolOf are the authorities that vouch for SMTP clients of a service; nil where clients are not asked for certificates.
func (s *Server) poolOf(c *config.Config) (*x509.CertPool, error) {
	cc := &c.Settings.ClientCerts
	if !cc.Ask && !cc.Require {
		return nil, nil
	}
	pool, err := clientcert.Pool(cc.CAFile, cc.CAPath)
	if err != nil {
		return nil, c.ErrorFor("smtpd_tls_CAfile", err)
	}
	return pool, nil
}

// mustTLS reports whether a door takes no mail without TLS.
func (d *door) mustTLS() bool {
	r := &d.set.Receiving
	return r.TLSLevel == "encrypt" || r.TLSFirst || d.kind == intake.Submission
}

// mustShow reports whether clients must have a certificate (smtpd_tls_req_ccert).
func (d *door) mustShow() bool { return d.set.ClientCerts.Require && d.mustTLS() }

// storeTLS is tlsConfig for IMAP and POP3.
func (s *Server) storeTLS() *tls.Config {
	c := s.tlsConfig()
	if c != nil && s.storePool != nil {
		c.ClientAuth, c.ClientCAs = tls.RequestClientCert, s.storePool
	}
	return c
}

// authenticator checks who somebody is, for every protocol.
func (s *Server) authenticator() mail.Authenticator {
	a := s.users.Authenticator(s.set.AuthMechanisms...)
	c := &s.set.ClientCerts
	if !c.LoginNeeds && !c.UserFromCert {
		return a
	}
	o := accounts.CertificateOptions{Required: c.LoginNeeds}
	if c.UserFromCert {
		o.Name = func(cert *x509.Certificate) (string, error) { return clientcert.Name(cert, c.UserField) }
	}
	return accounts.Certified(a, s.users, o)
}
