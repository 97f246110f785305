package arc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// ErrClosed says that a chain has failed before and can't be continued (section 5.1.3).
var ErrClosed = errors.New("arc: the chain is closed")

// Seal reads a message, as it will be sent on, and returns the three fields of a new set, to be put before it. results is what was
// found when the message came in, and chain what became of its chain then: its Result is the new cv=. A chain of which
// Fail was sealed is ErrClosed, one of 50 sets ErrTooMany; the message goes on without a seal.
//
// signer makes both signatures; its Fields are what the message signature covers. Fields of ARC and Authentication-Results
// are never among them (section 4.1.2).
func Seal(message io.Reader, signer *dkim.Signer, results *authres.Results, chain *Result, lim dkim.Limits) (string, error) {
	r := bufio.NewReader(signed.Lines(message))
	h, err := signed.ReadHeader(r, lim.WithDefaults().HeaderBytes)
	if err != nil {
		return "", err
	}
	var bodies signed.Bodies
	hash := bodies.Add(map[bool]signed.Canon{true: signed.Simple, false: signed.Relaxed}[signer.SimpleBody], -1)
	if _, err := bodies.ReadFrom(r); err != nil {
		return "", err
	}
	return seal(h, hash, signer, results, chain)
}

func seal(h signed.Header, hash *signed.BodyHash, signer *dkim.Signer, results *authres.Results, chain *Result) (string, error) {
	if err := h.Begins(); err != nil {
		return "", err
	}
	sets, highest, bad := collect(h, 0)
	if n := len(sets); n > 0 && sets[n-1].CV == authres.Fail {
		return "", ErrClosed
	}
	n := highest + 1
	if n > MaxSets {
		return "", ErrTooMany
	}
	cv := authres.Fail
	switch {
	case bad != nil:
	case n == 1:
		cv = authres.None
	case chain != nil && chain.Result == authres.Pass:
		cv = authres.Pass
	}
	s := *signer
	s.Identity = ""
	s.Fields = covered(signer.Fields, dkim.DefaultFields)
	if signer.Fields == nil {
		s.Fields = append(s.Fields, "DKIM-Signature")
	}
	if signer.Oversign == nil {
		s.Oversign = []string{}
	} else {
		s.Oversign = covered(signer.Oversign, nil)
	}
	aar := fmt.Sprintf("%s: i=%d; %s\r\n", aarField, n, results.Value())
	ams, err := s.Field(h, amsField, fmt.Sprintf("i=%d; ", n), hash)
	if err != nil {
		return "", err
	}
	as, err := s.Seal(asField, fmt.Sprintf("i=%d; cv=%s; ", n, cv), func(as []byte) []byte {
		all := append(signed.Header{signed.Field(aar), signed.Field(ams), signed.Field(as)}, h...)
		own := Set{Instance: n, aar: 0, ams: 1, as: 2}
		if cv == authres.Fail { // section 5.1.2: only the newest set is signed, the others may not be in order
			return sealHash(all, []Set{own}, as)
		}
		moved := make([]Set, 0, n)
		for _, o := range sets {
			o.aar, o.ams, o.as = o.aar+3, o.ams+3, o.as+3
			moved = append(moved, o)
		}
		return sealHash(all, append(moved, own), as)
	})
	if err != nil {
		return "", err
	}
	return as + ams + aar, nil
}

// covered leaves out what a message signature must not cover.
func covered(fields, def []string) []string {
	if fields == nil {
		fields = def
	}
	out := []string{}
	for _, n := range fields {
		if l := strings.ToLower(n); l != "authentication-results" && !strings.HasPrefix(l, "arc-") {
			out = append(out, n)
		}
	}
	return out
}
