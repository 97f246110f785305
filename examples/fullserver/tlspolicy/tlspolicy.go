// Package tlspolicy says how much TLS other servers get, as smtp_tls_security_level, smtp_tls_policy_maps and the parameters around them have it
// (TLS_README, "TLS policy table").
package tlspolicy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/rewrite"
)

// Levels are the words for smtp_tls_security_level.
var Levels = []string{"none", "may", "encrypt", "fingerprint", "dane", "dane-only", "verify", "secure"}

// Rules are a site's. The zero value is TLS when offered. The names of parameters stand beside the fields.
type Rules struct {
	Level        string   // smtp_tls_security_level
	VerifyMatch  []string // smtp_tls_verify_cert_match; nil: hostname
	SecureMatch  []string // smtp_tls_secure_cert_match; nil: nexthop, dot-nexthop
	Fingerprints []string // smtp_tls_fingerprint_cert_match
	Digest       string   // smtp_tls_fingerprint_digest; "": sha256, which is the only one that there is here
	Protocols    []string // smtp_tls_protocols, for level may
	Mandatory    []string // smtp_tls_mandatory_protocols, for the levels above
	Secure       bool     // there is a resolver that DNSSEC can be asked of: without it dane and dane-only can't be

	Table rewrite.Table // smtp_tls_policy_maps; nil for none
}

// Check finds what can't be in the parameters; a table's entries are checked when they are asked for. The error names the parameter.
func (r *Rules) Check() (param string, err error) {
	if _, _, err := Versions(r.Protocols); err != nil {
		return "smtp_tls_protocols", err
	}
	if _, _, err := Versions(r.Mandatory); err != nil {
		return "smtp_tls_mandatory_protocols", err
	}
	if _, err := r.parse(r.level(), "example.net"); err != nil {
		return "smtp_tls_security_level", err
	}
	return "", nil
}

func (r *Rules) level() string {
	if r.Level == "" {
		return "may"
	}
	return r.Level
}

// For returns the policy for a next hop, and whether the table has one. The error is a reply: mail waits until the table is right.
func (r *Rules) For(ctx context.Context, nexthop string) (mx.Policy, bool, error) {
	entry, found := r.level(), false
	for _, key := range keys(nexthop) {
		if r.Table == nil {
			break
		}
		value, ok, err := r.Table.Find(ctx, key)
		if err != nil {
			return mx.Policy{}, false, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "TLS policy table lookup failure", Err: err}
		}
		if ok {
			entry, found = value, true
			break
		}
	}
	p, err := r.parse(entry, Host(nexthop))
	if err != nil {
		return mx.Policy{}, found, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 7, 5}, Text: "client TLS configuration problem", Err: fmt.Errorf("TLS policy for %s: %w", nexthop, err)}
	}
	return p, found, nil
}

// keys are what the table is asked for: the next hop as it stands, and for a domain the domains above it with a dot before.
func keys(nexthop string) []string {
	nexthop = strings.ToLower(nexthop)
	out := []string{nexthop}
	if strings.HasPrefix(nexthop, "[") || strings.HasPrefix(nexthop, "unix:") {
		return out
	}
	host := Host(nexthop)
	if host != nexthop {
		out = append(out, host)
	}
	for i := range host {
		if host[i] == '.' && i > 0 {
			out = append(out, host[i:])
		}
	}
	return out
}

// parse reads "level attribute=value ...".
func (r *Rules) parse(entry, host string) (p mx.Policy, err error) {
	words := strings.Fields(entry)
	if len(words) == 0 {
		return p, errors.New("the policy is empty")
	}
	match, protocols := []string(nil), []string(nil)
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok || value == "" {
			return p, fmt.Errorf("%q is not attribute=value", w)
		}
		switch name {
		case "match":
			match = append(match, split(value)...)
		case "protocols":
			protocols = split(value)
		case "tafile":
			if p.Roots, err = Roots(value, p.Roots); err != nil {
				return p, err
			}
		case "ciphers", "exclude", "connection_reuse": // TLS 1.2 and 1.3 have no others worth choosing among; connections are always reused
		default:
			return p, fmt.Errorf("unknown attribute %q: there are match, protocols, tafile, ciphers, exclude, connection_reuse", name)
		}
	}
	level := strings.ToLower(words[0])
	switch level {
	case "none":
		p.Level = mx.LevelNone
	case "may":
		p.Level = mx.LevelMay
	case "encrypt":
		p.Level = mx.LevelEncrypt
	case "dane", "dane-only":
		if p.Level = mx.LevelDANE; level == "dane-only" {
			p.Level = mx.LevelDANEOnly
		}
		if !r.Secure {
			return p, fmt.Errorf("level %s needs smtp_dns_support_level = dnssec", level)
		}
	case "fingerprint":
		if p.Level = mx.LevelFingerprint; match == nil {
			match = r.Fingerprints
		}
		p.Fingerprints, match = match, nil
		if r.Digest != "" && r.Digest != "sha256" {
			return p, fmt.Errorf("fingerprints made with %s can't be trusted any more: set smtp_tls_fingerprint_digest = sha256 and take them anew", r.Digest)
		}
		if len(p.Fingerprints) == 0 {
			return p, errors.New("level fingerprint needs match=, or smtp_tls_fingerprint_cert_match")
		}
		for _, f := range p.Fingerprints {
			if b, err := hex.DecodeString(strings.ReplaceAll(f, ":", "")); err != nil || len(b) != 32 {
				return p, fmt.Errorf("%q is no SHA-256 fingerprint of 32 octets in hex", f)
			}
		}
	case "verify", "secure":
		p.Level = mx.LevelVerify
		usual, own := []string{"hostname"}, r.VerifyMatch
		if level == "secure" {
			usual, own = []string{"nexthop", "dot-nexthop"}, r.SecureMatch
		}
		if match == nil {
			match = own
		}
		if match == nil {
			match = usual
		}
		p.Names, p.MXName = names(match, host)
	default:
		return p, fmt.Errorf("%q is no security level: there are %s", words[0], strings.Join(Levels, ", "))
	}
	if protocols == nil {
		if protocols = r.Mandatory; p.Level == mx.LevelMay {
			protocols = r.Protocols
		}
	}
	p.MinVersion, p.MaxVersion, err = Versions(protocols)
	return p, err
}

