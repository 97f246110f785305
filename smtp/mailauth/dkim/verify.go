package dkim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Verifier checks the DKIM signatures of messages. It may be used by many goroutines at once.
type Verifier struct {
	Resolver Resolver
	Limits   Limits
	Now      func() time.Time // nil: time.Now

	// AllowPartial takes a signature whose l= doesn't reach to the body's end. Otherwise such a one is Policy, and not looked at
	// further, as RFC 6376 section 8.2 has it. Unsigned tells how much it leaves open, either way.
	AllowPartial bool
}

// Verify reads a message and returns what became of each signature, from the top. The error is that of reading; the message
// then has no results.
func (v *Verifier) Verify(ctx context.Context, message io.Reader) ([]*Signature, error) {
	var c *Checks
	_, err := signed.Read(message, v.Limits.WithDefaults().HeaderBytes, func(h signed.Header, bodies *signed.Bodies) { c = v.Begin(h, bodies) })
	if err != nil {
		return nil, err
	}
	return c.Finish(ctx), nil
}

// Checks are the signatures of a message whose body is being read.
type Checks struct {
	v    *Verifier
	h    signed.Header
	list []*check
}

type check struct {
	sig  *Signature
	at   int // in the header
	hash *signed.BodyHash
	arc  bool
}

// Begin reads the signatures of a header and asks for their body hashes. It is for package mailauth, which reads the body for
// something else too: others have [Verifier.Verify].
func (v *Verifier) Begin(h signed.Header, bodies *signed.Bodies) *Checks {
	lim := v.Limits.WithDefaults()
	c := &Checks{v: v, h: h}
	for i, f := range h {
		if !f.Is("DKIM-Signature") {
			continue
		}
		if len(c.list) >= lim.Signatures { // one stands for all that are too many
			c.list = append(c.list, &check{sig: &Signature{Result: authres.Policy, Err: ErrTooMany}})
			break
		}
		c.list = append(c.list, v.begin(h, i, lim, bodies, false))
	}
	return c
}

// BeginARC does for one ARC-Message-Signature, the field at this place, what Begin does for a message's signatures. It is for
// package arc.
func (v *Verifier) BeginARC(h signed.Header, at int, bodies *signed.Bodies) *Checks {
	return &Checks{v: v, h: h, list: []*check{v.begin(h, at, v.Limits.WithDefaults(), bodies, true)}}
}

func (v *Verifier) begin(h signed.Header, at int, lim Limits, bodies *signed.Bodies, arc bool) *check {
	s, err := parse(h[at], lim, arc)
	ck := &check{sig: s, at: at, arc: arc}
	if err == nil {
		err = v.inTime(s, lim)
	}
	if err != nil {
		s.Result, s.Err = authres.PermError, err
		return ck
	}
	l := s.l
	if !v.AllowPartial { // a part is never taken, and the whole has the hash of the whole
		l = -1
	}
	ck.hash = bodies.Add(s.body, l)
	return ck
}

func (v *Verifier) inTime(s *Signature, lim Limits) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	if !s.Expires.IsZero() && now.After(s.Expires) {
		return ErrExpired
	}
	if s.Time.After(now.Add(lim.Skew)) {
		return ErrFuture
	}
	return nil
}

// Finish looks up the keys and checks the signatures, after the body was read.
func (c *Checks) Finish(ctx context.Context) []*Signature {
	out := make([]*Signature, len(c.list))
	lim := c.v.Limits.WithDefaults()
	for i, ck := range c.list {
		out[i] = ck.sig
		if ck.sig.Result == "" {
			ck.sig.Result, ck.sig.Err = c.finish(ctx, ck, lim)
		}
	}
	return out
}

func (c *Checks) finish(ctx context.Context, ck *check, lim Limits) (authres.Code, error) {
	s := ck.sig
	if s.l > ck.hash.Size() {
		return authres.PermError, ErrLength
	}
	if s.l >= 0 {
		s.Unsigned = ck.hash.Size() - s.l
	}
	if s.Unsigned > 0 && !c.v.AllowPartial {
		return authres.Policy, ErrPartial
	}
	keyCtx, cancel := context.WithTimeout(ctx, lim.LookupTime)
	keys, err := signed.LookupKeys(keyCtx, c.v.Resolver, s.Selector, s.Domain, lim.KeyBits)
	cancel()
	if err != nil {
		return keyError(err)
	}
	code, err := authres.Fail, error(nil)
	for _, k := range keys {
		if code, err = c.checkKey(ck, k); code == authres.Pass {
			break
		}
	}
	return code, err
}

func keyError(err error) (authres.Code, error) {
	if t, ok := err.(*signed.Temporary); ok {
		return authres.TempError, fmt.Errorf("%w: %w", ErrLookup, t.Err)
	}
	if err == ErrShortKey || err == ErrLongKey {
		return authres.Policy, err
	}
	return authres.PermError, err
}

func (c *Checks) checkKey(ck *check, k *signed.Key) (authres.Code, error) {
	s := ck.sig
	s.Testing, s.KeyBits = k.Testing, k.Bits
	kind, hash, _ := strings.Cut(s.Algorithm, "-")
	if kind != k.Type {
		return authres.PermError, ErrKeyType
	}
	if k.Hashes != nil && !slices.Contains(k.Hashes, hash) {
		return authres.PermError, fmt.Errorf("%w: the key does not allow the hash", ErrAlgorithm)
	}
	if k.Strict && !ck.arc { // section 3.6.1, t=s
		if at := strings.LastIndexByte(s.Identity, '@'); !strings.EqualFold(s.Identity[at+1:], s.Domain) {
			return authres.PermError, ErrIdentity
		}
	}
	if !bytes.Equal(ck.hash.Sum(), s.hash) {
		return authres.Fail, ErrBodyHash
	}
	if !k.Check(signed.HeaderHash(c.h, s.Fields, s.headers, c.h[ck.at], ck.at), s.b) {
		return authres.Fail, ErrMismatch
	}
	return authres.Pass, nil
}

// Method returns the signature as part of an Authentication-Results field (RFC 8601 section 2.7.1).
func (s *Signature) Method() authres.Method {
	m := authres.Method{Name: "dkim", Result: s.Result}
	if s.Err != nil {
		m.Reason = s.Err.Error()
		if s.Result == authres.TempError { // who our name servers are is nobody's business
			m.Reason = ErrLookup.Error()
		}
	}
	if s.Testing {
		m.Comment = "test mode"
	}
	add := func(name, value string) {
		if value != "" {
			m.Props = append(m.Props, authres.Property{Type: "header", Name: name, Value: value})
		}
	}
	add("d", s.Domain)
	if s.Identity != "@"+s.Domain && s.Identity != "@" {
		add("i", s.Identity)
	}
	add("s", s.Selector)
	add("a", s.Algorithm)
	add("b", s.shortB())
	return m
}

// shortB is enough of b= to tell which signature is meant (RFC 6008 section 4).
func (s *Signature) shortB() string {
	if len(s.b) < 6 {
		return ""
	}
	return encode(s.b[:6])
}
