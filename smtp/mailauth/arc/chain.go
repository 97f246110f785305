package arc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// The names of the fields.
const (
	aarField = "ARC-Authentication-Results"
	amsField = "ARC-Message-Signature"
	asField  = "ARC-Seal"
)

// instance reads i=: one or two digits (position, section 3.9). What is above 50 is told by collect.
func instance(s string) (int, bool) {
	if s == "" || len(s) > 2 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1
}

// piece is one field of a set.
type piece struct {
	at       int
	name     string
	instance int
	tags     signed.Tags
	body     string // of an AAR, behind the instance
}

// read reads a field of ARC. ok is false where it has no good instance.
func read(f signed.Field, at int) (p piece, is, ok bool) {
	p = piece{at: at, name: aarField}
	switch {
	case f.Is(aarField):
		head, body, more := cutComments(f.Value())
		name, value, _ := strings.Cut(head, "=")
		p.body = body
		p.instance, ok = instance(strings.TrimSpace(value))
		return p, true, ok && more && strings.TrimSpace(name) == "i"
	case f.Is(amsField):
		p.name = amsField
	case f.Is(asField):
		p.name = asField
	default:
		return p, false, false
	}
	tags, err := signed.ParseTags(f.Value())
	if err != nil {
		return p, true, false
	}
	p.tags = tags
	p.instance, ok = instance(tags["i"])
	return p, true, ok
}

// collect finds the sets of a header and checks the structure of the chain (section 5.2, steps 1 to 3). highest is the
// greatest instance of any field, in a broken chain too.
func collect(h signed.Header, most int) (sets []Set, highest int, err error) {
	if most <= 0 || most > MaxSets {
		most = MaxSets
	}
	for at, f := range h {
		p, is, ok := read(f, at)
		if !is {
			continue
		}
		if ok {
			highest = max(highest, p.instance)
		}
		switch {
		case err != nil: // only the highest instance is still of interest
		case !ok:
			err = fail(ErrStructure, "%s has no good instance", p.name)
		case p.instance > most:
			err = ErrTooMany
		default:
			for len(sets) < p.instance {
				sets = append(sets, Set{Instance: len(sets) + 1, aar: -1, ams: -1, as: -1})
			}
			if !sets[p.instance-1].add(p) {
				err = fail(ErrStructure, "i=%d has two of %s", p.instance, p.name)
			}
		}
	}
	if err != nil {
		return nil, highest, err
	}
	return sets, highest, structure(sets)
}

// add puts a field into its place. It reports false where that is taken.
func (s *Set) add(p piece) bool {
	place := &s.aar
	switch p.name {
	case amsField:
		place = &s.ams
	case asField:
		place = &s.as
	}
	if *place >= 0 {
		return false
	}
	*place = p.at
	switch p.name {
	case asField:
		s.seal, s.Domain, s.Selector, s.CV = p.tags, strings.ToLower(p.tags["d"]), p.tags["s"], authres.Code(strings.ToLower(p.tags["cv"]))
	case aarField:
		s.Results, _ = authres.Parse(p.body)
	}
	return true
}

func structure(sets []Set) error {
	if n := len(sets); n > 0 && sets[n-1].as >= 0 && sets[n-1].CV == authres.Fail {
		return ErrCV
	}
	for _, s := range sets {
		want := authres.Pass
		if s.Instance == 1 {
			want = authres.None
		}
		switch {
		case s.aar < 0 || s.ams < 0 || s.as < 0:
			return fail(ErrStructure, "i=%d is not complete", s.Instance)
		case s.CV != want:
			return fail(ErrCV, "i=%d has cv=%.20q", s.Instance, s.CV)
		}
	}
	return nil
}

// cutComments cuts an AAR behind its instance, around which CFWS may stand: what comes before the ";" is without comments.
func cutComments(s string) (before, after string, found bool) {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && depth > 0:
			i++
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c == ';':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", false
}

// sealHash hashes all sets up to one: AAR, AMS, AS of each, relaxed, the last AS without its b= and its CRLF (section 5.1.1).
func sealHash(h signed.Header, sets []Set, last signed.Field) []byte {
	sum := sha256.New()
	var buf []byte
	for i, s := range sets {
		for _, at := range []int{s.aar, s.ams, s.as} {
			f := signed.Field(nil)
			if at >= 0 {
				f = h[at]
			}
			final := i == len(sets)-1 && at == s.as
			if final {
				f = last.WithoutB()
			}
			buf = signed.Relaxed.AppendField(buf[:0], f)
			if final {
				buf = signed.TrimCRLF(buf)
			}
			sum.Write(buf)
		}
	}
	return sum.Sum(nil)
}

var errSyntax = errors.New("bad syntax")

// seal checks one ARC-Seal.
func (c *Check) seal(ctx context.Context, i int) error {
	s := c.res.Sets[i-1]
	t := s.seal
	_, hasH := t["h"] // section 4.1.3: must fail
	_, hasBH := t["bh"]
	if hasH || hasBH || t["a"] == "" || t["d"] == "" || t["s"] == "" || t["b"] == "" {
		return errSyntax
	}
	sig, err := base64.StdEncoding.DecodeString(signed.NoSpace(t["b"]))
	if err != nil {
		return errSyntax
	}
	kind, hash, _ := strings.Cut(t["a"], "-")
	if hash != "sha256" {
		return errors.New("unacceptable algorithm")
	}
	lim := c.v.Limits.WithDefaults()
	ctx, cancel := context.WithTimeout(ctx, lim.LookupTime)
	defer cancel()
	keys, err := signed.LookupKeys(ctx, c.v.Resolver, s.Selector, s.Domain, lim.KeyBits)
	if t, ok := err.(*signed.Temporary); ok {
		return fmt.Errorf("%w: %w", dkim.ErrLookup, t.Err)
	}
	if err != nil {
		return err
	}
	sum := sealHash(c.h, c.res.Sets[:i], c.h[s.as])
	for _, k := range keys {
		if k.Type == kind && (k.Hashes == nil || slices.Contains(k.Hashes, hash)) && k.Check(sum, sig) {
			return nil
		}
	}
	return errors.New("signature did not verify")
}
