package pgpmime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Decrypter opens encrypted messages.
type Decrypter struct {
	// Keys finds the private keys to decrypt with and the public keys of signers: an openpgp.EntityList, or a store's own.
	Keys openpgp.KeyRing

	// Unlock decrypts private keys that are locked, with a passphrase it asks for. It is called at most three times for a message;
	// nil: locked keys aren't used.
	Unlock func(keys []openpgp.Key) error

	Config *packet.Config // its Time is when keys must be valid; nil: now
	Limits Limits
}

// Decrypted is what was in an encrypted message.
type Decrypted struct {
	Content []byte       // a MIME entity, header and body, with CRLF. If it is signed, only what is signed
	Signed  *Signed      // the signature inside, nil if there is none. It covers Content
	Header  *mime.Header // the header fields inside (RFC 9788), nil if there are none: the Subject to show
}

// Decrypt opens a message. The error is ErrNotEncrypted, ErrNotWhole when only a part is encrypted, ErrNoKey, ErrIntegrity,
// ErrSyntax, ErrTooMany, Unlock's or r's. It gives out nothing before it has checked that all is whole.
func (d *Decrypter) Decrypt(r io.ReaderAt, size int64) (*Decrypted, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	if !isEncrypted(ix.Root) {
		if hasEncrypted(ix.Root) {
			return nil, ErrNotWhole
		}
		return nil, ErrNotEncrypted
	}
	data, err := readArmor(r, ix.Root.Parts[1], openpgp.MessageType, d.Limits.Size)
	if err != nil {
		return nil, err
	}
	if err := checkPackets(data, d.Limits); err != nil {
		return nil, err
	}
	from, err := entity.Header(r, ix.Root)
	if err != nil {
		return nil, fmt.Errorf("pgpmime: %w", err)
	}
	content, sig, err := d.open(data)
	if err != nil {
		return nil, err
	}
	return d.inside(entity.Canonical(content), sig, from)
}

// isEncrypted: "The multipart/encrypted MIME body MUST consist of exactly two body parts" (RFC 3156 section 4).
func isEncrypted(p *mime.Part) bool {
	return p.Type == "multipart" && p.Subtype == "encrypted" && len(p.Parts) == 2 &&
		strings.EqualFold(p.Param("protocol"), "application/pgp-encrypted") &&
		p.Parts[0].Type == "application" && p.Parts[0].Subtype == "pgp-encrypted" &&
		p.Parts[1].Type == "application" && p.Parts[1].Subtype == "octet-stream"
}

func hasEncrypted(p *mime.Part) bool {
	if p.Type == "multipart" && p.Subtype == "encrypted" || p.Type == "application" && p.Subtype == "pgp-encrypted" {
		return true
	}
	for _, c := range p.Parts {
		if hasEncrypted(c) {
			return true
		}
	}
	return false
}

// open decrypts one OpenPGP message whole. sig is nil when it isn't signed.
func (d *Decrypter) open(data []byte) (content []byte, sig *Signature, err error) {
	defer func() {
		if recover() != nil { // the library's way of stumbling over damage
			content, sig, err = nil, nil, ErrIntegrity
		}
	}()
	if d.Keys == nil {
		return nil, nil, ErrNoKey
	}
	config := packet.Config{}
	if d.Config != nil {
		config = *d.Config
	}
	limit := d.Limits.Size
	if limit <= 0 {
		limit = entity.DefaultSize
	}
	config.MaxDecompressedMessageSize = &limit
	config.InsecureAllowUnauthenticatedMessages = false
	asked := 0
	var unlockErr error
	unlock := func(keys []openpgp.Key, _ bool) ([]byte, error) {
		if asked++; d.Unlock == nil || asked > 3 || len(keys) == 0 {
			return nil, pgperrors.ErrKeyIncorrect
		}
		unlockErr = d.Unlock(keys)
		return nil, unlockErr
	}
	md, err := openpgp.ReadMessage(bytes.NewReader(data), d.Keys, unlock, &config)
	switch {
	case unlockErr != nil:
		return nil, nil, unlockErr
	case errors.Is(err, pgperrors.ErrKeyIncorrect):
		return nil, nil, ErrNoKey
	case err != nil || !md.IsEncrypted:
		return nil, nil, ErrIntegrity
	}
	// The whole is read before any of it is looked at: the check comes at its end.
	content, err = entity.Read(md.UnverifiedBody, limit)
	if errors.Is(err, entity.ErrTooLarge) {
		return nil, nil, fmt.Errorf("pgpmime: %w", err)
	}
	if err != nil {
		return nil, nil, ErrIntegrity
	}
	if md.IsSigned {
		sig = d.describe(md)
	}
	return content, sig, nil
}

// describe tells of the signature that came with the encryption.
func (d *Decrypter) describe(md *openpgp.MessageDetails) *Signature {
	g := &Signature{KeyID: md.SignedByKeyId}
	if md.SignedBy == nil {
		g.Err = ErrUnknownKey
		return g
	}
	g.setKey(md.SignedBy.Entity)
	switch {
	case md.SignatureError != nil:
		g.Err = fmt.Errorf("pgpmime: %w", md.SignatureError)
	case md.Signature == nil:
		g.Err = ErrSyntax
	default:
		g.Time = md.Signature.CreationTime
		g.Err = checkDigest(md.Signature)
	}
	return g
}

// inside looks at the decrypted content: one layer of signature is opened, nothing deeper.
func (d *Decrypter) inside(content []byte, sig *Signature, from *mime.Header) (*Decrypted, error) {
	out := &Decrypted{Content: content, Header: entity.Protected(content)}
	if sig != nil {
		sig.MatchesFrom = entity.MatchesFrom(sig.Addresses, from, onlyWithFrom(out.Header))
		out.Signed = &Signed{Whole: true, Signatures: []Signature{*sig}, Content: content, Header: out.Header}
		return out, nil
	}
	r := bytes.NewReader(content)
	ix, err := mime.BuildIndex(r, r.Size(), nil)
	if err != nil {
		return nil, err
	}
	if !isSigned(ix.Root) { // RFC 3156 section 6.1: signed first, then encrypted
		return out, nil
	}
	v := &Verifier{Keys: d.Keys, Config: d.Config, Limits: d.Limits}
	if out.Signed, err = v.verify(r, ix.Root, true, from); err != nil {
		return nil, err
	}
	out.Content = out.Signed.Content
	if out.Header == nil {
		out.Header = out.Signed.Header
	}
	return out, nil
}
