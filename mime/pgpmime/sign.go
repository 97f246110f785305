package pgpmime

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Signer signs messages.
type Signer struct {
	Key *openpgp.Entity // with its private key, unlocked

	// ProtectHeader repeats the header within what is signed, so that Subject and From are covered too (RFC 9788).
	ProtectHeader bool

	Config *packet.Config // clock, digest and so on; nil: the library's defaults, which are SHA-256 and the wall clock
	Limits Limits
}

// Sign reads a message and writes it as multipart/signed (RFC 3156 section 5). Its content must be 7bit; what mime.Builder
// writes is, unless a message in 8bit is attached to it.
func (s *Signer) Sign(w io.Writer, msg io.Reader) error {
	if s.Key == nil {
		return errors.New("pgpmime: a Signer needs a Key")
	}
	how := entity.None
	if s.ProtectHeader {
		how = entity.Clear
	}
	outer, content, err := split(msg, how, s.Limits)
	if err != nil {
		return err
	}
	if err := entity.Check7Bit(content); err != nil {
		return fmt.Errorf("pgpmime: %w", err)
	}
	var sig bytes.Buffer
	// "The digital signature MUST be calculated over both the data to be signed and its set of content headers", with CRLF (section 5).
	if err := openpgp.DetachSign(&sig, s.Key, bytes.NewReader(content), s.Config); err != nil {
		return fmt.Errorf("pgpmime: %w", err)
	}
	p, err := packet.Read(bytes.NewReader(sig.Bytes()))
	made, ok := p.(*packet.Signature)
	if err != nil || !ok {
		return fmt.Errorf("pgpmime: signature cannot be read back: %w", err)
	}
	armored, err := writeArmor(openpgp.SignatureType, func(w io.Writer) error {
		_, err := w.Write(sig.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	boundary := entity.Boundary()
	ct := mime.FormatParams("multipart/signed", []mime.Param{
		{Name: "protocol", Value: "application/pgp-signature"}, {Name: "micalg", Value: micalg(made.Hash)}, {Name: "boundary", Value: boundary},
	})
	part := []byte("Content-Type: application/pgp-signature; name=signature.asc\r\nContent-Description: OpenPGP digital signature\r\n\r\n")
	return entity.Multipart(w, outer, ct, boundary, "This is a signed message (OpenPGP).", content, append(part, armored...))
}

// micalg names a digest: "pgp-" and its name in lower case (RFC 3156 section 5).
func micalg(h crypto.Hash) string {
	return "pgp-" + strings.ReplaceAll(strings.ToLower(h.String()), "-", "")
}

func split(msg io.Reader, how entity.Protection, lim Limits) (*mime.Header, []byte, error) {
	b, err := entity.Read(msg, lim.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("pgpmime: %w", err)
	}
	outer, content, err := entity.Split(entity.Canonical(b), how)
	if err != nil {
		return nil, nil, fmt.Errorf("pgpmime: %w", err)
	}
	return outer, content, nil
}