// names are match= for a next hop.
func names(match []string, host string) (list []string, mxName bool) {
	for _, m := range match {
		switch strings.ToLower(m) {
		case "hostname":
			mxName = true
		case "nexthop":
			list = append(list, host)
		case "dot-nexthop":
			list = append(list, "."+host)
		default:
			list = append(list, m)
		}
	}
	return list, mxName
}

// Roots adds the certificates (PEM) of a file to a pool, which may be nil.
func Roots(file string, pool *x509.CertPool) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if pool == nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(file + ": has no certificate in PEM")
	}
	return pool, nil
}

// split reads a list with ":", "," or "|" between its members. A fingerprint's colons stay.
func split(s string) []string {
	if strings.Count(s, ":") == 31 && len(s) == 95 {
		return []string{s}
	}
	sep := ":,"
	if strings.Contains(s, "|") || strings.Count(s, ":") > 31 {
		sep = "|,"
	}
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(sep, r) })
}

// order are the versions of TLS, with the names that parameters have for them.
var order = []struct {
	name    string
	version uint16
}{{"sslv2", 0}, {"sslv3", 0}, {"tlsv1", tls.VersionTLS10}, {"tlsv1.1", tls.VersionTLS11}, {"tlsv1.2", tls.VersionTLS12}, {"tlsv1.3", tls.VersionTLS13}}

// Versions reads smtp_tls_protocols and its like: ">=TLSv1.2, <=TLSv1.3", or "!SSLv3, !TLSv1" and "TLSv1.2" as they were said before. Versions
// before 1.2 are not spoken (RFC 8996): they may be allowed, which changes nothing.
func Versions(list []string) (least, most uint16, err error) {
	allowed, only := map[string]bool{}, false
	for _, o := range order {
		allowed[o.name] = true
	}
	rank := func(name string) int {
		for i, o := range order {
			if o.name == strings.ToLower(name) {
				return i
			}
		}
		return -1
	}
	for _, word := range list {
		bound := strings.TrimLeft(word, "!<>=")
		i := rank(bound)
		if i < 0 {
			return 0, 0, fmt.Errorf("%q is no version of TLS: write >=TLSv1.2 or the like", word)
		}
		switch word[:len(word)-len(bound)] {
		case ">=":
			for _, o := range order[:i] {
				allowed[o.name] = false
			}
		case "<=":
			for _, o := range order[i+1:] {
				allowed[o.name] = false
			}
		case "!":
			allowed[order[i].name] = false
		case "":
			if !only {
				clear(allowed)
				only = true
			}
			allowed[order[i].name] = true
		default:
			return 0, 0, fmt.Errorf("%q is no bound: write >=TLSv1.2 or the like", word)
		}
	}
	switch v2, v3 := allowed["tlsv1.2"], allowed["tlsv1.3"]; {
	case v2 && v3:
		return tls.VersionTLS12, tls.VersionTLS13, nil
	case v2:
		return tls.VersionTLS12, tls.VersionTLS12, nil
	case v3:
		return tls.VersionTLS13, tls.VersionTLS13, nil
	}
	return 0, 0, fmt.Errorf("%s leaves neither TLS 1.2 nor 1.3, which are what is spoken", strings.Join(list, ", "))
}

// Host is a next hop without brackets and port.
func Host(nexthop string) string {
	if inner, _, ok := strings.Cut(strings.TrimPrefix(nexthop, "["), "]"); ok {
		return strings.TrimPrefix(inner, "IPv6:")
	}
	host, _, _ := strings.Cut(nexthop, ":")
	return host
}
