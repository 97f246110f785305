package smime

import "errors"

// Limits bound what a message can make its reader spend. Each zero field is its default.
type Limits struct {
	Size         int64 // octets of a message, and of what is inside; default 64 MiB
	Signers      int   // signatures that are checked; default 10
	Certificates int   // certificates in a message; default 50
	Recipients   int   // recipients of a message; default 1,000
}

func (l Limits) signers() int      { return orDefault(l.Signers, 10) }
func (l Limits) certificates() int { return orDefault(l.Certificates, 50) }
func (l Limits) recipients() int   { return orDefault(l.Recipients, 1000) }

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// What can be wrong with a message.
var (
	ErrNotSigned       = errors.New("smime: message is not signed")
	ErrNotEncrypted    = errors.New("smime: message is not encrypted")
	ErrNotWhole        = errors.New("smime: an encrypted part is not the whole message")
	ErrNoKey           = errors.New("smime: message is not encrypted to a key at hand")
	ErrIntegrity       = errors.New("smime: encrypted content was changed or the key is wrong")
	ErrUnauthenticated = errors.New("smime: encryption without integrity, and no good signature inside")
	ErrUnsupported     = errors.New("smime: algorithm not supported")
	ErrTooMany         = errors.New("smime: more signers, recipients or certificates than the limit")
	ErrSyntax          = errors.New("smime: damaged CMS structure")

	// About one signature, in Signature.Err.
	ErrNoCertificate = errors.New("smime: the signer's certificate is not at hand")
	ErrWeakDigest    = errors.New("smime: signed with a digest that can be forged (SHA-1 or older)")
	ErrAttributes    = errors.New("smime: signed attributes do not fit the content")
)
