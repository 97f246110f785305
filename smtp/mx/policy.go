package mx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Policy says how much TLS a next hop gets.
type Policy struct {
	Level Level

	// VerifyLogin makes LevelMay LevelVerify where credentials are used.
	VerifyLogin bool

	// Names are the names of which the certificate must have one, at LevelVerify; ".example.net" is any name below example.net. None means the mail
	// exchanger's.
	Names []string
	// MXName says that the mail exchanger's own name fits as well as Names.
	MXName bool

	// Fingerprints are SHA-256 digests, in hex and perhaps with colons, of which the certificate or its public key must have one, at LevelFingerprint.
	Fingerprints []string

	// Roots are the authorities that certificates must come from, at LevelVerify; nil: those of Transport.TLSConfig.
	Roots *x509.CertPool

	// MinVersion and MaxVersion bound the TLS versions spoken, as in [tls.Config]; 0: those of Transport.TLSConfig.
	MinVersion, MaxVersion uint16

	// MatchMX restricts which mail exchangers may be used at all; nil allows every one.
	MatchMX func(host string) bool
}

// Level is a level of TLS, in the terms of Postfix's smtp_tls_security_level.
type Level int

// The levels.
const (
	// LevelMay is STARTTLS when offered, with any certificate, and in the clear when that fails (RFC 7435). With a
	// [SecureResolver] it is LevelDANE, and with an STS policy what that says: both ask for more only of those domains
	// that have asked for it themselves.
	LevelMay      Level = iota
	LevelNone           // never TLS
	LevelEncrypt        // TLS or no delivery, with any certificate
	LevelVerify         // TLS with a certificate that is valid for the mail exchanger, or no delivery
	LevelDANE           // by TLSA records where there are any (RFC 7672), else LevelMay
	LevelDANEOnly       // by usable TLSA records, or no delivery

	LevelFingerprint // TLS with a certificate of which Policy.Fingerprints knows, or no delivery
)

// String returns Postfix's name of the level.
func (l Level) String() string {
	names := [...]string{"may", "none", "encrypt", "verify", "dane", "dane-only", "fingerprint"}
	if l < 0 || int(l) >= len(names) {
		return "unknown"
	}
	return names[l]
}

// policy returns the policy for a next hop. Without one of the user's own, credentials ask for a server that is who it
// says.
func (t *Transport) policy(ctx context.Context, hop string, auth *mail.Credentials) (Policy, error) {
	if t.Policy != nil {
		p, err := t.Policy(ctx, hop)
		if p.VerifyLogin && p.Level == LevelMay && auth != nil {
			p.Level = LevelVerify
		}
		return p, err
	}
	if auth != nil {
		return Policy{Level: LevelVerify}, nil
	}
	return Policy{Level: LevelMay}, nil
}

// findSTS looks for the MTA-STS policy of the next hop. What goes wrong with a new policy is reported and has no other
// effect (RFC 8461 section 5.1).
func (s *search) findSTS(ctx context.Context) {
	if s.t.STS == nil || s.policy.Level != LevelMay && s.policy.Level != LevelDANE {
		return
	}
	p, err := s.t.STS.Lookup(ctx, s.hop.name, s.t.resolver())
	if p != nil && p.Mode != STSNone {
		s.sts = p
	}
	if err != nil {
		s.reportSTS(err)
	}
}

// ignorePolicies makes TLS what it is without the recipient's domain having asked for more, where the operator hasn't either (RFC 8689 section 4.2.2).
func (s *search) ignorePolicies() {
	if s.policy.Level == LevelMay || s.policy.Level == LevelDANE {
		s.policy.Level, s.sts, s.plain = LevelMay, nil, true
	}
}

// checkSTS refuses a mail exchanger that an enforced policy doesn't name (RFC 8461 section 4.1 and 5).
func (s *search) checkSTS(h host) error {
	if s.sts == nil || !h.mx || h.dane || s.sts.Match(h.name) {
		return nil
	}
	if s.sts.Mode != STSEnforce {
		return nil
	}
	s.tell(TLSResult{Type: TLSValidationFailure, MXHost: h.name, Reason: "mail exchanger is not in the policy"})
	return mail.NewReply(450, mail.EnhancedCode{4, 7, 5}, "MTA-STS policy of "+s.hop.name+" does not allow mail exchanger "+h.name)
}

// findTLSA looks for TLSA records of a host, if the names that lead to it can be trusted (RFC 7672 section 2.2).
func (s *search) findTLSA(ctx context.Context, h *host, secure bool) error {
	level := s.policy.Level
	r, able := s.t.resolver().(SecureResolver)
	if s.plain || level != LevelDANE && level != LevelDANEOnly && (level != LevelMay || !able) {
		return nil
	}
	if able && s.secure && secure {
		ctx, cancel := s.t.dnsContext(ctx)
		defer cancel()
		name := "_" + s.port + "._tcp." + h.name
		records, ok, err := r.LookupTLSASecure(ctx, name)
		if err != nil && !notFound(err) {
			// Somebody may be hiding the records: such a host is not to be used (RFC 7672 section 2.1.1).
			s.tell(TLSResult{PolicyType: "tlsa", Type: TLSDNSSECInvalid, MXHost: h.name, Reason: "TLSA look-up failed"})
			return &mail.Reply{Code: 450, Enhanced: mail.EnhancedCode{4, 7, 5}, Text: "TLSA lookup error for " + h.name + ":" + s.port, Err: err}
		}
		if ok && len(records) > 0 {
			h.dane, h.names = true, []string{h.name}
			if h.mx {
				h.names = append(h.names, s.hop.name)
			}
			for _, rec := range records {
				if rec.usable() {
					h.records = append(h.records, rec)
				}
			}
		}
	}
	if level == LevelDANEOnly && len(h.records) == 0 {
		return mail.NewReply(450, mail.EnhancedCode{4, 7, 5}, "no usable TLSA records for "+h.name+":"+s.port)
	}
	return nil
}

