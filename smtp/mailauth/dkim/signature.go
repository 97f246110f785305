package dkim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Signature is what became of one DKIM-Signature field.
type Signature struct {
	Result authres.Code // Pass, Fail, Neutral, Policy, TempError, PermError
	Err    error        // why it isn't Pass; one of the errors below, or it wraps one

	Domain    string    // d=, in lower case
	Selector  string    // s=
	Identity  string    // i=, decoded; "@" and Domain where it isn't given
	Algorithm string    // a=
	Fields    []string  // h=, as written
	Time      time.Time // t=, zero where it isn't given
	Expires   time.Time // x=, likewise

	// Testing says that the key's domain is only trying DKIM out (t=y): a signature that fails must not count against the
	// message more than none would (RFC 6376 section 3.6.1).
	Testing bool

	// Unsigned is how many octets of the canonical body lie behind what l= covers. Whoever adds to a message can put there
	// what he wants (RFC 6376 section 8.2).
	Unsigned int64

	KeyBits int // of an RSA key that was found

	b       []byte // b=
	hash    []byte // bh=
	headers signed.Canon
	body    signed.Canon
	l       int64 // -1: not given
}

// The reasons why a signature isn't Pass. Those of a key are permanent, but for ErrLookup.
var (
	ErrSyntax    = errors.New("bad signature syntax")           // PermError
	ErrVersion   = errors.New("unknown signature version")      // PermError
	ErrAlgorithm = errors.New("unacceptable algorithm")         // PermError
	ErrNoFrom    = errors.New("no From field signed")           // PermError
	ErrIdentity  = errors.New("identity is not of the domain")  // PermError
	ErrExpired   = errors.New("signature expired")              // PermError
	ErrFuture    = errors.New("signature is from the future")   // PermError
	ErrBodyHash  = errors.New("body hash did not verify")       // Fail
	ErrMismatch  = errors.New("signature did not verify")       // Fail
	ErrLength    = errors.New("l= is longer than the body")     // PermError
	ErrPartial   = errors.New("signature covers only a part")   // Policy
	ErrTooMany   = errors.New("more signatures than the limit") // Policy
	ErrLookup    = errors.New("key lookup failed")              // TempError

	ErrNoKey    = signed.ErrNoKey    // PermError
	ErrRevoked  = signed.ErrRevoked  // PermError
	ErrBadKey   = signed.ErrBadKey   // PermError
	ErrService  = signed.ErrService  // PermError
	ErrKeyType  = signed.ErrKeyType  // PermError
	ErrShortKey = signed.ErrShortKey // Policy
	ErrLongKey  = signed.ErrLongKey  // Policy
)

// Temporary reports whether trying later may help.
func (s *Signature) Temporary() bool { return s.Result == authres.TempError }

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

// parse reads the tags of a DKIM-Signature field (RFC 6376 section 3.5), or of an ARC-Message-Signature, which has no version
// and another meaning of i=.
func parse(f signed.Field, lim Limits, arc bool) (*Signature, error) {
	s := &Signature{l: -1}
	t, err := signed.ParseTags(f.Value())
	if err != nil {
		return s, syntax("%v", err)
	}
	s.Domain, s.Selector, s.Algorithm = strings.ToLower(t["d"]), t["s"], t["a"]
	i, hasI := t["i"]
	s.Identity = unquote(i)
	if !hasI && !arc {
		s.Identity = "@" + s.Domain
	}
	s.Fields = signed.List(t["h"])
	if !arc {
		switch v, ok := t["v"]; {
		case !ok:
			return s, syntax("no v=")
		case v != "1":
			return s, ErrVersion
		}
	}
	for _, name := range []string{"a", "b", "bh", "d", "h", "s"} {
		if t[name] == "" {
			return s, syntax("no %s=", name)
		}
	}
	if d, err := signed.ASCIIName(s.Domain); err != nil || !strings.Contains(d, ".") { // sub-domain 1*("." sub-domain)
		return s, syntax("d= is no domain name")
	}
	if s.Algorithm != "rsa-sha256" && s.Algorithm != "ed25519-sha256" { // rsa-sha1: RFC 8301 section 3.1
		return s, ErrAlgorithm
	}
	if s.b, err = base64.StdEncoding.DecodeString(signed.NoSpace(t["b"])); err != nil {
		return s, syntax("b= is no base64")
	}
	if s.hash, err = base64.StdEncoding.DecodeString(signed.NoSpace(t["bh"])); err != nil {
		return s, syntax("bh= is no base64")
	}
	if err := s.canons(t); err != nil {
		return s, err
	}
	if q, ok := t["q"]; ok && !slices.Contains(signed.List(q), "dns/txt") {
		return s, syntax("unknown query method")
	}
	if err := s.numbers(t); err != nil {
		return s, err
	}
	if len(s.Fields) > lim.HeaderFields {
		return s, syntax("h= names too many fields")
	}
	if slices.Contains(s.Fields, "") {
		return s, syntax("h= has an empty name")
	}
	if !slices.ContainsFunc(s.Fields, func(n string) bool { return strings.EqualFold(n, "From") }) {
		return s, ErrNoFrom
	}
	if !arc {
		at := strings.LastIndexByte(s.Identity, '@')
		if at < 0 || !signed.Within(s.Identity[at+1:], s.Domain) {
			return s, ErrIdentity
		}
	}
	return s, nil
}

// unquote reads dkim-quoted-printable (RFC 6376 section 2.11): white space is nothing, "=3B" is ";". What is no such octet stays
// as it is.
func unquote(s string) string {
	s = signed.NoSpace(s)
	if !strings.Contains(s, "=") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && strings.ToUpper(s[i+1:i+3]) == s[i+1:i+3] {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (s *Signature) canons(t signed.Tags) error {
	c, ok := t["c"]
	if !ok {
		return nil
	}
	head, body, _ := strings.Cut(c, "/")
	for i, v := range []string{head, body} {
		form := signed.Simple
		switch v {
		case "relaxed":
			form = signed.Relaxed
		case "simple":
		default:
			if i == 1 && !strings.Contains(c, "/") {
				continue // without a second word the body is simple
			}
			return syntax("unknown canonical form")
		}
		if i == 0 {
			s.headers = form
		} else {
			s.body = form
		}
	}
	return nil
}

func (s *Signature) numbers(t signed.Tags) error {
	num := func(name string, digits int) (int64, bool, error) {
		v, ok := t[name]
		if !ok {
			return 0, false, nil
		}
		if v == "" || len(v) > digits || strings.Trim(v, "0123456789") != "" {
			return 0, true, syntax("%s= is no number", name)
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil { // 76 digits are allowed: such a length is longer than any body, such a time later than any
			n = 1<<63 - 1
		}
		return n, true, nil
	}
	if l, ok, err := num("l", 76); err != nil {
		return err
	} else if ok {
		s.l = l
	}
	at, hasT, err := num("t", 12)
	if err != nil {
		return err
	}
	if hasT {
		s.Time = time.Unix(at, 0).UTC()
	}
	x, hasX, err := num("x", 12)
	if err != nil {
		return err
	}
	if hasX {
		s.Expires = time.Unix(x, 0).UTC()
		if hasT && x <= at { // section 3.5: x= MUST be greater than t=
			return syntax("x= is not after t=")
		}
	}
	return nil
}
