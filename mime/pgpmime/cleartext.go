package pgpmime

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// VerifyCleartext checks a text that was signed where it stands, "-----BEGIN PGP SIGNED MESSAGE-----" (RFC 9580 section 7), without MIME. b is
// the text as it was sent: with its transfer encoding undone, its charset as it is. header is the message's.
//
// Of the result, Part and Header are nil; Content is the first text of the kind, without what marked it; Whole says that nothing stands around it
// in b. Whether b is all of the message is the caller's to know. The error is ErrNotSigned, ErrSyntax, ErrTooMany or that b is too large.
func (v *Verifier) VerifyCleartext(b []byte, header *mime.Header) (s *Signed, err error) {
	defer func() {
		if recover() != nil { // the library's way of stumbling over damage
			s, err = nil, ErrSyntax
		}
	}()
	limit := v.Limits.Size
	if limit <= 0 {
		limit = entity.DefaultSize
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("pgpmime: %w", entity.ErrTooLarge)
	}
	b = bytes.TrimSpace(b) // so that the first mark is the one that is read
	block, rest := clearsign.Decode(b)
	if block == nil {
		if IsCleartext(b) {
			return nil, ErrSyntax
		}
		return nil, ErrNotSigned
	}
	sigs, err := io.ReadAll(block.ArmoredSignature.Body)
	if err != nil || block.ArmoredSignature.Type != openpgp.SignatureType {
		return nil, ErrSyntax
	}
	s = &Signed{Content: block.Bytes, Whole: bytes.HasPrefix(b, cleartextMark) && len(bytes.TrimSpace(rest)) == 0}
	if err := v.signatures(s, sigs, header); err != nil {
		return nil, err
	}
	return s, nil
}

var cleartextMark = []byte("-----BEGIN PGP SIGNED MESSAGE-----")

// IsCleartext reports whether a text has the line that begins what is signed where it stands.
func IsCleartext(b []byte) bool {
	return bytes.HasPrefix(b, cleartextMark) || bytes.Contains(b, append([]byte("\n"), cleartextMark...))
}

// signatures checks the signatures of what s.Content holds.
func (v *Verifier) signatures(s *Signed, sigs []byte, from *mime.Header) error {
	packets := packet.NewOpaqueReader(bytes.NewReader(sigs))
	for {
		one, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || one.Tag != 2 { // nothing but signatures
			return ErrSyntax
		}
		if len(s.Signatures) >= v.Limits.signatures() {
			return ErrTooMany
		}
		g := v.signature(one, s.Content)
		g.MatchesFrom = entity.MatchesFrom(g.Addresses, from, onlyWithFrom(s.Header))
		s.Signatures = append(s.Signatures, g)
	}
	if len(s.Signatures) == 0 {
		return ErrNotSigned
	}
	return nil
}
