package dkim

import (
	"bufio"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Signer makes signatures with one key. To sign with several, an RSA and an Ed25519 one or an old and a new one, give
// [Sign] several Signers: the body is read once.
type Signer struct {
	Domain   string        // d=
	Selector string        // s=: the public key is at selector "._domainkey." domain
	Key      crypto.Signer // *rsa.PrivateKey of at least 1024 bits, ed25519.PrivateKey, or one in hardware

	Identity string // i=: "user@domain" or "@domain" with the domain of Domain or below; "" leaves it out

	// Fields are the names of the header fields to sign. Each instance that the message has is signed, and of those in
	// Oversign one more that it hasn't, so that none can be added later (RFC 6376 section 8.15). nil means DefaultFields,
	// and for Oversign From, To, Cc, Subject, Date and what else a reader is shown. From is always among both.
	Fields   []string
	Oversign []string

	// SimpleHeader and SimpleBody choose the simple canonical forms, which survive no change at all. Otherwise relaxed.
	SimpleHeader, SimpleBody bool

	Expire time.Duration    // x= is so long after t=; 0: never
	Now    func() time.Time // nil: time.Now
	NoTime bool             // leaves t= out
}

// DefaultFields are what RFC 6376 section 5.4.1 names as useful to sign, and the fields of lists, of MIME and of TLS reports (RFC 8460 section 5.3).
var DefaultFields = []string{"From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Resent-Date", "Resent-From",
	"Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID", "In-Reply-To", "References", "List-Id", "List-Help",
	"List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
	"TLS-Report-Domain", "TLS-Report-Submitter"}

var defaultOversign = []string{"From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "MIME-Version", "Content-Type"}

// Sign reads a message and returns its DKIM-Signature fields, one for each signer, to be put before the message. It must be
// sent as it is: nothing of it may change afterwards. maxHeader bounds the header in octets, 0: 1 MiB. Errors are [ErrFrom],
// [ErrFolded], [ErrLineEnd], [ErrHeaderTooLarge], that of a signer's settings or key, and of reading.
func Sign(message io.Reader, maxHeader int, signers ...*Signer) (string, error) {
	r := bufio.NewReader(signed.Lines(message))
	h, err := signed.ReadHeader(r, or(maxHeader, 1<<20))
	if err != nil {
		return "", err
	}
	var bodies signed.Bodies
	finish, err := Begin(h, &bodies, signers...)
	if err != nil {
		return "", err
	}
	if _, err := bodies.ReadFrom(r); err != nil {
		return "", err
	}
	return finish()
}

// ErrLineEnd says that a message to be signed has a line that doesn't end in CRLF: it can't be sent as it is.
var ErrLineEnd = signed.ErrLineEnd

// ErrFolded says that a message to be signed begins with a folded line, which would become part of the signature's field.
var ErrFolded = signed.ErrFolded

// ErrHeaderTooLarge says that a message's header is longer than the limit.
var ErrHeaderTooLarge = signed.ErrHeaderTooLarge

// ErrFrom says that a message to be signed has no From field, or more than one: what it would say of itself is unclear.
var ErrFrom = errors.New("dkim: the message has not exactly one From field")

// Begin asks for the body hashes that the signers need, and returns what makes the fields after the body was read. It is for package
// mailauth: others have [Sign].
func Begin(h signed.Header, bodies *signed.Bodies, signers ...*Signer) (finish func() (string, error), err error) {
	if len(h.All("From")) != 1 {
		return nil, ErrFrom
	}
	if err := h.Begins(); err != nil {
		return nil, err
	}
	hashes := make([]*signed.BodyHash, len(signers))
	for i, s := range signers {
		if err := s.check(); err != nil {
			return nil, err
		}
		hashes[i] = bodies.Add(s.canon(s.SimpleBody), -1)
	}
	return func() (string, error) {
		var out strings.Builder
		for i, s := range signers {
			f, err := s.Field(h, "DKIM-Signature", "v=1; ", hashes[i])
			if err != nil {
				return "", err
			}
			out.WriteString(f)
		}
		return out.String(), nil
	}, nil
}

func (s *Signer) canon(simple bool) signed.Canon {
	if simple {
		return signed.Simple
	}
	return signed.Relaxed
}

func (s *Signer) check() error {
	if s.Key == nil {
		return errors.New("dkim: no key")
	}
	if _, err := signed.Algorithm(s.Key); err != nil {
		return fmt.Errorf("dkim: %w", err)
	}
	for _, v := range []string{s.Domain, s.Selector} {
		if _, err := signed.ASCIIName(v); err != nil || strings.ContainsAny(v, ";=, ") {
			return fmt.Errorf("dkim: %q is no domain or selector", v)
		}
	}
	if s.Identity != "" {
		at := strings.LastIndexByte(s.Identity, '@')
		if at < 0 || !signed.Within(s.Identity[at+1:], s.Domain) || strings.ContainsFunc(s.Identity, func(r rune) bool { return r <= ' ' || r == ';' || r == 0x7f }) {
			return ErrIdentity
		}
	}
	for _, list := range [][]string{s.Fields, s.Oversign} {
		for _, n := range list {
			if n == "" || strings.ContainsAny(n, ":; \t\r\n") {
				return fmt.Errorf("dkim: %q is no field name", n)
			}
		}
	}
	return nil
}
