package sasl

import (
	"fmt"
	"unicode/utf8"

	gosasl "github.com/emersion/go-sasl"

	"github.com/buuta/mail"
)

// EXTERNAL (RFC 4422 appendix A) with a TLS client certificate that has been verified.

func hasCertificate(c *Config) bool {
	_, ok := c.Authenticator.(mail.CertificateAuthenticator)
	return ok && c.TLS != nil && len(c.TLS.VerifiedChains) > 0
}

func newExternal(e *Exchange) gosasl.Server {
	return gosasl.NewExternalServer(func(identity string) error {
		ca, ok := e.cfg.Authenticator.(mail.CertificateAuthenticator)
		if !ok {
			return ErrNoMechanism
		}
		if identity != "" {
			if err := checkName(identity); err != nil {
				return err
			}
		}
		a := e.request("", identity, "")
		id, err := ca.AuthenticateCertificate(e.ctx, a, e.cfg.TLS)
		return e.settle(a, id, err)
	})
}

// ANONYMOUS (RFC 4505).

func letsStrangersIn(c *Config) bool {
	_, ok := c.Authenticator.(mail.AnonymousAuthenticator)
	return ok
}

func newAnonymous(e *Exchange) gosasl.Server {
	return gosasl.NewAnonymousServer(func(trace string) error {
		aa, ok := e.cfg.Authenticator.(mail.AnonymousAuthenticator)
		if !ok {
			return ErrNoMechanism
		}
		// Section 2: an email address or a token of 1 to 255 characters; nothing at all is common.
		if trace != "" && (checkName(trace) != nil || utf8.RuneCountInString(trace) > 255) {
			return fmt.Errorf("%w: ANONYMOUS trace", ErrMalformed)
		}
		a := e.request("", "", "")
		id, err := aa.AuthenticateAnonymous(e.ctx, a, trace)
		return e.settle(a, id, err)
	})
}
