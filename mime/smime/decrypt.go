package smime

import (
	"bytes"
	"crypto/cipher"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Decrypter opens encrypted messages.
type Decrypter struct {
	// Keys finds the key that belongs to a recipient, nil when it isn't ours. [Keys] makes one of keys at hand.
	Keys func(RecipientID) *KeyPair

	// Verifier checks a signature inside; nil stands for the zero Verifier.
	Verifier *Verifier

	// AllowUnauthenticated gives out what was encrypted with a mode that can't tell whether it was changed (CBC) and holds no
	// good signature either. Such content may have been put together by an attacker so that showing its HTML sends
	// the secret away: show it as plain text at most.
	AllowUnauthenticated bool

	Limits Limits
}

// Decrypted is what was in an encrypted message.
type Decrypted struct {
	Content []byte // a MIME entity, header and body, with CRLF. If it is signed, only what is signed

	// Authenticated: the content is what its sender encrypted; that says nothing about who the sender was. false only with AllowUnauthenticated.
	Authenticated bool

	Signed *Signed      // the signature inside, nil if there is none. It covers Content
	Header *mime.Header // the header fields inside (RFC 9788), nil if there are none: the Subject to show
}

// Decrypt opens a message. The error is ErrNotEncrypted, ErrNotWhole when only a part is encrypted, ErrNoKey, ErrIntegrity,
// ErrUnauthenticated, ErrUnsupported, ErrSyntax, ErrTooMany or r's.
func (d *Decrypter) Decrypt(r io.ReaderAt, size int64) (*Decrypted, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	if !mayBeEncrypted(ix.Root) {
		for p := range ix.Root.Leaves() {
			if mayBeEncrypted(p) {
				return nil, ErrNotWhole
			}
		}
		return nil, ErrNotEncrypted
	}
	der, err := readBlob(r, ix.Root, d.Limits.Size)
	if err != nil {
		return nil, err
	}
	content, authenticated, err := d.open(der)
	if err != nil {
		return nil, err
	}
	from, err := entity.Header(r, ix.Root)
	if err != nil {
		return nil, fmt.Errorf("smime: %w", err)
	}
	return d.inside(entity.Canonical(content), authenticated, from)
}

func mayBeEncrypted(p *mime.Part) bool {
	return p.Type == "application" && (p.Subtype == "pkcs7-mime" || p.Subtype == "x-pkcs7-mime")
}

// inside looks at the decrypted content: one layer of signature is opened, nothing deeper.
func (d *Decrypter) inside(content []byte, authenticated bool, from *mime.Header) (*Decrypted, error) {
	out := &Decrypted{Content: content, Authenticated: authenticated, Header: entity.Protected(content)}
	r := bytes.NewReader(content)
	ix, err := mime.BuildIndex(r, r.Size(), nil)
	if err != nil {
		return nil, err
	}
	if isSigned(ix.Root) {
		v := d.Verifier
		if v == nil {
			v = &Verifier{}
		}
		s, err := v.verify(r, ix.Root, true, from)
		if err != nil && !errors.Is(err, ErrNotSigned) {
			return nil, err
		}
		if err == nil {
			out.Content, out.Signed = s.Content, s
			if out.Header == nil {
				out.Header = s.Header
			}
			out.Authenticated = out.Authenticated || s.valid()
		}
	}
	if !out.Authenticated && !d.AllowUnauthenticated {
		return nil, ErrUnauthenticated
	}
	return out, nil
}

// open decrypts a CMS structure.
func (d *Decrypter) open(der []byte) (content []byte, authenticated bool, err error) {
	var info contentInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, false, ErrSyntax
	}
	auth := info.Type.Equal(oidAuthEnveloped())
	if !auth && !info.Type.Equal(oidEnveloped()) {
		return nil, false, ErrNotEncrypted
	}
	var data envelopedData
	if rest, err := asn1.Unmarshal(info.Content.Bytes, &data); err != nil || len(rest) > 0 {
		return nil, false, ErrSyntax
	}
	how, ok := cipherOf(data.Content.Algorithm.Algorithm)
	if !data.Content.Type.Equal(oidData()) || !ok || how.gcm != auth {
		return nil, false, ErrUnsupported
	}
	sealed, err := octets(data.Content.Content)
	if err != nil {
		return nil, false, err
	}
	keys, err := d.contentKeys(&data, how.keySize)
	if err != nil {
		return nil, false, err
	}
	for _, key := range keys {
		if content, err = openContent(&data, how, key, sealed); err == nil {
			return content, auth, nil
		}
	}
	return nil, false, err
}

// openContent decrypts with a content key. Nothing is returned of what can't be shown to be whole.
func openContent(data *envelopedData, how contentCipher, key, sealed []byte) ([]byte, error) {
	if len(key) != how.keySize {
		return nil, ErrIntegrity
	}
	block, err := how.block(key)
	if err != nil {
		return nil, ErrIntegrity
	}
	if !how.gcm {
		return openCBC(block, data.Content.Algorithm.Parameters.Bytes, sealed)
	}
	var params gcmParameters
	if rest, err := asn1.Unmarshal(data.Content.Algorithm.Parameters.FullBytes, &params); err != nil || len(rest) > 0 {
		return nil, ErrSyntax
	}
	if len(params.Nonce) != 12 || params.ICVLen < 12 || params.ICVLen > 16 || len(data.MAC) != params.ICVLen {
		return nil, ErrUnsupported
	}
	aead, err := cipher.NewGCMWithTagSize(block, params.ICVLen)
	if err != nil {
		return nil, ErrUnsupported
	}
	var attributes []byte // "the DER encoding of the authAttrs", with a SET OF tag in place of [1] (RFC 5083 section 2.2)
	if len(data.Attributes.FullBytes) > 0 {
		attributes = bytes.Clone(data.Attributes.FullBytes)
		attributes[0] = 0x31
	}
	content, err := aead.Open(nil, params.Nonce, append(sealed[:len(sealed):len(sealed)], data.MAC...), attributes)
	if err != nil {
		return nil, ErrIntegrity
	}
	return content, nil
}

func openCBC(block cipher.Block, iv, sealed []byte) ([]byte, error) {
	n := block.BlockSize()
	if len(iv) != n || len(sealed) == 0 || len(sealed)%n != 0 {
		return nil, ErrSyntax
	}
	out := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, sealed)
	pad := int(out[len(out)-1])
	if pad == 0 || pad > n {
		return nil, ErrIntegrity
	}
	for _, c := range out[len(out)-pad:] {
		if int(c) != pad {
			return nil, ErrIntegrity
		}
	}
	return out[:len(out)-pad], nil
}
