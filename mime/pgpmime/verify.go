package pgpmime

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Verifier checks signatures.
type Verifier struct {
	// Keys finds the keys of signers whom the reader trusts: an openpgp.EntityList, or a store's own.
	Keys openpgp.KeyRing

	Config *packet.Config // its Time is when keys must be valid; nil: now
	Limits Limits
}

// Signed is a signed message that was checked. Look at each Signature's Err: a message may be signed well or badly.
type Signed struct {
	Part       *mime.Part // the multipart/signed in the message's index; nil when the signature came with the encryption
	Whole      bool       // it is the whole message, so that nothing foreign stands beside it
	Signatures []Signature

	Content []byte // what the signatures cover: a MIME entity, header and body, with CRLF
	// Header holds the header fields within the signature (RFC 9788): the Subject and From to show. nil if there are none, or if
	// the message isn't Whole.
	Header *mime.Header
}

// Signature is one signer's.
type Signature struct {
	Err         error           // nil: the content is what the key's holder signed, and the key is valid
	KeyID       uint64          // whose it says it is; 0 if it doesn't
	Key         *openpgp.Entity // nil if not found
	Addresses   []string        // the mail addresses of the key's user IDs
	MatchesFrom bool            // one of them is the message's only author, inside and outside
	Time        time.Time       // when it was signed, as the signer says
}

// Good reports whether the whole message was signed by its author with a key of the ring.
func (s *Signed) Good() bool {
	for i := range s.Signatures {
		if g := &s.Signatures[i]; g.Err == nil && g.MatchesFrom && s.Whole {
			return true
		}
	}
	return false
}

// Verify finds the first signed part of a message, outside of attached messages, and checks its signatures. The
// error is ErrNotSigned, ErrSyntax, ErrTooMany or r's; what is wrong with a signature is in the result.
func (v *Verifier) Verify(r io.ReaderAt, size int64) (*Signed, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	h, err := entity.Header(r, ix.Root)
	if err != nil {
		return nil, fmt.Errorf("pgpmime: %w", err)
	}
	p := findSigned(ix.Root)
	if p == nil {
		return nil, ErrNotSigned
	}
	return v.verify(r, p, p == ix.Root, h)
}

func (v *Verifier) verify(r io.ReaderAt, p *mime.Part, whole bool, from *mime.Header) (*Signed, error) {
	raw, err := entity.ReadSpan(r, p.Parts[0].Span(), v.Limits.Size)
	if err != nil {
		return nil, fmt.Errorf("pgpmime: %w", err)
	}
	s := &Signed{Part: p, Whole: whole, Content: entity.Canonical(raw)}
	if whole {
		s.Header = entity.Protected(s.Content)
	}
	sigs, err := readArmor(r, p.Parts[1], openpgp.SignatureType, v.Limits.Size)
	if err != nil {
		return nil, err
	}
	if err := v.signatures(s, sigs, from); err != nil {
		return nil, err
	}
	return s, nil
}

// onlyWithFrom leaves out a protected header that doesn't tell of an author.
func onlyWithFrom(h *mime.Header) *mime.Header {
	if h != nil && h.Has("From") {
		return h
	}
	return nil
}

// signature checks one signature packet.
func (v *Verifier) signature(p *packet.OpaquePacket, content []byte) (g Signature) {
	defer func() {
		if recover() != nil { // the library's way of stumbling over damage
			g = Signature{Err: ErrSyntax}
		}
	}()
	parsed, err := p.Parse()
	sig, ok := parsed.(*packet.Signature)
	if err != nil || !ok {
		return Signature{Err: ErrSyntax}
	}
	g.describe(sig, v.Keys)
	if g.Err = checkDigest(sig); g.Err != nil {
		return g
	}
	if g.Key == nil {
		g.Err = ErrUnknownKey
		return g
	}
	var one bytes.Buffer
	if err := p.Serialize(&one); err != nil {
		g.Err = ErrSyntax
		return g
	}
	_, signer, err := openpgp.VerifyDetachedSignature(v.Keys, bytes.NewReader(content), &one, v.Config)
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		g.Err = ErrUnknownKey
	case err != nil:
		g.Err = fmt.Errorf("pgpmime: %w", err)
	default:
		g.setKey(signer)
	}
	return g
}

// describe fills in who and when.
func (g *Signature) describe(sig *packet.Signature, ring openpgp.KeyRing) {
	g.Time = sig.CreationTime
	if sig.IssuerKeyId == nil {
		return
	}
	g.KeyID = *sig.IssuerKeyId
	if ring != nil {
		if keys := ring.KeysByIdUsage(g.KeyID, packet.KeyFlagSign); len(keys) > 0 {
			g.setKey(keys[0].Entity)
		}
	}
}

func (g *Signature) setKey(e *openpgp.Entity) {
	g.Key, g.Addresses = e, nil
	for _, id := range e.Identities {
		if id.UserId != nil && id.UserId.Email != "" && !id.Revoked(time.Now()) {
			g.Addresses = append(g.Addresses, id.UserId.Email)
		}
	}
	slices.Sort(g.Addresses)
}

func checkDigest(sig *packet.Signature) error {
	switch sig.Hash {
	case crypto.MD5, crypto.SHA1, crypto.RIPEMD160: // RFC 9580 section 9.5
		return ErrWeakDigest
	}
	return nil
}

// findSigned returns the first signed part: not inside an attached message, which is another message.
func findSigned(p *mime.Part) *mime.Part {
	if isSigned(p) {
		return p
	}
	for _, c := range p.Parts {
		if f := findSigned(c); f != nil {
			return f
		}
	}
	return nil
}

func isSigned(p *mime.Part) bool {
	return p.Type == "multipart" && p.Subtype == "signed" && len(p.Parts) == 2 && p.Parts[1].Type == "application" && p.Parts[1].Subtype == "pgp-signature"
}
