package mx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// TLSFailure is a result type of SMTP TLS reporting (RFC 8460 section 4.3).
type TLSFailure string

// The result types. "" is a session that was as it should be.
const (
	TLSSuccess           TLSFailure = ""
	TLSNotSupported      TLSFailure = "starttls-not-supported"
	TLSHostMismatch      TLSFailure = "certificate-host-mismatch"
	TLSExpired           TLSFailure = "certificate-expired"
	TLSNotTrusted        TLSFailure = "certificate-not-trusted"
	TLSValidationFailure TLSFailure = "validation-failure"
	TLSTLSAInvalid       TLSFailure = "tlsa-invalid"
	TLSDNSSECInvalid     TLSFailure = "dnssec-invalid"
	TLSDANERequired      TLSFailure = "dane-required"
	TLSPolicyFetchError  TLSFailure = "sts-policy-fetch-error"
	TLSPolicyInvalid     TLSFailure = "sts-policy-invalid"
	TLSPolicyWebPKI      TLSFailure = "sts-webpki-invalid"
)

// TLSResult is how the TLS of one session with a mail exchanger went, as TLS reports count it (RFC 8460 section 4).
type TLSResult struct {
	Domain        string     // whose policy it is: the next hop
	PolicyType    string     // "tlsa", "sts", "no-policy-found"
	Policy        []string   // the policy's lines, or the TLSA records
	MXPatterns    []string   // of an MTA-STS policy
	Type          TLSFailure // TLSSuccess when all was well
	MXHost        string
	ReceivingIP   string
	ReceivingHelo string
	Reason        string // for people
	Delivered     bool   // the session went on in spite of the failure: mode testing, or opportunistic TLS
}

// tell hands a result to the Transport's collector.
func (s *search) tell(r TLSResult) {
	if s.t.TLSReport == nil {
		return
	}
	r.Domain = s.hop.name
	if r.PolicyType == "sts" && r.Policy == nil && s.sts != nil {
		r.Policy, r.MXPatterns = s.sts.Text, s.sts.MX
	}
	if r.PolicyType == "" {
		r.PolicyType = "no-policy-found"
		if s.sts != nil {
			r.PolicyType, r.Policy, r.MXPatterns = "sts", s.sts.Text, s.sts.MX
		}
	}
	s.t.TLSReport(r)
}

// reportSTS tells of a policy that could not be had.
func (s *search) reportSTS(err error) {
	r := TLSResult{PolicyType: "sts", Type: TLSPolicyFetchError, Reason: err.Error(), Delivered: true}
	var fetch *stsFetchError
	switch {
	case errors.Is(err, errSTS):
		r.Type = TLSPolicyInvalid
	case errors.As(err, &fetch) && fetch.webpki:
		r.Type = TLSPolicyWebPKI
	}
	s.tell(r)
}

// report tells how the session with one address began. Only next hops that are domains have policies and reports.
func (s *search) report(at candidate, level Level, c *smtp.Client, err error) {
	if s.t.TLSReport == nil || !at.host.mx && s.hop.literal {
		return
	}
	r := TLSResult{MXHost: at.host.name}
	if at.addr.IsValid() {
		r.ReceivingIP = at.addr.String()
	}
	if at.host.dane {
		r.PolicyType = "tlsa"
		r.Policy = tlsaLines(at.host.records)
	}
	switch {
	case err == nil && c.TLS() == nil:
		r.Type, r.Reason = TLSNotSupported, "STARTTLS was not offered"
	case err == nil && s.sts != nil && s.sts.Mode == STSTesting && at.host.mx && !at.host.dane:
		s.testSTS(&r, at, c.TLS())
	case err != nil && mail.ReplyOf(err).Enhanced == (mail.EnhancedCode{4, 7, 4}):
		r.Type, r.Reason = TLSNotSupported, mail.ReplyOf(err).Text
	case err != nil && tlsFailed(err):
		r.Type, r.Reason = failureType(err, at.host.dane), detailOf(err)
	case err != nil:
		return // it had nothing to do with TLS
	}
	if err == nil {
		r.ReceivingHelo, _, _ = strings.Cut(c.Greeting().Text, " ")
	}
	r.Delivered = err == nil || level == LevelMay
	s.tell(r)
}

// testSTS checks what an enforced policy would have, without consequences.
func (s *search) testSTS(r *TLSResult, at candidate, state *tls.ConnectionState) {
	if !s.sts.Match(at.host.name) {
		r.Type, r.Reason = TLSValidationFailure, "mail exchanger is not in the policy"
		return
	}
	var roots *x509.CertPool
	if s.t.TLSConfig != nil {
		roots = s.t.TLSConfig.RootCAs
	}
	if err := verifyNames(*state, roots, []string{at.host.name}); err != nil {
		r.Type, r.Reason = failureType(err, false), err.Error()
	}
}

func failureType(err error, dane bool) TLSFailure {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, errDANE), dane:
		return TLSValidationFailure
	case errors.As(err, &host):
		return TLSHostMismatch
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return TLSExpired
	case errors.As(err, &authority), errors.As(err, &invalid):
		return TLSNotTrusted
	}
	return TLSValidationFailure
}

// tlsaLines writes TLSA records as reports have them (RFC 8460 section 4.4: policy-string).
func tlsaLines(records []TLSA) []string {
	var out []string
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d %d %d %x", r.Usage, r.Selector, r.MatchingType, r.Data))
	}
	return out
}
