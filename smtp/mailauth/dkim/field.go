package dkim

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// names returns h=: every instance of the fields that are there, and one more of those that are oversigned.
func (s *Signer) names(h signed.Header) []string {
	fields, over := s.Fields, s.Oversign
	if fields == nil {
		fields = DefaultFields
	}
	if over == nil {
		over = defaultOversign
	}
	var out []string
	seen := map[string]bool{}
	add := func(n string) {
		key := strings.ToLower(n)
		if seen[key] {
			return
		}
		seen[key] = true
		for _, f := range h {
			if f.Is(n) {
				out = append(out, n)
			}
		}
		if key == "from" {
			out = append(out, n)
			return
		}
		for _, o := range over {
			if strings.EqualFold(o, n) {
				out = append(out, n)
				return
			}
		}
	}
	add("From")
	for _, n := range fields {
		add(n)
	}
	for _, n := range over {
		add(n)
	}
	return out
}

// Field makes a signature field with this name, whose tags begin with first. It is what [Sign] and package arc use.
func (s *Signer) Field(h signed.Header, name, first string, hash *signed.BodyHash) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	alg, err := signed.Algorithm(s.Key)
	if err != nil {
		return "", err
	}
	head := s.canon(s.SimpleHeader)
	names := s.names(h)
	w := &folder{}
	w.add(name + ": " + first + "a=" + alg + ";")
	w.add("c=" + head.String() + "/" + s.canon(s.SimpleBody).String() + ";")
	w.add("d=" + s.Domain + ";")
	w.add("s=" + s.Selector + ";")
	if s.Identity != "" {
		w.add("i=" + strings.ReplaceAll(s.Identity, "=", "=3D") + ";") // dkim-quoted-printable (RFC 6376 section 2.11)
	}
	now := s.now()
	if !s.NoTime {
		w.add(fmt.Sprintf("t=%d;", now.Unix()))
	}
	if s.Expire > 0 {
		w.add(fmt.Sprintf("x=%d;", now.Add(s.Expire).Unix()))
	}
	for i, n := range names {
		switch {
		case i == 0 && len(names) > 1:
			w.add("h=" + n + ":")
		case i == 0:
			w.add("h=" + n + ";")
		case i == len(names)-1:
			w.add(n + ";")
		default:
			w.add(n + ":")
		}
	}
	w.add("bh=" + encode(hash.Sum()) + ";")
	w.add("b=")
	sum := signed.HeaderHash(h, names, head, signed.Field(w.b.String()), -1)
	sig, err := signed.Sign(s.Key, sum)
	if err != nil {
		return "", fmt.Errorf("dkim: %w", err)
	}
	w.long(encode(sig))
	return w.b.String() + "\r\n", nil
}

// folder writes words on lines of at most 78 octets where they fit.
type folder struct {
	b    strings.Builder
	line int
}

func (w *folder) add(s string) {
	switch {
	case w.line == 0:
	case w.line+1+len(s) > 76:
		w.b.WriteString("\r\n\t")
		w.line = 8
	default:
		w.b.WriteByte(' ')
		w.line++
	}
	w.b.WriteString(s)
	w.line += len(s)
}

// long writes base64, which may be cut anywhere.
func (w *folder) long(s string) {
	for s != "" {
		n := min(len(s), max(76-w.line, 0))
		w.b.WriteString(s[:n])
		w.line += n
		if s = s[n:]; s != "" {
			w.b.WriteString("\r\n\t")
			w.line = 8
		}
	}
}

// Seal makes an ARC-Seal, whose tags begin with first: hash gets the field with an empty b= and returns what is signed.
func (s *Signer) Seal(name, first string, hash func(field []byte) []byte) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	alg, err := signed.Algorithm(s.Key)
	if err != nil {
		return "", err
	}
	w := &folder{}
	w.add(name + ": " + first + "a=" + alg + ";")
	w.add("d=" + s.Domain + ";")
	w.add("s=" + s.Selector + ";")
	if !s.NoTime {
		w.add(fmt.Sprintf("t=%d;", s.now().Unix()))
	}
	w.add("b=")
	sig, err := signed.Sign(s.Key, hash([]byte(w.b.String())))
	if err != nil {
		return "", fmt.Errorf("dkim: %w", err)
	}
	w.long(encode(sig))
	return w.b.String() + "\r\n", nil
}

func (s *Signer) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
