package mx

import (
	"context"
	"crypto/tls"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Policy says how much TLS a next hop gets.
type Policy struct {
	Level Level

	// Names are the names of which the certificate must have one, at LevelVerify. None means the mail exchanger's.
	Names []string

	// MatchMX restricts which mail exchangers may be used at all; nil allows every one.
	MatchMX func(host string) bool
}

// Level is a level of TLS, in the terms of Postfix's smtp_tls_security_level.
type Level int

// The levels.
const (
	LevelMay     Level = iota // STARTTLS when offered, with any certificate; in the clear when that fails (RFC 7435)
	LevelNone                 // never TLS
	LevelEncrypt              // TLS or no delivery, with any certificate
	LevelVerify               // TLS with a certificate that is valid for the mail exchanger, or no delivery
)

// String returns Postfix's name of the level.
func (l Level) String() string {
	switch l {
	case LevelNone:
		return "none"
	case LevelMay:
		return "may"
	case LevelEncrypt:
		return "encrypt"
	case LevelVerify:
		return "verify"
	}
	return "unknown"
}

// policy returns the policy for a next hop. Without one of the user's own, credentials ask for a server that is who it
// says.
func (t *Transport) policy(ctx context.Context, hop string, auth *mail.Credentials) (Policy, error) {
	if t.Policy != nil {
		return t.Policy(ctx, hop)
	}
	if auth != nil {
		return Policy{Level: LevelVerify}, nil
	}
	return Policy{Level: LevelMay}, nil
}

// secure sets the TLS part of a client's options.
func (t *Transport) secure(o *smtp.ClientOptions, p Policy, port string, own bool) {
	cfg := t.TLSConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	o.TLSConfig = cfg
	switch p.Level {
	case LevelNone:
		o.TLS = smtp.TLSNone
		return
	case LevelMay:
		o.TLS = smtp.TLSAuto
		cfg.InsecureSkipVerify = true
	case LevelEncrypt:
		o.TLS = smtp.TLSStartTLS
		cfg.InsecureSkipVerify = true
	case LevelVerify:
		o.TLS = smtp.TLSStartTLS
		if own && t.Policy == nil {
			o.TLS = smtp.TLSAuto
			cfg.InsecureSkipVerify = true
		}
		if len(p.Names) == 1 {
			cfg.ServerName = p.Names[0]
		}
	}
	if port == "465" || port == "submissions" {
		o.TLS = smtp.TLSImplicit
	}
}
