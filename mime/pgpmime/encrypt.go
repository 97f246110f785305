package pgpmime

import (
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Encrypter encrypts messages.
type Encrypter struct {
	To []*openpgp.Entity // all who shall read it, the author among them

	// Sign signs before encrypting, both in one OpenPGP message (RFC 3156 section 6.2); nil: the message isn't signed. It
	// must have its private key, unlocked.
	Sign *openpgp.Entity

	// ProtectHeader puts the header inside and leaves "[...]" as the Subject outside (RFC 9788).
	ProtectHeader bool

	Config *packet.Config // clock, ciphers and so on; nil: the library's defaults
	Limits Limits
}

// Encrypt reads a message and writes it as multipart/encrypted (RFC 3156 section 4).
func (e *Encrypter) Encrypt(w io.Writer, msg io.Reader) error {
	if len(e.To) == 0 {
		return errors.New("pgpmime: an Encrypter needs someone to encrypt to")
	}
	how := entity.None
	if e.ProtectHeader {
		how = entity.Cipher
	}
	outer, content, err := split(msg, how, e.Limits)
	if err != nil {
		return err
	}
	armored, err := writeArmor(openpgp.MessageType, func(w io.Writer) error {
		plain, err := openpgp.Encrypt(w, e.To, e.Sign, &openpgp.FileHints{IsBinary: true}, e.Config)
		if err != nil {
			return err
		}
		if _, err := plain.Write(content); err != nil {
			return err
		}
		return plain.Close()
	})
	if err != nil {
		return fmt.Errorf("pgpmime: %w", err)
	}
	boundary := entity.Boundary()
	ct := mime.FormatParams("multipart/encrypted", []mime.Param{{Name: "protocol", Value: "application/pgp-encrypted"}, {Name: "boundary", Value: boundary}})
	version := []byte("Content-Type: application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n\r\nVersion: 1\r\n")
	part := []byte("Content-Type: application/octet-stream; name=encrypted.asc\r\nContent-Disposition: inline; filename=encrypted.asc\r\n\r\n")
	return entity.Multipart(w, outer, ct, boundary, "This is an encrypted message (OpenPGP).", version, append(part, armored...))
}
