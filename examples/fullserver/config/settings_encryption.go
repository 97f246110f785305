package config

import "time"

// TLS is about the server's certificates.
type TLS struct {
	CertFile, KeyFile     string
	ECCertFile, ECKeyFile string
	ChainFiles            []string // smtpd_tls_chain_files
	SNIMaps               string   // tls_server_sni_maps
}

// None reports that there is no certificate.
func (t *TLS) None() bool { return t.CertFile == "" && t.ECCertFile == "" && len(t.ChainFiles) == 0 }

// Pairs are the certificates and their keys where there are no ChainFiles.
func (t *TLS) Pairs() (pairs []struct{ Cert, Key string }) {
	for _, p := range []struct{ Cert, Key string }{{t.CertFile, t.KeyFile}, {t.ECCertFile, t.ECKeyFile}} {
		if p.Key == "" {
			p.Key = p.Cert
		}
		if p.Cert != "" {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// Param is the parameter that says where the certificates are.
func (t *TLS) Param() string {
	if len(t.ChainFiles) > 0 {
		return "smtpd_tls_chain_files"
	}
	return "smtpd_tls_cert_file"
}

// ClientCerts is about certificates that clients show.
type ClientCerts struct {
	Ask, Require   bool
	CAFile, CAPath string
	Digest, Relay  string // smtpd_tls_fingerprint_digest, relay_clientcerts
	LogLevel       int64  // smtpd_tls_loglevel

	StoreCA      string // ssl_ca
	StoreAsk     bool   // ssl_verify_client_cert
	LoginNeeds   bool   // auth_ssl_require_client_cert
	UserFromCert bool
	UserField    string
}

// ACME is about certificates that are got by themselves.
type ACME struct {
	Names, Contact, Challenges []string
	AcceptTerms                bool
	Directory, CAFile          string
	KeyID, MACKeyFile          string
}

// STS is what senders are told of this server's TLS.
type STS struct {
	Domains, MX []string
	Mode        string
	MaxAge      time.Duration
	ReportFrom  string
	ReportTo    []string
}
