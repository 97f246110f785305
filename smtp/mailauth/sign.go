package mailauth

import (
	"io"

	"github.com/buuta/mail/smtp/mailauth/dkim"
)

// Sign reads a message that goes out and returns its DKIM-Signature fields, one for each signer, to be put before it. The
// message must be as it will be sent: CRLF line ends, lines no longer than 998 octets, nothing of it changed later.
func Sign(message io.Reader, signers ...*dkim.Signer) (string, error) {
	return dkim.Sign(message, 0, signers...)
}
