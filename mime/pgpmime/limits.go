package pgpmime

import "errors"

// Limits bound what a message can make its reader spend. Each zero field is its default.
type Limits struct {
	Size       int64 // octets of a message, and of what is inside after decompression; default 64 MiB
	Signatures int   // signatures that are checked; default 10
	Recipients int   // keys that a message may be encrypted to; default 1,000
}

func (l Limits) signatures() int { return orDefault(l.Signatures, 10) }
func (l Limits) recipients() int { return orDefault(l.Recipients, 1000) }

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// What can be wrong with a message.
var (
	ErrNotSigned    = errors.New("pgpmime: message is not signed")
	ErrNotEncrypted = errors.New("pgpmime: message is not encrypted")
	ErrNotWhole     = errors.New("pgpmime: an encrypted part is not the whole message")
	ErrNoKey        = errors.New("pgpmime: message is not encrypted to a key at hand")
	ErrIntegrity    = errors.New("pgpmime: encrypted content has no integrity protection, was changed, or is damaged")
	ErrTooMany      = errors.New("pgpmime: more signatures or recipients than the limit")
	ErrSyntax       = errors.New("pgpmime: not one block of OpenPGP armor of the right kind")

	// About one signature, in Signature.Err.
	ErrUnknownKey = errors.New("pgpmime: the signer's key is not at hand")
	ErrWeakDigest = errors.New("pgpmime: signed with a digest that can be forged (SHA-1 or older)")
)
