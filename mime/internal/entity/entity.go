// Package entity is what S/MIME and OpenPGP share: a message taken apart into the header that stays outside and the MIME
// entity that is signed or encrypted, in the canonical form both sides hash, and the header fields protected within it
// (RFC 9788).
package entity

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/mime"
)

// What can be wrong with a message.
var (
	ErrTooLarge = errors.New("message is larger than the limit")
	ErrNot7Bit  = errors.New("content to be signed must be 7bit with short lines; use quoted-printable or base64")
	ErrHeader   = errors.New("a line of the header is no field")
)

// DefaultSize is how many octets of a message are held where a Limits doesn't say.
const DefaultSize = 64 << 20

// Read reads everything; the error is r's or ErrTooLarge.
func Read(r io.Reader, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultSize
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, ErrTooLarge
	}
	return b, err
}

// ReadSpan reads a piece of a message.
func ReadSpan(r io.ReaderAt, s mime.Span, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = DefaultSize
	}
	if s.Size > limit {
		return nil, ErrTooLarge
	}
	b := make([]byte, s.Size)
	if n, err := r.ReadAt(b, s.Offset); n < len(b) {
		return nil, err
	}
	return b, nil
}

// Canonical returns b with each line ended by CRLF: "each line MUST end with <CR><LF>" (RFC 8551 section 3.1.1, RFC 3156 section 5). A
// CR alone stays as it is. b itself is returned when there is nothing to do.
func Canonical(b []byte) []byte {
	bare := bytes.Count(b, []byte("\n")) - bytes.Count(b, []byte("\r\n"))
	if bare == 0 {
		return b
	}
	out := make([]byte, 0, len(b)+bare)
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// Check7Bit tells whether a content comes through every transport unchanged: "it is required that the data to be signed
// be represented as 7-bit" (RFC 8551 section 3.1.3), "all data signed […] MUST be constrained to 7 bits" (RFC 3156 section 3).
func Check7Bit(b []byte) error {
	line := 0
	for _, c := range b {
		if line++; c == '\n' {
			line = 0
		}
		if c >= 0x80 || c == 0 || line > 999 {
			return ErrNot7Bit
		}
	}
	return nil
}

// Split takes a message with CRLF line ends apart: outer keeps the fields that speak of the message, content is an entity of the Content-*
// fields and the body, which is not touched.
func Split(msg []byte, p Protection) (outer *mime.Header, content []byte, err error) {
	h := mime.ParseHeader(msg, nil)
	body := msg[len(h.AppendTo(nil)):]
	outer = &mime.Header{}
	inner := &mime.Header{}
	for f := range h.All() {
		name := strings.ToLower(f.Name())
		switch {
		case !f.IsField():
			return nil, nil, ErrHeader
		case strings.HasPrefix(name, "content-"):
			inner.AddField(f)
		case name != "mime-version":
			outer.AddField(f)
		}
	}
	if p != None {
		if outer, inner, err = p.protect(outer, inner); err != nil {
			return nil, nil, err
		}
	}
	err = outer.AddRaw("MIME-Version", "1.0")
	return outer, append(inner.AppendTo(nil), body...), err
}

// Boundary returns a delimiter of 128 random bits, which nothing that is signed can hold.
func Boundary() string { return "=_" + rand.Text() }

// Multipart writes a message of a header, to which the Content-Type is added, and the parts as they stand.
func Multipart(w io.Writer, h *mime.Header, contentType, boundary, preamble string, parts ...[]byte) error {
	if err := h.AddRaw("Content-Type", contentType); err != nil {
		return err
	}
	b := append(h.AppendTo(nil), preamble...)
	for _, p := range parts {
		b = fmt.Appendf(b, "\r\n--%s\r\n", boundary)
		b = append(b, p...)
	}
	b = fmt.Appendf(b, "\r\n--%s--\r\n", boundary)
	_, err := w.Write(b)
	return err
}

// Header returns the header at the beginning of a message or part.
func Header(r io.ReaderAt, p *mime.Part) (*mime.Header, error) {
	b, err := ReadSpan(r, p.Header, 16<<20)
	if err != nil {
		return nil, err
	}
	return mime.ParseHeader(b, nil), nil
}

// MatchesFrom reports whether one of a signer's addresses is the author's: the message has one From with one mailbox, and
// so has the protected header, if it has any. Domain and local-part are compared without regard to ASCII case (RFC 8550 section 3).
func MatchesFrom(addresses []string, headers ...*mime.Header) bool {
	for _, h := range headers {
		if h == nil {
			continue
		}
		n, ok := 0, false
		for a := range mime.Mailboxes(h.Addresses("From")) {
			n++
			for _, s := range addresses {
				ok = ok || a.Host != "" && equalFoldASCII(s, a.Addr())
			}
		}
		if n != 1 || !ok {
			return false
		}
	}
	return len(addresses) > 0
}

func equalFoldASCII(a, b string) bool {
	return len(a) == len(b) && lowerASCII(a) == lowerASCII(b)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