// level is what holds for one host. DANE goes before MTA-STS (RFC 8461 section 2).
func (s *search) level(h host) Level {
	l := s.policy.Level
	if l == LevelDANE || l == LevelMay || l == LevelDANEOnly {
		switch {
		case h.dane && len(h.records) == 0:
			return LevelEncrypt // RFC 7672 section 2.2: records, and none that can be used
		case h.dane:
			return LevelDANEOnly
		case s.sts != nil && s.sts.Mode == STSEnforce && h.mx, s.requireTLS:
			return LevelVerify
		}
		return LevelMay
	}
	if s.requireTLS && (l == LevelNone || l == LevelEncrypt) {
		return LevelVerify
	}
	return l
}

// security sets the TLS part of a client's options.
func (s *search) security(o *smtp.ClientOptions, level Level, at candidate) {
	cfg := s.t.TLSConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" {
		cfg.ServerName = at.host.name
	}
	if v := s.policy.MinVersion; v != 0 {
		cfg.MinVersion = v
	}
	if v := s.policy.MaxVersion; v != 0 {
		cfg.MaxVersion = v
	}
	if s.policy.Roots != nil {
		cfg.RootCAs = s.policy.Roots
	}
	o.TLSConfig = cfg
	switch level {
	case LevelNone:
		o.TLS = smtp.TLSNone
		return
	case LevelMay:
		o.TLS = smtp.TLSAuto
		cfg.InsecureSkipVerify = true
	case LevelEncrypt:
		o.TLS = smtp.TLSStartTLS
		cfg.InsecureSkipVerify = true
	case LevelDANEOnly:
		o.TLS = smtp.TLSStartTLS
		cfg.InsecureSkipVerify = true
		h := at.host
		cfg.VerifyConnection = func(state tls.ConnectionState) error { return verifyDANE(state, h.records, h.names) }
	case LevelFingerprint:
		o.TLS = smtp.TLSStartTLS
		cfg.InsecureSkipVerify = true
		known := s.policy.Fingerprints
		cfg.VerifyConnection = func(state tls.ConnectionState) error { return verifyFingerprint(state, known) }
	case LevelVerify:
		o.TLS = smtp.TLSStartTLS
		if own := at.path != "" || at.addr.IsLoopback(); own && s.t.Policy == nil && s.sts == nil {
			o.TLS = smtp.TLSAuto
			cfg.InsecureSkipVerify = true
			break
		}
		if names := s.policy.Names; len(names) > 0 {
			cfg.InsecureSkipVerify = true // done by hand below, for several names
			roots := cfg.RootCAs
			if s.policy.MXName {
				names = append(slices.Clone(names), at.host.name)
			}
			cfg.VerifyConnection = func(state tls.ConnectionState) error { return verifyNames(state, roots, names) }
		}
	}
	if s.port == "465" || s.port == "submissions" {
		o.TLS = smtp.TLSImplicit
	}
}

// verifyNames checks a certificate against several names, of which one must fit.
func verifyNames(state tls.ConnectionState, roots *x509.CertPool, names []string) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	leaf := state.PeerCertificates[0]
	var err error
	for _, name := range names {
		o := x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: intermediates}
		if strings.HasPrefix(name, ".") {
			if o.DNSName = below(leaf, name); o.DNSName == "" {
				if err == nil {
					err = x509.HostnameError{Certificate: leaf, Host: name[1:]}
				}
				continue
			}
		}
		if _, err = leaf.Verify(o); err == nil {
			return nil
		}
	}
	return err
}

// below returns a name that a certificate is for and that lies below a domain, given with the dot before it.
func below(c *x509.Certificate, domain string) string {
	for _, n := range c.DNSNames {
		name := n
		if rest, ok := strings.CutPrefix(n, "*."); ok {
			name = "x." + rest
		}
		if len(name) > len(domain) && strings.EqualFold(name[len(name)-len(domain):], domain) {
			return name
		}
	}
	return ""
}

// verifyFingerprint wants a certificate, or its public key, to be a known one.
func verifyFingerprint(state tls.ConnectionState, known []string) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("no certificate")
	}
	leaf := state.PeerCertificates[0]
	for _, raw := range [][]byte{leaf.Raw, leaf.RawSubjectPublicKeyInfo} {
		sum := sha256.Sum256(raw)
		for _, k := range known {
			if digest, err := hex.DecodeString(strings.ReplaceAll(k, ":", "")); err == nil && bytes.Equal(digest, sum[:]) {
				return nil
			}
		}
	}
	return errors.New("certificate has none of the fingerprints")
}
